"""Whether this relay should get traffic, and why not."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from relay.core.clock import Clock
from relay.core.errors import SpoolError, SpoolFullError
from relay.core.model import SpoolStats

REMEMBER_S: Final = 10.0
"""How long a refusal of the spool counts. Then traffic comes again and shows whether it still refuses."""


class Report(msgspec.Struct, frozen=True):
    """The body of `/readyz`."""

    ready: bool
    reasons: list[str]
    """Why not: `draining`, `spool_full`, `spool_unwritable`."""
    problems: list[str]
    """What a person should look at although events are taken and safe: delivery that does not get through."""


class Readiness:
    """Gathers the reasons."""

    def __init__(
        self,
        *,
        stats: Callable[[], SpoolStats],
        spool_max_bytes: int,
        spool_problems: Callable[[], Sequence[str]],
        other_problems: Callable[[], Sequence[str]],
        clock: Clock,
    ) -> None:
        """Take what to ask.

        Args:
            stats: The spool's.
            spool_max_bytes: Past it the spool is full.
            spool_problems: What keeps the spool from taking more.
            other_problems: What a person should look at although events are taken.
            clock: For how long a refusal counts.
        """
        self._stats = stats
        self._spool_max_bytes = spool_max_bytes
        self._spool_problems = spool_problems
        self._other_problems = other_problems
        self._clock = clock
        self._unwritable_until_s = 0.0
        self._full_until_s = 0.0
        self.draining = False

    def spool_refused(self, error: SpoolError) -> None:
        """An append failed just now."""
        until_s = self._clock.monotonic_s() + REMEMBER_S
        if isinstance(error, SpoolFullError):
            self._full_until_s = until_s
        else:
            self._unwritable_until_s = until_s

    def report(self) -> Report:
        """As of now."""
        now_s = self._clock.monotonic_s()
        reasons: list[str] = []
        if self.draining:
            reasons.append("draining")
        spool_problems = self._spool_problems()
        full = now_s < self._full_until_s or self._stats().size_bytes >= self._spool_max_bytes
        if full:
            reasons.append("spool_full")
        if now_s < self._unwritable_until_s or (spool_problems and not full):
            reasons.append("spool_unwritable")
        return Report(not reasons, reasons, [*spool_problems, *self._other_problems()])
