"""Time as a parameter: nothing else in the package asks the operating system what time it is."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now_ms(self) -> int:
        """Wall-clock time in milliseconds since the Unix epoch; may step in either direction."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary moment; never goes back. For durations and deadlines."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return time.time_ns() // 1_000_000

    monotonic_s = staticmethod(time.monotonic)
    """See `Clock.monotonic_s`."""
