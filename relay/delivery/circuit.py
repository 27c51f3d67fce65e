"""Whether it makes sense to call at all, and to believe a refusal: one circuit for each target.

A missing tracker, a refused signature or a dead network fails every call alike. Once that is clear, one session at a
time is tried, rarely, and all others wait untouched in the spool.

A refusal is a verdict on events, never on the target: it holds nobody up, whoever sends what is refused. Only, when
nothing but refusals comes back, from several senders, the tracker or the settings are more likely to be at fault than
every single event; then nothing is buried, since it takes a person to bring that back. The first delivery ends it.
"""

import random
from typing import Final

from relay.core.backoff import full_jitter
from relay.core.service_message import without_values
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable

FAILURES_TO_OPEN: Final = 5
"""Calls in a row without an answer that tells something; faults of credentials and target open at once."""
PROBE_CAP_S: Final = 5.0
"""Longest time between two tries while the network or the service is away: what recovery costs at most."""
PERSON_PROBE_CAP_S: Final = 30.0
"""The same while a person has something to repair."""
REFUSALS_TO_DOUBT: Final = 25
"""Single events refused in a row, none delivered."""
SOURCES_TO_DOUBT: Final = 3
"""Senders these must come from: what one stranger sends casts no doubt on a target."""

_WRONG_TARGET: Final = "; is it this region's and account's? `personalize-relay tracker list` shows their trackers"


class Circuit:
    """Closed: calls flow. Open: one probe at a time."""

    def __init__(self, target: str, rng: random.Random) -> None:
        self.target = target
        self._rng = rng
        self._failures = 0
        self._refusals = 0
        self._sources: set[int] = set()
        self._fault: Unreachable | None = None
        self._doubt: Unreachable | None = None
        self._throttled: Throttled | None = None
        """What ended the fault without anything being taken."""
        self._since_s = 0.0
        self._probe_s = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are held."""
        return self._fault is not None

    @property
    def is_at_rest(self) -> bool:
        """Whether there is nothing to say or to do about the target."""
        return self._fault is None and self._doubt is None and self._throttled is None

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

    def may_bury(self, refused: Refused, source: int, now_s: float) -> Unreachable | None:
        """A single event was refused: None to bury it, or the fault that makes this doubtful.

        Args:
            refused: What the service said.
            source: Who sent the event: an address network, or a session.
            now_s: Monotonic time.
        """
        self._refusals += 1
        if len(self._sources) < SOURCES_TO_DOUBT:
            self._sources.add(source)
        if self._refusals > REFUSALS_TO_DOUBT and len(self._sources) >= SOURCES_TO_DOUBT:
            self._since_s = now_s if self._doubt is None else self._since_s
            said = without_values(refused.message)
            self._doubt = Unreachable(refused.code, f"every event is refused: {said}", "target")
        return self._doubt

    def learn(self, outcome: Outcome, now_s: float) -> None:
        """Draw conclusions from a call."""
        if isinstance(outcome, Unreachable):
            self._failures += 1
            is_for_a_person = outcome.cause in ("credentials", "target")
            if self._fault is None and not is_for_a_person and self._failures < FAILURES_TO_OPEN:
                return
            cap_s = PERSON_PROBE_CAP_S if is_for_a_person else PROBE_CAP_S
            self._since_s = now_s if self._fault is None else self._since_s
            self._probe_s = now_s + max(0.2, full_jitter(self._failures, self._rng, cap_s=cap_s))
            self._fault = outcome
            return
        self._failures = 0
        if not isinstance(outcome, Throttled):
            self._throttled = None
        elif self._fault is not None:
            self._throttled = outcome
        self._fault = None
        if isinstance(outcome, Delivered):
            self._refusals = 0
            self._sources.clear()
            self._doubt = None

    def problem(self, now_s: float) -> str | None:
        """One line for a person, while something is wrong."""
        fault = self._fault or self._doubt
        if fault is None and self._throttled is not None:
            said = f"no delivery for {now_s - self._since_s:.0f} s ({self._throttled.code})"
            return f"{self.target} answers again, and throttles: {said}"
        if fault is None:
            return None
        said = f": {fault.message[:200]}" if fault.message else ""
        line = f"no delivery to {self.target} for {now_s - self._since_s:.0f} s ({fault.cause}: {fault.code}){said}"
        return line.removesuffix(".") + _WRONG_TARGET if self._fault is not None and fault.cause == "target" else line
