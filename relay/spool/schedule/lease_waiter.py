"""Where the dispatcher waits for sessions to come due; used by both spools."""

import asyncio
import math
from collections.abc import Mapping

from relay.core.clock import Clock
from relay.spool.schedule.claims import Claim
from relay.spool.schedule.pending_index import PendingIndex


class LeaseWaiter:
    """Hands out claims, and wakes who waits for one. Belongs to one event loop."""

    def __init__(self, index: PendingIndex, clock: Clock) -> None:
        self._index = index
        self._clock = clock
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Something may have come due."""
        self._bell.set()

    async def claims(self, *, max_sessions: int, linger_s: float, holds: Mapping[str, float] | None) -> list[Claim]:
        """As `Spool.lease`, numbers only. Cancelling it never loses a claim: it is taken in the last step."""
        while True:
            self._bell.clear()
            now_s = self._clock.monotonic_s()
            claims = self._index.take(max_sessions=max_sessions, now_s=now_s, linger_s=linger_s, holds=holds)
            if claims:
                return claims
            due_s = self._index.next_due_s(linger_s=linger_s, holds=holds)
            try:
                async with asyncio.timeout(None if due_s == math.inf else max(due_s - now_s, 0.001)):
                    await self._bell.wait()
            except TimeoutError:
                continue

    def oldest_accepted_at_ms(self) -> int | None:
        """Wall-clock time at which the oldest pending record was accepted."""
        arrived_s = self._index.oldest_arrival_s()
        if arrived_s is None:
            return None
        return self._clock.now_ms() - round((self._clock.monotonic_s() - arrived_s) * 1000)
