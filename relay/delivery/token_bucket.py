"""Calls a second: a token bucket that slows when the service says so and finds its way back."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

from relay.core.clock import Clock

BURST_S: Final = 0.03
"""Calls that may go at once, as seconds of the rate. What is left of the quota is kept for them, so that no second ever
holds more calls than the quota."""
SLOWER: Final = 0.5
"""What a throttled call does to the rate; once a second at most, since calls in flight are throttled together."""
FASTER_PER_S: Final = 0.05
"""What every second gives back, as a part of the full rate: from half to full in ten seconds."""
CALM_S: Final = 1.5
"""How long after the last throttled call the rate begins to come back."""
LEAST: Final = 0.01
"""Part of the full rate that always remains."""
_LEAST_SHARE: Final = 1 / 256
_SMOOTHING_S: Final = 1.0


class Pace:
    """When the next call may be made."""

    def __init__(self, calls_per_s: float, *, clock: Clock, share: Callable[[], float] = lambda: 1.0) -> None:
        """Take the settings.

        Args:
            calls_per_s: The quota.
            clock: What time it is.
            share: How much of it is this process's, where several share it; what it says may change at any time.
        """
        self._clock = clock
        self._share = share
        self._shared: float = 1.0
        self._full: float = calls_per_s * (1 - BURST_S)
        self._rate: float = self._full
        self._burst = max(1.0, calls_per_s * BURST_S)
        self._tokens = self._burst
        self._as_of_s = clock.monotonic_s()
        self._slowed_s = -math.inf
        self._used_per_s = 0.0

    @property
    def rate(self) -> float:
        """Calls a second at present."""
        self._refill()
        return self._rate

    @property
    def used(self) -> float:
        """Calls of about the last second, as a part of what was allowed; near 1: the pace is what limits."""
        self._refill()
        return self._used_per_s / self._rate

    @property
    def is_full(self) -> bool:
        """Whether nothing limits it: time may pass without a look at it."""
        self._refill()
        return self._tokens >= self._burst and self._rate >= self._full

    def available(self) -> int:
        """Calls that may be made now."""
        self._refill()
        return max(0, int(self._tokens))

    def wait_s(self) -> float:
        """Seconds until a call may be made."""
        self._refill()
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def take(self, *, is_needless: bool = False) -> None:
        """A call is made. Without a token it is taken from the time to come.

        Args:
            is_needless: No waiting for more events would have saved it: it is not `used`.
        """
        self._refill()
        self._tokens -= 1.0
        if not is_needless:
            self._used_per_s += 1.0 / _SMOOTHING_S

    async def turn(self) -> None:
        """Wait until a call may be made, and take it."""
        while (wait_s := self.wait_s()) > 0:  # noqa: ASYNC110  time is what is waited for
            await asyncio.sleep(wait_s)
        self.take()

    def slow(self) -> None:
        """The service throttled a call."""
        self._refill()
        if self._as_of_s - self._slowed_s >= 1.0:
            self._slowed_s = self._as_of_s
            self._rate = max(self._full * LEAST, self._rate * SLOWER)
            self._tokens = min(self._tokens, 0.0)

    def _scale(self, share: float) -> None:
        ratio = share / self._shared
        self._shared = share
        self._full *= ratio
        self._rate *= ratio
        self._burst = max(1.0, self._full * BURST_S)

    def _refill(self) -> None:
        now_s = self._clock.monotonic_s()
        passed_s = now_s - self._as_of_s
        if passed_s <= 0:
            return
        self._as_of_s = now_s
        share = self._share()
        if share != self._shared:  # before what bounds it: nearly always it is what it was
            self._scale(max(share, _LEAST_SHARE))
        if self._rate < self._full:
            calm_s = min(passed_s, max(0.0, now_s - self._slowed_s - CALM_S))
            self._rate = min(self._full, self._rate + self._full * FASTER_PER_S * calm_s)
        tokens = self._tokens + self._rate * passed_s
        self._tokens = tokens if tokens < self._burst else self._burst
        self._used_per_s *= math.exp(-passed_s / _SMOOTHING_S)
