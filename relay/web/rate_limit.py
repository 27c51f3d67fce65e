"""How many events an address or a session may send: GCRA, one number a key, in bounded memory."""

import math
from collections.abc import Hashable
from typing import Final

from relay.core.clock import Clock

BURST_S: Final = 10.0
"""Seconds' worth of events that may come at once."""

MAX_KEYS: Final = 100_000
"""Keys remembered. Past it those not seen among the last half as many are forgotten: a fresh burst. About 20 MB."""


class RateLimit:
    """A rate with a burst of ten seconds for each key."""

    def __init__(self, *, per_s: float, clock: Clock, most_keys: int = MAX_KEYS) -> None:
        self._interval_s = 1.0 / per_s
        self._clock = clock
        self._most_young = most_keys // 2
        # When a key's bucket will have run dry: GCRA's theoretical arrival time. Two generations, for that is lighter
        # than an order of use.
        self._young: dict[Hashable, float] = {}
        self._old: dict[Hashable, float] = {}

    def wait_s(self, key: Hashable, events: int) -> int:
        """Count the events; 0 when they are within the rate, else whole seconds until they would be.

        Refused events are not counted. A single beacon larger than the whole burst passes when nothing came lately.
        """
        now_s = self._clock.monotonic_s()
        cost_s = events * self._interval_s
        empty_at_s = self._young.get(key)
        if empty_at_s is None:
            empty_at_s = self._old.get(key, now_s)
            if len(self._young) >= self._most_young:
                self._old, self._young = self._young, {}
        empty_at_s = max(empty_at_s, now_s)
        over_s = empty_at_s - now_s + min(cost_s, BURST_S) - BURST_S
        if over_s > 1e-9:
            self._young[key] = empty_at_s
            return math.ceil(over_s)
        self._young[key] = empty_at_s + cost_s
        return 0

    def __len__(self) -> int:
        """Keys remembered, those twice that were seen lately."""
        return len(self._young) + len(self._old)
