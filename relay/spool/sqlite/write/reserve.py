"""Space kept for the day the disk is full: on it SQLite cannot even delete, since a deletion is written first, too."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

RESERVE_BYTES: Final = 1024 * 1024
"""Enough for some 250 changed pages; folding those into the file makes room for the next."""


class Reserve:
    """The file `PATH.reserve`. While it is missing nothing new is taken, so that its space serves those who leave."""

    def __init__(self, spool_path: Path) -> None:
        self._path = spool_path.with_name(spool_path.name + ".reserve")
        self.is_kept = False
        self._was_needed = False

    def keep(self) -> bool:
        """Claim the space, if it can be had; whether it is kept now.

        Once given away it is claimed again only when as much again stays free, so that there is no coming and going.
        """
        if not self.is_kept:
            try:
                state = os.statvfs(self._path.parent)
                if self._was_needed and state.f_bavail * state.f_frsize < 2 * RESERVE_BYTES:
                    return False
                fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                try:
                    os.posix_fallocate(fd, 0, RESERVE_BYTES)
                finally:
                    os.close(fd)
            except OSError:
                self.release()
            else:
                self.is_kept, self._was_needed = True, False
        return self.is_kept

    def release(self) -> None:
        """Give the space away."""
        self.is_kept, self._was_needed = False, True
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
