"""Users, items and actions as they stand: the last record of each id, whole, since a put replaces the one before."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from relay.emulator.data.records import (
    Action,
    Item,
    User,
    decode_put_actions,
    decode_put_items,
    decode_put_users,
)

RecordKind = Literal["users", "items", "actions"]

MAX_RECORDS: Final = 2_000_000
"""Of each kind; past it the oldest ids are forgotten."""


class DatasetRecords:
    """The records of all datasets: kind → dataset ARN and id → `properties`, empty where there are none."""

    def __init__(self) -> None:
        self._by_kind: dict[RecordKind, dict[tuple[str, str], str]] = {"users": {}, "items": {}, "actions": {}}
        self.version = 0
        """Changes whenever a record does."""

    def put_users(self, dataset_arn: str, users: list[User]) -> None:
        """Take users."""
        for user in users:
            self._put("users", dataset_arn, user.user_id, user.properties or "")

    def put_items(self, dataset_arn: str, items: list[Item]) -> None:
        """Take items."""
        for item in items:
            self._put("items", dataset_arn, item.item_id, item.properties or "")

    def put_actions(self, dataset_arn: str, actions: list[Action]) -> None:
        """Take actions."""
        for action in actions:
            self._put("actions", dataset_arn, action.action_id, action.properties or "")

    def of(self, kind: RecordKind) -> Mapping[tuple[str, str], str]:
        """Dataset ARN and id → `properties`, in the order in which the ids first came."""
        return self._by_kind[kind]

    def ids(self, kind: RecordKind) -> Iterator[str]:
        """Ids of a kind, of every dataset."""
        return (record_id for _, record_id in self._by_kind[kind])

    def replay(self, operation: str | None, body: bytes) -> None:
        """Take again what a call of the journal brought."""
        replay = _REPLAY.get(operation or "")
        if replay is not None:
            replay(self, body)

    def clear(self) -> None:
        """Forget all of them."""
        for records in self._by_kind.values():
            records.clear()
        self.version += 1

    def _put(self, kind: RecordKind, dataset_arn: str, record_id: str, properties: str) -> None:
        records = self._by_kind[kind]
        records[dataset_arn, record_id] = properties
        self.version += 1
        if len(records) > MAX_RECORDS:
            del records[next(iter(records))]


def _replay_users(records: DatasetRecords, body: bytes) -> None:
    call = decode_put_users(body)
    records.put_users(call.dataset_arn, call.users)


def _replay_items(records: DatasetRecords, body: bytes) -> None:
    call = decode_put_items(body)
    records.put_items(call.dataset_arn, call.items)


def _replay_actions(records: DatasetRecords, body: bytes) -> None:
    call = decode_put_actions(body)
    records.put_actions(call.dataset_arn, call.actions)


_REPLAY: Final[Mapping[str, Callable[[DatasetRecords, bytes], None]]] = {
    "PutUsers": _replay_users,
    "PutItems": _replay_items,
    "PutActions": _replay_actions,
}
