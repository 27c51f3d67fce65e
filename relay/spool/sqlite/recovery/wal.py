"""A spool's file with its WAL laid over it, read without SQLite (https://www.sqlite.org/fileformat2.html §4).

SQLite drops every commit from the first frame on whose checksum does not match. Here the chain of checksums is taken up
again behind such a frame, so that what was committed later counts, too.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from relay.spool.sqlite.recovery.pages import PAGE

_FRAME: Final = 24 + PAGE
_BIG_ENDIAN: Final = b"\x37\x7f\x06\x83"
_Sums = tuple[int, int]
Bytes = bytes | mmap.mmap


class FileView:
    """The newest version of each page: `relay.spool.sqlite.recovery.pages.Pages`."""

    def __init__(self, data: Bytes, wal: Bytes, frames: dict[int, int], count: int) -> None:
        """Look at a file.

        Args:
            data: The file.
            wal: Its WAL.
            frames: Where in the WAL the page of a number begins, if it is there.
            count: Pages of the file.
        """
        self._data, self._wal, self._frames = data, wal, frames
        self.count = count

    def page(self, number: int) -> bytes:
        """See `Pages`."""
        suffix, at = self.place(number)
        source = self._wal if suffix else self._data
        return source[at : at + PAGE].ljust(PAGE, b"\0")

    def place(self, number: int) -> tuple[str, int]:
        """Where a page is: the suffix of the file and the offset in it."""
        at = self._frames.get(number)
        return ("", (number - 1) * PAGE) if at is None else ("-wal", at)


def views(path: Path) -> list[FileView]:
    """The file as of its last whole commit; and, where frames follow that are none, with those laid over it, too.

    Raises `OSError`.
    """
    data = _content(path)
    wal = _content(path.with_name(path.name + "-wal"))
    committed: dict[int, int] = {}
    latest: dict[int, int] = {}
    count = most = len(data) // PAGE
    for number, size, at, whole in _frames(wal):
        latest[number] = at
        most = max(most, min(number, most + len(wal) // PAGE))
        if size and whole:
            committed, count = dict(latest), size
    found = [FileView(data, wal, committed, count)]
    return found if committed == latest else [*found, FileView(data, wal, latest, most)]


def _content(path: Path) -> Bytes:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
    except FileNotFoundError:
        return b""


def drops_commits(path: Path, last: int) -> bool:
    """Whether SQLite, which takes the WAL's frames up to number `last`, leaves out whole commits behind them."""
    wal = _content(path.with_name(path.name + "-wal"))
    return any(size and whole for _, size, _, whole in _frames(wal, last))


def _frames(wal: Bytes, first: int = 0) -> Iterator[tuple[int, int, int, bool]]:
    """Page number, size of the file if the frame ends a commit, where the page begins, and whether it is as written."""
    order = ">" if wal[:4] == _BIG_ENDIAN else "<"
    computed = _sums(wal[:24], (0, 0), order)
    told = _told(wal, 24)
    salts = wal[16:24] if computed == told else wal[40:48]
    linked = True
    if first:
        computed = told = _told(wal, 32 + first * _FRAME - PAGE - 8)
    for at in range(32 + first * _FRAME, len(wal) - _FRAME + 1, _FRAME):
        page = wal[at + 24 : at + _FRAME]
        number, size = struct.unpack_from(">II", wal, at)
        starts, here = {told, computed}, _told(wal, at + 16)
        sums = {_sums(wal[at : at + 8] + page, start, order) for start in starts}
        ours = wal[at + 8 : at + 16] == salts
        whole = here in sums and (ours or linked)  # those of the WAL's last use, behind ours, fit each other, too
        if ours and not whole:  # perhaps it only lies about its number, of which a bit has flipped
            for other in (number ^ 1 << bit for bit in range(32)):
                head = struct.pack(">II", other, size)
                if any(_sums(head + page, start, order) == here for start in starts):
                    number, whole = other, True
                    break
        told, computed = here, here if whole else next(iter(sums))
        linked = whole or ours
        if linked:
            yield number, size, at + 24, whole


def _told(wal: Bytes, at: int) -> _Sums:
    first, second = struct.unpack(">II", wal[at : at + 8].ljust(8, b"\0"))
    return first, second


def _sums(data: bytes, start: _Sums, order: str) -> _Sums:
    """The checksum of §4.2 over `data`, begun with `start`."""
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data[: len(data) // 4 * 4])
    for one, other in zip(words[::2], words[1::2], strict=False):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
