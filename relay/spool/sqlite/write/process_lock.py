"""One process a spool, and a count of what was accepted that does not live in the data file."""

import contextlib
import fcntl
import os
import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from relay.core.errors import SpoolError, SpoolLockedError

_MARK: Final = struct.Struct("<8sQI")
_MAGIC: Final = b"relayhwm"


class ProcessLock:
    """Holds `PATH.lock`: flocked while the spool is open, and holding the high-water mark of `seq`.

    The kernel drops the lock with the process, so a stale file never locks anybody out. The mark is written after each
    commit and synced on `sync` and on leaving: if the data file comes back with a lower seq, records are missing.
    """

    def __init__(self, spool_path: Path) -> None:
        self._path = spool_path.with_name(spool_path.name + ".lock")
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise SpoolError(f"cannot open {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise SpoolLockedError(f"another process uses the spool {self._path.with_suffix('')}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sync()
        os.close(self._fd)

    def mark(self) -> int:
        """The highest seq ever acknowledged, as far as known; 0 when not known."""
        data = os.pread(self._fd, _MARK.size, 0)
        if len(data) != _MARK.size:
            return 0
        magic, seq, crc = _MARK.unpack(data)
        return int(seq) if magic == _MAGIC and crc == zlib.crc32(data[:16]) else 0

    def raise_mark(self, seq: int) -> None:
        """Note the highest seq acknowledged. A disk that refuses this refuses the next commit, too."""
        head = _MAGIC + struct.pack("<Q", seq)
        with contextlib.suppress(OSError):
            os.pwrite(self._fd, head + struct.pack("<I", zlib.crc32(head)), 0)

    def sync(self) -> None:
        """Bring the mark to the disk."""
        with contextlib.suppress(OSError):
            os.fdatasync(self._fd)
