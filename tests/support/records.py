"""Records as intake would make them."""

from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from relay.core.model import NewRecord, Operation, Record, SessionKey, bits, event_id_of

SESSION = "0b6e1234567890ab"


class Event(NamedTuple):
    """One event of a record."""

    key: SessionKey
    user_id: str | None
    event_id: str
    body: bytes
    accepted_at_ms: int


def events_of(records: Iterable[Record]) -> list[Event]:
    """Those that wait."""
    return [
        Event(record.key, record.user_id, event_id_of(record.entry(place)), record.entry(place), record.accepted_at_ms)
        for record in records
        for place in bits(record.waiting)
    ]


def key(
    session_id: str = SESSION, *, target: str = "tracker-1", operation: Operation = Operation.PUT_EVENTS
) -> SessionKey:
    return SessionKey(operation, target, session_id)


def single(name: SessionKey, user_id: str | None, event_id: str, body: bytes) -> NewRecord:
    """A record of one event."""
    return NewRecord(name, user_id, (event_id,), body, (len(body),))


def beacon(*event_ids: str, session_id: str = SESSION, user_id: str | None = None) -> NewRecord:
    """A record of several events."""
    ones = [new_record(event_id, session_id, user_id=user_id) for event_id in event_ids]
    ends = tuple(accumulate([len(ones[0].body), *[1 + len(one.body) for one in ones[1:]]]))
    return NewRecord(ones[0].key, user_id, event_ids, b",".join([one.body for one in ones]), ends)


def new_record(
    event_id: str,
    session_id: str = SESSION,
    *,
    user_id: str | None = None,
    target: str = "tracker-1",
    item_id: str = "p1",
) -> NewRecord:
    body = f'{{"eventType":"Click","eventId":"{event_id}","itemId":"{item_id}","sentAt":1795312345}}'
    return single(key(session_id, target=target), user_id, event_id, body.encode(errors="replace"))


def new_records(
    count: int, session_id: str = SESSION, *, user_id: str | None = None, start: int = 0
) -> list[NewRecord]:
    return [new_record(f"e{number}", session_id, user_id=user_id) for number in range(start, start + count)]
