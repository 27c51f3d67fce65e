"""How many events an address or a session may send: GCRA, one number a key, in bounded memory."""

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from relay.clock import Clock

BURST_S: Final = 10.0
"""Seconds' worth of events that may come at once."""

MAX_KEYS: Final = 100_000
"""Keys remembered; past it the one unused longest is forgotten, which gives it a fresh burst. About 27 MB."""


class RateLimit:
    """A rate with a burst of ten seconds for each key."""

    def __init__(self, *, per_s: float, clock: Clock, most_keys: int = MAX_KEYS) -> None:
        self._interval_s = 1.0 / per_s
        self._clock = clock
        self._most_keys = most_keys
        self._empty_at_s: OrderedDict[Hashable, float] = OrderedDict()
        """When a key's bucket will have run dry: GCRA's theoretical arrival time."""

    def wait_s(self, key: Hashable, events: int) -> int:
        """Count the events; 0 when they are within the rate, else whole seconds until they would be.

        Refused events are not counted. A single beacon larger than the whole burst passes when nothing came lately.
        """
        now_s = self._clock.monotonic_s()
        cost_s = events * self._interval_s
        empty_at_s = max(self._empty_at_s.get(key, now_s), now_s)
        over_s = empty_at_s - now_s + min(cost_s, BURST_S) - BURST_S
        if over_s > 1e-9:
            return math.ceil(over_s)
        self._empty_at_s[key] = empty_at_s + cost_s
        self._empty_at_s.move_to_end(key)
        if len(self._empty_at_s) > self._most_keys:
            self._empty_at_s.popitem(last=False)
        return 0
