"""Time as the emulator sees it: a parameter, so that tests move it. `relay.core.clock.Clock` fits as well."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now_ms(self) -> int:
        """Wall-clock time in milliseconds since the Unix epoch; may step in either direction."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return time.time_ns() // 1_000_000  # noqa: TID251  # the emulator stands apart: its one place that asks the machine

    def monotonic_s(self) -> float:
        """See `Clock.monotonic_s`."""
        return time.monotonic()  # noqa: TID251  # the same
