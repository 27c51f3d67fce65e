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
        self._jobs: list[Settled] = []
        """In the order in which it happened: a record may leave in several steps."""
        self._size = 0
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
            self._job().delivered.append(Gone(seq, numbers, places, left))
            if self._timer is None:
                self._soon()
            return
        here = [burial for burial in burials if places >> burial.place & 1]
        buried = sum([1 << burial.place for burial in here])
        if places != buried:
            self._ledger.delivered += (places ^ buried).bit_count()
            self._job().delivered.append(Gone(seq, numbers, places ^ buried, left | buried))
        if here:
            self._job().buried.append((Gone(seq, numbers, buried, left), here))
            for burial in here:
                self._ledger.bury(burial.reason)
        self._soon()

    def lose(self, removed: Removed, reason: str) -> None:
        """Events have left that are counted as buried, with nothing there to keep."""
        self._ledger.bury(reason, removed.places.bit_count())
        self._job().lost.append((Gone(removed.seq, 1, removed.places, removed.left), reason))
        self._soon()

    def correct(self, job: Settled) -> None:
        """What an erasure had removed before it was settled counts as erased."""
        for reason, count in job.missed.items():
            if reason is None:
                self._ledger.delivered -= count
            else:
                self._ledger.bury(reason, -count)

    def _job(self) -> Settled:
        if not self._jobs or self._size >= _AT_ONCE:
            self._jobs.append(Settled())
            self._size = 0
        self._size += 1
        return self._jobs[-1]

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
        for job in self._jobs:
            job.buried_at_ms = self._clock.now_ms()
            self._committer.put(job, now=False)
        self._jobs = []
