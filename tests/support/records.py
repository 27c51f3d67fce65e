"""Records as intake would make them."""

from relay.core.model import NewRecord, Operation, SessionKey

SESSION = "0b6e1234567890ab"


def key(
    session_id: str = SESSION, *, target: str = "tracker-1", operation: Operation = Operation.PUT_EVENTS
) -> SessionKey:
    return SessionKey(operation, target, session_id)


def new_record(
    event_id: str,
    session_id: str = SESSION,
    *,
    user_id: str | None = None,
    target: str = "tracker-1",
    item_id: str = "p1",
) -> NewRecord:
    body = f'{{"eventType":"Click","eventId":"{event_id}","itemId":"{item_id}","sentAt":1795312345}}'
    return NewRecord(key(session_id, target=target), user_id, event_id, body.encode(errors="replace"))


def new_records(
    count: int, session_id: str = SESSION, *, user_id: str | None = None, start: int = 0
) -> list[NewRecord]:
    return [new_record(f"e{number}", session_id, user_id=user_id) for number in range(start, start + count)]
