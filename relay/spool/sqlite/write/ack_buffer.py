"""Settles on their way to the disk: folded into the next commit, or into one of their own a moment later."""

import asyncio
from collections.abc import Sequence
from typing import Final

from relay.core.clock import Clock
from relay.spool.contract import Burial
from relay.spool.schedule.claims import Removed
from relay.spool.schedule.ledger import Ledger
from relay.spool.sqlite.write.committer import Committer
from relay.spool.sqlite.write.write_ops import Gone, Settled

_AT_ONCE: Final = 500
"""Records in one job, so that a burst of deliveries does not become one long transaction."""
SETTLE_DELAY_S: Final = 0.05
"""How long a settle waits at most for a commit to ride on."""


class AckBuffer:
    """Collects what was settled until the committing thread is to have it."""

    def __init__(self, committer: Committer, ledger: Ledger, clock: Clock) -> None:
        self._committer = committer
        self._ledger = ledger
        self._clock = clock
        self._delivered: list[Gone] = []
        self._buried: list[tuple[Gone, Sequence[Burial]]] = []
        self._lost: list[tuple[Gone, str]] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, removed: Removed, *, numbers: int, burials: Sequence[Burial] = ()) -> None:
        """Events of a record have left: buried where a burial says so, else delivered.

        Args:
            removed: What has left.
            numbers: How many the record has.
            burials: Of this record.
        """
        seq, places, left = removed
        if not burials:
            self._ledger.delivered += places.bit_count()
            self._delivered.append(Gone(seq, numbers, places, left))
            if self._timer is None:
                self._soon()
            return
        here = [burial for burial in burials if places >> burial.place & 1]
        buried = sum([1 << burial.place for burial in here])
        if places != buried:
            self._ledger.delivered += (places ^ buried).bit_count()
            self._delivered.append(Gone(seq, numbers, places ^ buried, left | buried))
        if here:
            self._buried.append((Gone(seq, numbers, buried, left), here))
            for burial in here:
                self._ledger.bury(burial.reason)
        self._soon()

    def lose(self, removed: Removed, reason: str) -> None:
        """Events have left that are counted as buried, with nothing there to keep."""
        self._ledger.bury(reason, removed.places.bit_count())
        self._lost.append((Gone(removed.seq, 1, removed.places, removed.left), reason))
        self._soon()

    def correct(self, job: Settled) -> None:
        """What an erasure had removed before it was settled counts as erased."""
        for reason, count in job.missed.items():
            if reason is None:
                self._ledger.delivered -= count
            else:
                self._ledger.bury(reason, -count)

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SETTLE_DELAY_S, self._in_time)

    def _in_time(self) -> None:
        self.hand_over()
        self._committer.wake()

    def hand_over(self) -> None:
        """Put what there is before the next job of the committing thread."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        now_ms = self._clock.now_ms()
        for start in range(0, len(self._delivered), _AT_ONCE):
            delivered = self._delivered[start : start + _AT_ONCE]
            self._committer.put(Settled(delivered=delivered, buried_at_ms=now_ms), now=False)
        if self._buried or self._lost:
            job = Settled(delivered=(), buried=self._buried, lost=self._lost, buried_at_ms=now_ms)
            self._committer.put(job, now=False)
        self._delivered, self._buried, self._lost = [], [], []
