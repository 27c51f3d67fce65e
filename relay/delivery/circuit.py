"""Whether it makes sense to call at all: one circuit for each target.

A missing tracker, a refused signature or a dead network fails every call alike. Once that is clear, one session at a
time is tried, rarely, and all others wait untouched in the spool.
"""

import random
from typing import Final

from relay.core.backoff import full_jitter
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable

FAILURES_TO_OPEN: Final = 5
"""Calls in a row without an answer that tells something; faults of credentials and target open at once."""
PROBE_CAP_S: Final = 5.0
"""Longest time between two tries while the network or the service is away: what recovery costs at most."""
PERSON_PROBE_CAP_S: Final = 30.0
"""The same while a person has something to repair."""
REFUSALS_TO_OPEN: Final = 25
"""Single records refused in a row, none delivered: by then it is the tracker or the settings, not the records."""


class Circuit:
    """Closed: calls flow. Open: one probe at a time."""

    def __init__(self, target: str, rng: random.Random) -> None:
        self.target = target
        self._rng = rng
        self._failures = 0
        self._refusals = 0
        self._fault: Unreachable | None = None
        self._since_s = 0.0
        self._probe_s = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are held."""
        return self._fault is not None

    def probe_wait_s(self, now_s: float) -> float | None:
        """Seconds until a probe may be made; None while one is out, or the circuit is closed."""
        if self._fault is None or self._probing:
            return None
        return max(0.0, self._probe_s - now_s)

    def probe(self) -> None:
        """A probe goes out."""
        self._probing = True

    def end_probe(self) -> None:
        """It is back, or was given up."""
        self._probing = False

    def may_bury(self, refused: Refused, now_s: float) -> Unreachable | None:
        """A single record was refused: None to bury it, or the fault that makes this doubtful.

        When nothing but refusals comes back, the cause is more likely the tracker than every single event, and what
        is buried needs a person to bring it back.
        """
        self._refusals += 1
        if self._refusals <= REFUSALS_TO_OPEN:
            return None
        message = f"every event is refused: {refused.message}"
        fault = Unreachable(refused.code, message, "target")
        self.learn(fault, now_s)
        return fault

    def learn(self, outcome: Outcome, now_s: float) -> bool:
        """Learn from a call; whether this opened the circuit."""
        if isinstance(outcome, Unreachable):
            self._failures += 1
            opens = self._fault is None and (
                outcome.cause in ("credentials", "target") or self._failures >= FAILURES_TO_OPEN
            )
            if opens or self._fault is not None:
                cap_s = PERSON_PROBE_CAP_S if outcome.cause in ("credentials", "target") else PROBE_CAP_S
                wait_s = max(0.2, full_jitter(self._failures, self._rng, cap_s=cap_s))
                self._since_s = now_s if opens else self._since_s
                self._fault, self._probe_s = outcome, now_s + wait_s
            return opens
        if isinstance(outcome, Delivered):
            self._refusals = 0
        if isinstance(outcome, Delivered | Throttled) or self._refusals <= REFUSALS_TO_OPEN:
            self._failures = 0
            self._fault = None
        return False

    def problem(self, now_s: float) -> str | None:
        """One line for a person, while it is open."""
        if self._fault is None:
            return None
        fault = self._fault
        said = f": {fault.message[:200]}" if fault.message else ""
        return f"no delivery to {self.target} for {now_s - self._since_s:.0f} s ({fault.cause}: {fault.code}){said}"
