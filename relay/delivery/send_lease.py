"""One lease's events, sent in order; a bad one is found and buried, its neighbours are delivered."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.core.model import Batch, Piece, Record
from relay.delivery.batching import after, first_batch
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable
from relay.spool.contract import Burial

MAX_MESSAGE_CHARS = 500
"""Of the service's message, kept with a buried event."""


@dataclass(slots=True)
class Progress:
    """What has happened so far: right at every moment, so that it can be settled even when sending is cancelled."""

    delivered: list[Piece] = field(default_factory=list[Piece])
    buried: list[Burial] = field(default_factory=list[Burial])
    stopped: Throttled | Unreachable | None = None
    """Why the rest was not sent."""


async def send_all(
    records: Sequence[Record],
    send: Callable[[Batch], Awaitable[Outcome]],
    progress: Progress,
    *,
    doubt: Callable[[Refused], Unreachable | None],
) -> None:
    """Send the events that wait, oldest first, until all are delivered or buried, or the service has no verdict.

    A refused call holds at least one bad event. Its first half is tried: if that is delivered, the bad one is in the
    second half, and that needs no call as a whole. So one bad event of ten costs four to six calls more.

    Args:
        records: Oldest first.
        send: Makes one call.
        progress: Filled in on the way.
        doubt: Asked before an event is buried; a fault it returns stops everything instead.
    """
    rest = [Piece(record, record.waiting) for record in records]
    suspects = 0  # so many of the first were refused together
    while rest:
        most = MAX_EVENTS_PER_CALL if suspects == 0 else max(1, suspects // 2)
        batch = first_batch(rest, most=most)
        size = batch.size
        outcome = await send(batch)
        if isinstance(outcome, Delivered):
            progress.delivered += batch.pieces
            rest = after(rest, batch)
            suspects = max(0, suspects - size)
        elif not isinstance(outcome, Refused):
            progress.stopped = outcome
            return
        elif size > 1:
            suspects = size
        else:
            progress.stopped = doubt(outcome)
            if progress.stopped is not None:
                return
            (piece,) = batch.pieces
            place = piece.places.bit_length() - 1
            progress.buried.append(Burial(piece.record.seq, place, outcome.code, outcome.message[:MAX_MESSAGE_CHARS]))
            rest = after(rest, batch)
            suspects = 0
