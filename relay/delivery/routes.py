"""What is known about calls to each target, and which targets may be called now.

Only targets with something to wait for are looked at: those called a moment ago, held back, slowed or out of reach.
However many sites there are, one that is at rest costs nothing.
"""

import math
import random
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from relay.core.clock import Clock
from relay.core.limits import PUT_RECORDS_CALLS_PER_S
from relay.core.model import Operation, SessionKey
from relay.delivery.circuit import Circuit
from relay.delivery.linger import Linger
from relay.delivery.token_bucket import BURST_S, Pace

TICK_S: Final = 0.5
"""How often lingers and circuits are looked at while nothing comes."""
PROBE_CHOICE: Final = 8
"""Sessions a probe is chosen from: one whose events are at fault must not be the only one asked."""
LOOKING: Final = 0.5
"""Part of the quota, and of the calls in flight, for those that look for a bad event; the rest is for all others."""
_EVENTS: Final = (Operation.PUT_EVENTS, Operation.PUT_ACTION_INTERACTIONS)


class Plan(NamedTuple):
    """What to lease now."""

    sessions: int
    """At most."""
    holds: dict[str, float]
    """By target: seconds its sessions wait, more than `least_s`; infinite to leave it alone."""
    least_s: float
    """Seconds all sessions wait."""
    wait_s: float
    """When to plan anew, if nothing happens before."""


class Route:
    """One target."""

    def __init__(self, pace: Pace, looking: Pace, circuit: Circuit, linger: Linger) -> None:
        self.pace = pace
        self.looking = looking
        """Of those among its calls that look for a bad event."""
        self.circuit = circuit
        self.linger = linger
        self.logged_s = -math.inf
        """When its problem was last said."""

    @property
    def is_at_rest(self) -> bool:
        """Whether it may be forgotten until it is called again."""
        return self.circuit.is_at_rest and self.linger.is_at_rest and self.pace.is_full


class Routes:
    """All targets.

    Args:
        clock: What time it is.
        chance: For jitter.
        calls_per_s: The quota of each tracker.
        linger_s: Least time an event waits for company.
        lingers: The same for single targets, instead.
        max_linger_s: Most an event is held back near the quota.
        share: How much of each quota is this process's.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        chance: random.Random,
        calls_per_s: float,
        linger_s: float,
        lingers: Mapping[str, float],
        max_linger_s: float,
        share: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._calls_per_s = calls_per_s
        self._share = share
        self._linger_s = linger_s
        self._lingers = lingers
        self._max_linger_s = max_linger_s
        self._burst = max(1, int(calls_per_s * BURST_S))
        self._least_s = min([linger_s, *lingers.values()])
        self._longer = {target: wait_s for target, wait_s in lingers.items() if wait_s > self._least_s}
        self._all: dict[str, Route] = {}
        self._awake: dict[str, Route] = {}

    def of(self, key: SessionKey) -> Route:
        """The route of a call that is made now."""
        route = self._all.get(key.target)
        if route is None:
            rate = self._calls_per_s if key.operation in _EVENTS else float(PUT_RECORDS_CALLS_PER_S)
            pace, looking = (Pace(part * rate, clock=self._clock, share=self._share) for part in (1.0, LOOKING))
            least_s = self._lingers.get(key.target, self._linger_s)
            linger = Linger(pace, least_s=least_s, most_s=self._max_linger_s)
            route = self._all[key.target] = Route(pace, looking, Circuit(key.target, self._chance), linger)
        self._awake[key.target] = route
        return route

    def plan(self, free: int, *, draining: bool) -> Plan:
        """What to lease when `free` calls more may be in flight; `draining`: nothing lingers."""
        now_s = self._clock.monotonic_s()
        sessions, wait_s = min(free, self._burst), TICK_S
        holds = {} if draining else dict(self._longer)
        for target, route in list(self._awake.items()):
            if route.is_at_rest:
                del self._awake[target]
            elif route.circuit.is_open:
                probe_s = route.circuit.probe_wait_s(now_s)
                if probe_s == 0.0:
                    sessions = min(sessions, PROBE_CHOICE)
                else:
                    holds[target] = math.inf
                    wait_s = min(wait_s, probe_s or TICK_S)
            elif (pace_s := route.pace.wait_s()) > 0:
                holds[target] = math.inf
                wait_s = min(wait_s, pace_s)
            else:
                sessions = min(sessions, route.pace.available())
                holds[target] = 0.0 if draining else route.linger.now(now_s)
        return Plan(sessions, holds, 0.0 if draining else self._least_s, wait_s)

    def problems(self) -> list[str]:
        """What keeps events from being delivered, one line each."""
        now_s = self._clock.monotonic_s()
        return [line for route in self._awake.values() if (line := route.circuit.problem(now_s)) is not None]

    def are_out_of_reach(self) -> bool:
        """Whether every target ever called is."""
        return bool(self._all) and all(route.circuit.is_open for route in self._all.values())
