"""A wall clock that is set back and forth under a running relay, by libfaketime; time itself goes on evenly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PLACES: Final = ("/usr/lib", "/usr/local/lib")
LIBFAKETIME: Final = next(
    (found for place in _PLACES for found in sorted(Path(place).glob("**/faketime/libfaketimeMT.so.1"))), None
)
"""Where the library is; None when it is not installed."""


class SteppedClock:
    """The clock of a process started with `env`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock-offset"
        self.step(0)

    @property
    def env(self) -> Mapping[str, str]:
        """Variables for the process."""
        return {
            "LD_PRELOAD": str(LIBFAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds; without a cache every look at the clock opens the file
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, offset_s: int) -> None:
        """The clock will be wrong by so many seconds; seen within a second."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{offset_s:+d}\n")
        fresh.replace(self._file)
