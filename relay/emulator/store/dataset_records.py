"""Users, items and actions as they stand: the last record of each id, whole, since a put replaces the one before."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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

KIND_OF_TYPE: Final[Mapping[str, RecordKind]] = {"USERS": "users", "ITEMS": "items", "ACTIONS": "actions"}
"""Type of a dataset to the kind of its records."""

MAX_RECORDS: Final = 2_000_000
"""Of each kind; past it the oldest ids are forgotten."""


class DatasetRecords:
    """The records of all datasets: kind → dataset ARN and id → `properties`, empty where there are none."""

    def __init__(self) -> None:
        self._by_kind: dict[RecordKind, dict[tuple[str, str], str]] = {"users": {}, "items": {}, "actions": {}}
        self._bulk: set[tuple[str, str]] = set()
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

    def take_bulk(self, kind: RecordKind, dataset_arn: str, rows: Iterable[tuple[str, str]], *, replace: bool) -> None:
        """Take the rows of an import, id and `properties`; `replace` drops those of earlier imports first."""
        if replace:
            for key in [key for key in self._bulk if key[0] == dataset_arn]:
                self._by_kind[kind].pop(key, None)
                self._bulk.discard(key)
        for record_id, properties in rows:
            self._put(kind, dataset_arn, record_id, properties)
            self._bulk.add((dataset_arn, record_id))
        self.version += 1

    def of(self, kind: RecordKind) -> Mapping[tuple[str, str], str]:
        """Dataset ARN and id → `properties`, in the order in which the ids first came."""
        return self._by_kind[kind]

    def of_dataset(self, kind: RecordKind, dataset_arn: str) -> dict[str, str]:
        """Id → `properties` in one dataset."""
        return {key[1]: text for key, text in self._by_kind[kind].items() if key[0] == dataset_arn}

    def get(self, kind: RecordKind, dataset_arn: str, record_id: str) -> str:
        """`properties` of one record; empty when there is none."""
        return self._by_kind[kind].get((dataset_arn, record_id), "")

    def is_bulk(self, dataset_arn: str, record_id: str) -> bool:
        """Whether a record came by an import."""
        return (dataset_arn, record_id) in self._bulk

    def ids(self, kind: RecordKind) -> Iterator[str]:
        """Ids of a kind, of every dataset."""
        return (record_id for _, record_id in self._by_kind[kind])

    def replay(self, operation: str | None, body: bytes) -> None:
        """Take again what a call of the journal brought."""
        replay = _REPLAY.get(operation or "")
        if replay is not None:
            replay(self, body)

    def without_users(self, dataset_arn: str, users: frozenset[str]) -> set[str]:
        """Drop the records of some users; those there were."""
        return {user for user in users if self._drop("users", (dataset_arn, user))}

    def drop(self, kind: RecordKind, dataset_arn: str) -> None:
        """Forget a dataset."""
        for key in [key for key in self._by_kind[kind] if key[0] == dataset_arn]:
            self._drop(kind, key)

    def clear(self) -> None:
        """Forget all of them."""
        for records in self._by_kind.values():
            records.clear()
        self._bulk.clear()
        self.version += 1

    def _put(self, kind: RecordKind, dataset_arn: str, record_id: str, properties: str) -> None:
        records = self._by_kind[kind]
        self._bulk.discard((dataset_arn, record_id))
        records[dataset_arn, record_id] = properties
        self.version += 1
        if len(records) > MAX_RECORDS:
            self._drop(kind, next(iter(records)))

    def _drop(self, kind: RecordKind, key: tuple[str, str]) -> bool:
        self._bulk.discard(key)
        self.version += 1
        return self._by_kind[kind].pop(key, None) is not None


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
