"""The interactions as Personalize would train on them, from the PutEvents calls that were taken.

- A session that ever came with a user belongs to the first such user, all its events, the earlier ones too.
  Events of sessions that never did are left out, unless asked for; then the session id stands for the user.
- Of events with the same `eventId` in a dataset group the first counts; so it does of events of one user that are
  alike in all their fields and in the second of their time.
- Events without an item, and of sessions named `null` or `undefined`, are left out: the service takes and ignores them.
- `itemId` and `eventValue` inside `properties` count where the event itself has none.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from relay.emulator.data.events import Event, PutEvents, decode_put_events, item_of, value_of
from relay.emulator.data.properties import parse_properties
from relay.emulator.store.calls import Call

FIXED_COLUMNS: Final = (
    "USER_ID",
    "ITEM_ID",
    "TIMESTAMP",
    "EVENT_TYPE",
    "EVENT_VALUE",
    "RECOMMENDATION_ID",
    "IMPRESSION",
)
"""Always there, in this order; a column for each key seen in `properties` follows, in alphabetical order."""

IGNORED_SESSIONS: Final = frozenset({"null", "undefined"})
"""The service answers 200 to `sessionId: 'null'` and stores nothing (aws/aws-sdk-js#3371)."""

_ROWS_A_CHUNK: Final = 200
_CAMEL_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IN_PROPERTIES: Final = ("itemId", "eventValue")

GroupOf = Callable[[str], str]
"""Tracking id to dataset group: what is told apart by it never meets."""


def interactions_csv(calls: Sequence[Call], *, group_of: GroupOf, anonymous: bool = False) -> Iterator[str]:
    """The file in pieces, its head first, in the order in which the events came.

    Args:
        calls: PutEvents calls that were taken, in order.
        group_of: The dataset group of a tracking id.
        anonymous: Also events of sessions that no user belongs to.
    """
    users, keys = _survey(calls, group_of)
    metadata = sorted(keys)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIXED_COLUMNS, *(column_name(key) for key in metadata)])
    for count, row in enumerate(_rows(calls, users, metadata, group_of, anonymous=anonymous), start=1):
        writer.writerow(row)
        if count % _ROWS_A_CHUNK == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def column_name(key: str) -> str:
    """The schema's column of a key of `properties`: `numRatings` is NUM_RATINGS."""
    return _CAMEL_HUMP.sub("_", key).upper()


def _survey(calls: Iterable[Call], group_of: GroupOf) -> tuple[dict[tuple[str, str], str], set[str]]:
    """What must be known before the first row: the user of each session, and every key of `properties`."""
    users: dict[tuple[str, str], str] = {}
    keys: set[str] = set()
    for call in map(_decode, calls):
        if call.user_id:
            users.setdefault((group_of(call.tracking_id), call.session_id), call.user_id)
        for event in call.event_list:
            if event.properties:
                keys.update(parse_properties(event.properties))
    return users, keys.difference(_IN_PROPERTIES)


def _rows(
    calls: Iterable[Call],
    users: dict[tuple[str, str], str],
    metadata: list[str],
    group_of: GroupOf,
    *,
    anonymous: bool,
) -> Iterator[list[Any]]:
    ids: set[tuple[str, str]] = set()
    twins: set[tuple[str, bytes]] = set()
    for call in map(_decode, calls):
        group = group_of(call.tracking_id)
        user = call.user_id or users.get((group, call.session_id)) or (call.session_id if anonymous else None)
        if user is None or call.session_id in IGNORED_SESSIONS:
            continue
        for event in call.event_list:
            if event.event_id:
                if (group, event.event_id) in ids:
                    continue
                ids.add((group, event.event_id))
            row = _row(user, event, metadata)
            if row is None or (group, twin := msgspec.msgpack.encode(row)) in twins:
                continue
            twins.add((group, twin))
            yield row


def _row(user: str, event: Event, metadata: list[str]) -> list[Any] | None:
    """One line; None for an event without an item."""
    properties = parse_properties(event.properties) if event.properties else {}
    item = item_of(event)
    if not item:
        return None
    value = value_of(event)
    impression = "|".join(event.impression) if event.impression else ""
    shown = (_cell(properties.get(key)) for key in metadata)
    return [
        user,
        item,
        int(event.sent_at),
        event.event_type,
        _cell(value),
        event.recommendation_id or "",
        impression,
        *shown,
    ]


def _cell(value: Any) -> Any:
    """A value as it stands in the file: text and numbers as they are, the rest as JSON, nothing for None."""
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else msgspec.json.encode(value).decode()


def _decode(call: Call) -> PutEvents:
    return decode_put_events(call.body)
