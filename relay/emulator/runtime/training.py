"""The interactions as Personalize would train on them, from imports and from the PutEvents calls that were taken.

- A session that ever came with a user belongs to the first such user, all its events, the earlier ones too.
  Events of sessions that never did are left out, unless asked for; then the session id stands for the user.
- Of events with the same `eventId` in a dataset group the first counts; so it does of events of one user that are
  alike in all their fields and in the second of their time.
- Events without an item, and of sessions named `null` or `undefined`, are left out: the service takes and ignores them.
- `itemId` and `eventValue` inside `properties` count where the event itself has none.
"""

import csv
import io
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final

import msgspec

from relay.emulator.control.kinds import Kind
from relay.emulator.data.events import Event, PutEvents, decode_put_events, item_of, value_of
from relay.emulator.data.properties import column_name, parse_properties
from relay.emulator.state import Emulator
from relay.emulator.store.bulk import Interaction

GroupOf = Callable[[str], str]
"""Tracking id to dataset group: what is told apart by it never meets."""

FIXED_COLUMNS: Final = (
    "USER_ID",
    "ITEM_ID",
    "TIMESTAMP",
    "EVENT_TYPE",
    "EVENT_VALUE",
    "RECOMMENDATION_ID",
    "IMPRESSION",
)
"""Always there, in this order; those of imports and of each key seen in `properties` follow, in alphabetical order."""

IGNORED_SESSIONS: Final = frozenset({"null", "undefined"})
"""The service answers 200 to `sessionId: 'null'` and stores nothing (aws/aws-sdk-js#3371)."""

_ROWS_A_CHUNK: Final = 200
_IN_PROPERTIES: Final = ("itemId", "eventValue")


def training_csv(emulator: Emulator, *, tracking_id: str | None = None, anonymous: bool = False) -> Iterator[str]:
    """The file in pieces, its head first: rows of import jobs, then events, each in the order in which they came.

    Args:
        emulator: Whose data.
        tracking_id: Only of the dataset group of this event tracker, and of its events only.
        anonymous: Also events of sessions that no user belongs to.
    """
    registry = emulator.registry
    calls = [call for call in emulator.calls.after(0, operation="PutEvents") if call.taken]
    puts = [decode_put_events(call.body) for call in calls]
    chosen = [put for put in puts if tracking_id in (None, put.tracking_id)]
    only = None if tracking_id is None else registry.group_of_tracking_id(tracking_id)
    imports = [
        (dataset.dataset_group_arn or "", row)
        for dataset in registry.all(Kind.DATASET, dataset_group_arn=only)
        if dataset.dataset_type == "INTERACTIONS"
        for row in emulator.bulk.of(dataset.arn)
    ]
    return _pieces(imports, chosen, registry.group_of_tracking_id, anonymous=anonymous)


def _pieces(
    imports: list[tuple[str, Interaction]], puts: list[PutEvents], group_of: GroupOf, *, anonymous: bool
) -> Iterator[str]:
    users, columns = _survey(imports, puts, group_of)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIXED_COLUMNS, *columns])
    rows = _Rows(columns)
    written = chain(rows.of_imports(imports), rows.of_events(puts, users, group_of, anonymous=anonymous))
    for count, row in enumerate(written, start=1):
        writer.writerow(row)
        if count % _ROWS_A_CHUNK == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _survey(
    imports: list[tuple[str, Interaction]], puts: list[PutEvents], group_of: GroupOf
) -> tuple[dict[tuple[str, str], str], list[str]]:
    """What must be known before the first row: the user of each session, and every column beside the fixed ones."""
    users: dict[tuple[str, str], str] = {}
    columns = {column for _, row in imports for column in row.more}
    keys: set[str] = set()
    for put in puts:
        if put.user_id:
            users.setdefault((group_of(put.tracking_id), put.session_id), put.user_id)
        for event in put.event_list:
            if event.properties:
                keys.update(parse_properties(event.properties))
    return users, sorted(columns | set(map(column_name, keys.difference(_IN_PROPERTIES))))


class _Rows:
    """Lines of the file, without those that are like one before."""

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns
        self._ids: set[tuple[str, str]] = set()
        self._twins: set[tuple[str, bytes]] = set()

    def of_imports(self, imports: list[tuple[str, Interaction]]) -> Iterator[list[Any]]:
        for group, row in imports:
            fixed = [
                row.user_id,
                row.item_id,
                row.timestamp,
                row.event_type,
                _cell(row.event_value),
                row.recommendation_id,
                row.impression,
            ]
            line = [*fixed, *(row.more.get(column, "") for column in self._columns)]
            if self._is_new(group, line):
                yield line

    def of_events(
        self, puts: list[PutEvents], users: dict[tuple[str, str], str], group_of: GroupOf, *, anonymous: bool
    ) -> Iterator[list[Any]]:
        for put in puts:
            group = group_of(put.tracking_id)
            user = put.user_id or users.get((group, put.session_id)) or (put.session_id if anonymous else None)
            if user is None or put.session_id in IGNORED_SESSIONS:
                continue
            for event in put.event_list:
                if event.event_id:
                    if (group, event.event_id) in self._ids:
                        continue
                    self._ids.add((group, event.event_id))
                line = self._line(user, event)
                if line is not None and self._is_new(group, line):
                    yield line

    def _is_new(self, group: str, line: list[Any]) -> bool:
        twin = (group, msgspec.msgpack.encode(line))
        if twin in self._twins:
            return False
        self._twins.add(twin)
        return True

    def _line(self, user: str, event: Event) -> list[Any] | None:
        """One line; None for an event without an item."""
        item = item_of(event)
        if item is None:
            return None
        properties = parse_properties(event.properties) if event.properties else {}
        by_column = {column_name(key): value for key, value in properties.items()}
        return [
            user,
            item,
            int(event.sent_at),
            event.event_type,
            _cell(value_of(event)),
            event.recommendation_id or "",
            "|".join(event.impression) if event.impression else "",
            *(_cell(by_column.get(column)) for column in self._columns),
        ]


def _cell(value: Any) -> Any:
    """A value as it stands in the file: text and numbers as they are, the rest as JSON, nothing for None."""
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else msgspec.json.encode(value).decode()
