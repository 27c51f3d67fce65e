"""What `personalize-events` does with a call, once it is known who sent it."""

from collections.abc import Iterable

from msgspec import UnsetType

from relay.core import limits
from relay.emulator.control.kinds import Kind
from relay.emulator.control.schemas import categorical_keys
from relay.emulator.data.events import (
    PutActionInteractions,
    PutEvents,
    check_action_interactions,
    check_events,
    item_of,
)
from relay.emulator.data.properties import parse_properties
from relay.emulator.data.records import PutActions, PutItems, PutUsers
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import in_use, invalid, not_found

_NO_CONTENT = b""


def put_events(emulator: Emulator, call: PutEvents) -> bytes:
    """PutEvents. An unknown tracking id or a tracker not ACTIVE is InvalidInput: the operation models nothing else."""
    tracker = emulator.registry.of_tracking_id(call.tracking_id, Kind.EVENT_TRACKER)
    if tracker is None:
        raise invalid(f"No event tracker has the tracking id {call.tracking_id!r}.")
    if not emulator.registry.is_active(tracker):
        raise invalid(f"The event tracker of {call.tracking_id!r} is not ACTIVE.")
    emulator.quotas.take("PutEvents", tracker.dataset_group_arn or "")
    check_events(call)
    emulator.faults.check_items(map(item_of, call.event_list))
    return _NO_CONTENT


def put_action_interactions(emulator: Emulator, call: PutActionInteractions) -> bytes:
    """PutActionInteractions; the tracking id is that of the dataset of action interactions."""
    dataset = emulator.registry.of_tracking_id(call.tracking_id, Kind.DATASET)
    if dataset is None:
        raise not_found(f"No dataset of action interactions has the tracking id {call.tracking_id!r}.")
    if not emulator.registry.is_active(dataset):
        raise in_use(f"The dataset of {call.tracking_id!r} is not ACTIVE.")
    emulator.quotas.take("PutActionInteractions", dataset.dataset_group_arn or "")
    check_action_interactions(call)
    return _NO_CONTENT


def put_users(emulator: Emulator, call: PutUsers) -> bytes:
    """PutUsers."""
    schema = _schema_of_dataset(emulator, "PutUsers", call.dataset_arn, "USERS")
    _check_all_properties(schema, (user.properties for user in call.users))
    emulator.records.put_users(call.dataset_arn, call.users)
    return _NO_CONTENT


def put_items(emulator: Emulator, call: PutItems) -> bytes:
    """PutItems."""
    schema = _schema_of_dataset(emulator, "PutItems", call.dataset_arn, "ITEMS")
    _check_all_properties(schema, (item.properties for item in call.items))
    emulator.faults.check_items(item.item_id for item in call.items)
    emulator.records.put_items(call.dataset_arn, call.items)
    return _NO_CONTENT


def put_actions(emulator: Emulator, call: PutActions) -> bytes:
    """PutActions."""
    schema = _schema_of_dataset(emulator, "PutActions", call.dataset_arn, "ACTIONS")
    _check_all_properties(schema, (action.properties for action in call.actions))
    emulator.records.put_actions(call.dataset_arn, call.actions)
    return _NO_CONTENT


def _schema_of_dataset(emulator: Emulator, operation: str, arn: str, dataset_type: str) -> str:
    dataset = emulator.registry.get_active(Kind.DATASET, arn)
    if dataset.dataset_type != dataset_type:
        raise invalid(f"{arn} is not a dataset of type {dataset_type}.")
    emulator.quotas.take(operation, dataset.dataset_group_arn or "")
    return emulator.schema_of(dataset)


def _check_all_properties(schema: str, texts: Iterable[str | UnsetType]) -> None:
    categorical = categorical_keys(schema)
    for text in texts:
        if not text:
            continue
        for key, value in parse_properties(text).items():
            if key in categorical and isinstance(value, str) and len(value) > limits.MAX_CATEGORICAL_CHARS:
                raise invalid(f"'{key}' is categorical and may have {limits.MAX_CATEGORICAL_CHARS} characters at most.")
