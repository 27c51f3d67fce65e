"""A lease, call by call: a bad event is found and buried, its neighbours are delivered.

A refused call holds at least one bad event. The first is tried alone, then, as long as they are refused, the next:
ten bad of ten cost ten calls more, no more than one by one. Once one is taken, what is under suspicion is halved, and
when the bad one is found the rest goes together: one bad of ten costs three to six calls more. If that is refused as
well, all that is left goes one by one: whatever is bad, it is thirteen calls more at most.
"""

from collections.abc import Callable, Sequence

from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.core.model import Batch, Piece, Record
from relay.core.service_message import MOST_CHARS
from relay.delivery.batching import after, first_batch
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable
from relay.spool.contract import Burial


class Sending:
    """What is known of some records' events: right at every moment, so that it can be settled whenever sending ends.

    Pure: who sends asks for the `next` call, makes it, and says what `came` of it, until there is none.

    Args:
        records: Of one session and one user, oldest first.
        doubt: Asked before an event is buried, with that event; a fault it returns stops everything instead.
    """

    __slots__ = (
        *("_alone", "_batch", "_doubt", "_rest", "_suspects", "_to_the_end"),
        *("buried", "delivered", "stopped"),
    )

    def __init__(self, records: Sequence[Record], *, doubt: Callable[[Refused, Piece], Unreachable | None]) -> None:
        self.delivered: list[Piece] = []
        self.buried: list[Burial] = []
        self.stopped: Throttled | Unreachable | None = None
        """Why the rest was not sent."""
        self._doubt = doubt
        self._rest = [Piece(record, record.waiting) for record in records]
        self._suspects = 0
        """So many of the first were refused together."""
        self._alone = False
        """They go one by one, until one is taken."""
        self._to_the_end = False
        """All that is left does."""

    @property
    def is_looking(self) -> bool:
        """Whether a call was refused, and what is bad of it is not found yet: the next call is one of several more."""
        return self._suspects > 0 or self._to_the_end

    def next(self) -> Batch | None:
        """The next call; None when all are delivered or buried, or the service has no verdict."""
        if not self._rest or self.stopped is not None:
            return None
        if self._alone or self._to_the_end:
            most = 1
        else:
            most = max(1, self._suspects // 2) if self._suspects else MAX_EVENTS_PER_CALL
        self._batch = first_batch(self._rest, most=most)
        return self._batch

    def came(self, outcome: Outcome) -> None:
        """The outcome of the call that `next` gave last."""
        if isinstance(outcome, Delivered):
            self._taken(self._batch)
        elif isinstance(outcome, Refused):
            self._refused(outcome, self._batch)
        else:
            self.stopped = outcome

    def _taken(self, batch: Batch) -> None:
        self.delivered += batch.pieces
        self._rest = after(self._rest, batch)
        self._suspects = 0 if self._alone and self.buried else max(0, self._suspects - batch.size)
        self._alone = False

    def _refused(self, refused: Refused, batch: Batch) -> None:
        if batch.size > 1:
            self._to_the_end = bool(self.buried)
            self._alone = self._suspects == 0
            self._suspects = batch.size
            return
        (piece,) = batch.pieces
        self.stopped = self._doubt(refused, piece)
        if self.stopped is None:
            place = piece.places.bit_length() - 1
            self.buried.append(Burial(piece.record.seq, place, refused.code, refused.message[:MOST_CHARS]))
            self._rest = after(self._rest, batch)
            self._suspects = self._suspects if self._alone else 0
