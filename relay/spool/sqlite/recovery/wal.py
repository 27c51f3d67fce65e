"""A spool's file with its WAL laid over it, read without SQLite (https://www.sqlite.org/fileformat2.html §4).

SQLite drops every commit from the first frame on whose checksum does not match. Here the chain of checksums is taken up
again behind such a frame, so that what was committed later counts, too.
"""

import mmap
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from relay.spool.sqlite.file.opening import PAGE_SIZES
from relay.spool.sqlite.recovery.pages import cells

_BIG_ENDIAN: Final = b"\x37\x7f\x06\x83"
_Sums = tuple[int, int]
Bytes = bytes | mmap.mmap


class FileView:
    """The newest version of each page: `relay.spool.sqlite.recovery.pages.Pages`."""

    def __init__(self, data: Bytes, wal: Bytes, frames: dict[int, int], count: int, page_bytes: int) -> None:
        """Look at a file.

        Args:
            data: The file.
            wal: Its WAL.
            frames: Where in the WAL the page of a number begins, if it is there.
            count: Pages of the file.
            page_bytes: Of each.
        """
        self._data, self._wal, self._frames = data, wal, frames
        self.count, self.page_bytes = count, page_bytes

    def page(self, number: int) -> bytes:
        """See `Pages`."""
        suffix, at = self.place(number)
        source = self._wal if suffix else self._data
        return source[at : at + self.page_bytes].ljust(self.page_bytes, b"\0")

    def place(self, number: int) -> tuple[str, int]:
        """Where a page is: the suffix of the file and the offset in it."""
        at = self._frames.get(number)
        return ("", (number - 1) * self.page_bytes) if at is None else ("-wal", at)


def views(path: Path) -> list[FileView]:
    """The file as of its last whole commit; and, where frames follow that are none, with those laid over it, too.

    Raises `OSError`.
    """
    data, wal = _both(path)
    return _views(data, wal, _page_bytes(data, wal))


def _views(data: Bytes, wal: Bytes, page_bytes: int) -> list[FileView]:
    committed: dict[int, int] = {}
    latest: dict[int, int] = {}
    count = most = len(data) // page_bytes
    for number, size, at, whole in _frames(wal, page_bytes):
        latest[number] = at
        most = max(most, min(number, most + len(wal) // page_bytes))
        if size and whole:
            committed, count = dict(latest), size
    found = [FileView(data, wal, committed, count, page_bytes)]
    return found if committed == latest else [*found, FileView(data, wal, latest, most, page_bytes)]


def _page_bytes(data: Bytes, wal: Bytes) -> int:
    """As the file's header says, or the WAL's; where both are damaged, with which more rows are found."""
    for told in (data[16:18], wal[8:12]):
        if (size := int.from_bytes(told)) in PAGE_SIZES:
            return size
    return max(PAGE_SIZES, key=lambda size: sum(1 for view in _views(data, wal, size) for _ in cells(view)))


def _both(path: Path) -> tuple[Bytes, Bytes]:
    return _content(path), _content(path.with_name(path.name + "-wal"))


def _content(path: Path) -> Bytes:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
    except FileNotFoundError:
        return b""


def drops_commits(path: Path, last: int) -> bool:
    """Whether SQLite, which takes the WAL's frames up to number `last`, leaves out whole commits behind them."""
    data, wal = _both(path)
    return any(size and whole for _, size, _, whole in _frames(wal, _page_bytes(data, wal), last))


def _frames(wal: Bytes, page_bytes: int, first: int = 0) -> Iterator[tuple[int, int, int, bool]]:
    """Page number, size of the file if the frame ends a commit, where the page begins, and whether it is as written."""
    frame = 24 + page_bytes
    order = ">" if wal[:4] == _BIG_ENDIAN else "<"
    computed = _sums(wal[:24], (0, 0), order)
    told = _told(wal, 24)
    salts = wal[16:24] if computed == told != (0, 0) else _salts(wal, frame)
    linked = True
    if first:
        computed = told = _told(wal, 24 + first * frame - page_bytes)
    for at in range(32 + first * frame, len(wal) - frame + 1, frame):
        page = wal[at + 24 : at + frame]
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


def _salts(wal: Bytes, frame: int) -> bytes:
    """What the WAL's present use marks its frames with, as they say: the first mark that two in turn have."""
    marks = [wal[at : at + 8] for at in range(40, len(wal) - 7, frame)]
    return next((mark for mark, other in pairwise(marks) if mark == other != bytes(8)), wal[40:48])


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
