"""A clock that the test moves on, shared by all processes of a run: the machine's, some offset ahead."""

import mmap
import os
import struct
import time
from bisect import bisect_right
from pathlib import Path
from typing import Final

from relay.core.clock import SystemClock

VARIABLE: Final = "TEST_CLOCK_OFFSET"
"""Names the file to a relay's process."""
_OFFSET: Final = struct.Struct("=q")


class StageClock:
    """The clock of whoever opens the file; whoever makes it may move it on."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(_OFFSET.size))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _OFFSET.size)
        self.env = {VARIABLE: str(file)}
        self._steps = [(0, 0)]
        """From when on, in its own time, it was how far ahead."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + int(_OFFSET.unpack_from(self._shared)[0])

    def monotonic_s(self) -> float:
        return time.monotonic()

    def advance(self, seconds: float) -> None:
        """Let time pass, at once and for everybody."""
        offset = self._steps[-1][1] + round(seconds * 1000)
        _OFFSET.pack_into(self._shared, 0, offset)
        self._steps.append((self.now_ms(), offset))

    def machine_ms(self, time_ms: int) -> int:
        """The machine's time at one of its moments: what really passed between two of them."""
        return time_ms - self._steps[bisect_right(self._steps, (time_ms, 1 << 62)) - 1][1]


def install() -> None:
    """In a process of its own: let it be the time there."""
    clock = StageClock(Path(os.environ[VARIABLE]))
    setattr(SystemClock, "now_ms", lambda _: clock.now_ms())  # noqa: B010  not to be typed as an override
