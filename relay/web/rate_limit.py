"""How many events an address, a session or a site may send: GCRA, one number a key, in bounded memory."""

import math
from collections.abc import Hashable
from functools import lru_cache
from ipaddress import IPv6Network
from typing import Final

from relay.core.clock import Clock

BURST_S: Final = 10.0
"""Seconds' worth of events that may come at once."""

MAX_KEYS: Final = 100_000
"""Keys remembered. Past it those not seen among the last half as many are forgotten: a fresh burst. About 20 MB."""

EVENT_BYTES: Final = 2048
"""An event of more counts as several."""

WIDE: Final = 16
"""How much more a /48 may send than one of its 65,536 /64: as much as a house with so many flats."""


def cost(events: int, size: int) -> int:
    """What a beacon counts as: its events, or so many as its bytes would fill."""
    return max(events, -(-size // EVENT_BYTES), 1)


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
        over_s = empty_at_s - now_s + (cost_s if cost_s < BURST_S else BURST_S) - BURST_S
        if over_s > 1e-9:
            self._young[key] = empty_at_s
            return math.ceil(over_s)
        self._young[key] = empty_at_s + cost_s
        return 0

    def __len__(self) -> int:
        """Keys remembered, those twice that were seen lately."""
        return len(self._young) + len(self._old)


class NetworkLimit:
    """A rate for each network, and a wider one for the /48 that an IPv6 network is of."""

    def __init__(self, *, per_s: float, clock: Clock) -> None:
        self._narrow = RateLimit(per_s=per_s, clock=clock)
        self._wide = RateLimit(per_s=per_s * WIDE, clock=clock)

    def wait_s(self, network: str, events: int) -> int:
        """As `RateLimit.wait_s`; the network as `ClientAddress.key` has it."""
        wait_s = self._narrow.wait_s(network, events)
        if not wait_s and network.endswith("/64"):
            return self._wide.wait_s(wider(network), events)
        return wait_s


@lru_cache(maxsize=4096)
def wider(network: str) -> str:
    """The /48 of a /64."""
    return str(IPv6Network(network).supernet(new_prefix=48))
