"""The Create operations of the control plane."""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from relay.emulator.control.inputs import (
    decode_create_dataset,
    decode_create_dataset_group,
    decode_create_event_tracker,
    decode_create_schema,
)
from relay.emulator.control.resources import Kind, Resource
from relay.emulator.control.schemas import DATASET_TYPES, check_columns, check_schema
from relay.emulator.control.tags import checked_tags
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import AwsError, invalid

MAX_SCHEMAS: Final = 500
"""Of an account [the quotas page of the developer guide]."""


def create_dataset_group(emulator: Emulator, body: bytes) -> bytes:
    """CreateDatasetGroup."""
    call = decode_create_dataset_group(body)
    if call.kms_key_arn is not UNSET and call.role_arn is UNSET:
        raise invalid("A KMS key needs a role that may use it.")
    _check_count(emulator, Kind.DATASET_GROUP, emulator.max_dataset_groups)
    group = Resource(
        kind=Kind.DATASET_GROUP,
        arn=emulator.arn(f"dataset-group/{call.name}"),
        name=call.name,
        created_ms=emulator.clock.now_ms(),
        tags=checked_tags(call.tags),
        domain=_or_none(call.domain),
        role_arn=_or_none(call.role_arn),
        kms_key_arn=_or_none(call.kms_key_arn),
    )
    emulator.registry.add(group)
    answer = {"datasetGroupArn": group.arn} | ({"domain": group.domain} if group.domain else {})
    return msgspec.json.encode(answer)


def create_schema(emulator: Emulator, body: bytes) -> bytes:
    """CreateSchema."""
    call = decode_create_schema(body)
    check_schema(call.schema)
    _check_count(emulator, Kind.SCHEMA, MAX_SCHEMAS)
    schema = Resource(
        kind=Kind.SCHEMA,
        arn=emulator.arn(f"schema/{call.name}"),
        name=call.name,
        created_ms=emulator.clock.now_ms(),
        schema=call.schema,
        domain=_or_none(call.domain),
    )
    emulator.registry.add(schema)
    return msgspec.json.encode({"schemaArn": schema.arn})


def create_dataset(emulator: Emulator, body: bytes) -> bytes:
    """CreateDataset: one of each type in a dataset group, whose domain its schema shares."""
    call = decode_create_dataset(body)
    dataset_type = call.dataset_type.upper()
    if dataset_type not in DATASET_TYPES:
        raise invalid(f"{call.dataset_type} is not a type of dataset.")
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    schema = emulator.registry.get(Kind.SCHEMA, call.schema_arn)
    if schema.domain != group.domain:
        raise invalid("The schema and the dataset group must be of the same domain.")
    check_columns(schema.schema or "", dataset_type, domain=group.domain)
    dataset = Resource(
        kind=Kind.DATASET,
        arn=emulator.arn(f"dataset/{group.name}/{dataset_type}"),
        name=call.name,
        created_ms=emulator.clock.now_ms(),
        tags=checked_tags(call.tags),
        dataset_group_arn=group.arn,
        dataset_type=dataset_type,
        schema_arn=schema.arn,
        tracking_id=emulator.uuid() if dataset_type == "ACTION_INTERACTIONS" else None,
    )
    emulator.registry.add(dataset)
    return msgspec.json.encode({"datasetArn": dataset.arn})


def create_event_tracker(emulator: Emulator, body: bytes) -> bytes:
    """CreateEventTracker: one a dataset group. The tracking id is told at once, but works only once it is ACTIVE."""
    call = decode_create_event_tracker(body)
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    for there in emulator.registry.all(Kind.EVENT_TRACKER, dataset_group_arn=group.arn):
        raise AwsError(
            "ResourceAlreadyExistsException", f"The dataset group already has the event tracker {there.arn}."
        )
    tracker = Resource(
        kind=Kind.EVENT_TRACKER,
        arn=emulator.arn(f"event-tracker/{call.name}"),
        name=call.name,
        created_ms=emulator.clock.now_ms(),
        tags=checked_tags(call.tags),
        dataset_group_arn=group.arn,
        tracking_id=emulator.uuid(),
    )
    emulator.registry.add(tracker)
    return msgspec.json.encode({"eventTrackerArn": tracker.arn, "trackingId": tracker.tracking_id})


def _check_count(emulator: Emulator, kind: Kind, most: int) -> None:
    if sum(1 for _ in emulator.registry.all(kind)) >= most:
        raise AwsError("LimitExceededException", f"The account may have {most} of kind {kind} at most.")


def _or_none(value: str | UnsetType) -> str | None:
    return None if isinstance(value, UnsetType) else value
