"""Settles on their way to the disk: folded into the next commit, or into one of their own a moment later."""

import asyncio
from collections.abc import Sequence
from typing import Final

from relay.core.clock import Clock
from relay.spool.contract import Burial
from relay.spool.sqlite.write.committer import Committer
from relay.spool.sqlite.write.write_ops import Gone, Settled

_AT_ONCE: Final = 500
"""Records in one job, so that a burst of deliveries does not become one long transaction."""
SETTLE_DELAY_S: Final = 0.05
"""How long a settle waits at most for a commit to ride on."""


class AckBuffer:
    """Collects what was settled until the committing thread is to have it."""

    def __init__(self, committer: Committer, clock: Clock) -> None:
        self._committer = committer
        self._clock = clock
        self._delivered: list[Gone] = []
        self._buried: list[tuple[Gone, Sequence[Burial]]] = []
        self._lost: list[tuple[Gone, str]] = []
        self._timer: asyncio.TimerHandle | None = None

    def delivered(self, gone: Gone) -> None:
        """These were delivered."""
        self._delivered.append(gone)
        self._soon()

    def buried(self, gone: Gone, burials: Sequence[Burial]) -> None:
        """These are buried, each for its reason."""
        self._buried.append((gone, burials))
        self._soon()

    def lost(self, gone: Gone, reason: str) -> None:
        """These are counted as buried, with nothing left to keep."""
        self._lost.append((gone, reason))
        self._soon()

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
