"""Records and batches as the dispatcher sees them."""

from relay.core.model import Batch, Operation, Piece, Record, SessionKey
from tests.support.records import SESSION


def record(
    seq: int,
    *,
    session_id: str = SESSION,
    user_id: str | None = None,
    target: str = "tracker-1",
    size: int = 0,
    operation: Operation = Operation.PUT_EVENTS,
) -> Record:
    body = f'{{"eventType":"Click","eventId":"e{seq}","itemId":"p1","sentAt":1795312345}}'.ljust(size).encode()
    return Record(seq, SessionKey(operation, target, session_id), user_id, body, (len(body),), 1_795_312_345_678, 1)


def beacon(seq: int, events: int) -> Record:
    """A record of several events; the ids go on from `seq`."""
    entries = [
        f'{{"eventType":"Click","eventId":"e{seq + n}","itemId":"p1","sentAt":1795312345}}'.encode()
        for n in range(events)
    ]
    ends, end = list[int](), -1
    for entry in entries:
        end += 1 + len(entry)
        ends.append(end)
    key = SessionKey(Operation.PUT_EVENTS, "tracker-1", SESSION)
    body = b",".join(entries)
    return Record(seq, key, None, body, tuple(ends), 1_795_312_345_678, (1 << events) - 1)


def batch(count: int = 1, *, user_id: str | None = None, target: str = "tracker-1") -> Batch:
    pieces = tuple(Piece(record(seq, user_id=user_id, target=target), 1) for seq in range(1, count + 1))
    return Batch(pieces[0].record.key, user_id, pieces)
