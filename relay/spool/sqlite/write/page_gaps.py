"""What SQLite leaves in the middle of a page, and behind the end of a long row: copies of what is elsewhere, or gone.

In a leaf of a table the pointers are at the front and the rows at the end (fileformat2.html, 1.6). Rows that move from
page to page, because others have left, stay readable in the gap between, whatever `secure_delete` says. So the gaps are
overwritten in the file itself, and the ends of long rows with them (`OverflowEnds`): while nobody else writes, and with
all of the WAL in it. No byte that SQLite reads is touched, and what it has in memory of these pages it forgets.
"""

import os
import sqlite3
import struct
from collections.abc import Generator
from pathlib import Path
from typing import Final

from relay.spool.sqlite.file.connection import fold, unless_busy
from relay.spool.sqlite.file.page_layout import LEAF
from relay.spool.sqlite.write.overflow_ends import OverflowEnds

AT_ONCE: Final = 1024
"""Pages looked at in one step: a few milliseconds, since appends wait meanwhile."""
_HEAD: Final = struct.Struct(">BHHHB")
"""Kind, first free block, number of rows, where they begin, fragments."""
_LEAST_ROW: Final = 4
"""Bytes that a row takes at least."""


class PageGaps:
    """Of one spool file. Belongs to the committing thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def overwrite(self, sql: sqlite3.Connection) -> Generator[bool]:
        """Overwrite all of them, in steps; whether one did nothing, since another process reads or writes.

        Between two of them others may write, but nobody may move pages.
        """
        page_bytes: int = sql.execute("PRAGMA page_size").fetchone()[0]
        at: int | None = page_bytes  # the first page holds the schema
        while at is not None:
            before = at
            if fold(sql) and unless_busy(sql, "BEGIN IMMEDIATE"):
                try:
                    if not self._has_wal():  # else another process wrote in between
                        at = self._overwrite(at, page_bytes)
                finally:
                    sql.execute("ROLLBACK")
                sql.execute("PRAGMA shrink_memory").fetchall()
            yield at == before

    def _overwrite(self, at: int, page_bytes: int) -> int | None:
        """Those of some pages; where in the file to go on, None at its end."""
        fd = self._opened()
        size = AT_ONCE * page_bytes
        pages, ends = os.pread(fd, size, at), OverflowEnds(fd, page_bytes)
        for start in range(0, len(pages), page_bytes):
            if ends.looked_at >= AT_ONCE:
                return at + start
            page = pages[start : start + page_bytes]
            pointers = pointers_of(page)
            if pointers is None:
                continue
            if gap := gap_of(page, pointers):
                self._zero(at + start + gap[0], at + start + gap[1])
            for begin, end in ends.of((at + start) // page_bytes + 1, page, pointers):
                self._zero(begin, end)
        if len(pages) < size:
            os.fsync(fd)
            return None
        return at + size

    def _zero(self, begin: int, end: int) -> None:
        os.pwrite(self._opened(), bytes(end - begin), begin)

    def close(self) -> None:
        """Only once SQLite has closed the file: to close it here drops the locks that SQLite has on it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _opened(self) -> int:
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        return self._fd

    def _has_wal(self) -> bool:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size > 0
        except FileNotFoundError:
            return False


def pointers_of(page: bytes) -> tuple[int, ...] | None:
    """Where the rows of a table's leaf begin; None if it is no such page, or is not what it should be.

    Below 200 million pages no other page in use begins with this byte: overflow and the trunks of the free list begin
    with the number of a page, the pointer map with 1 to 5. A free page may, and its gap loses nothing.
    """
    if not page or page[0] != LEAF or len(page) < _HEAD.size:
        return None
    _, _, rows, first, _ = _HEAD.unpack_from(page)
    if not _HEAD.size + 2 * rows <= first <= len(page):
        return None  # found, and salvaged, elsewhere
    pointers: tuple[int, ...] = struct.unpack_from(f">{rows}H", page, _HEAD.size)
    return pointers if all(first <= pointer <= len(page) - _LEAST_ROW for pointer in pointers) else None


def gap_of(page: bytes, pointers: tuple[int, ...]) -> tuple[int, int] | None:
    """Where the gap of such a page begins and ends, if something can be read in it."""
    begin, end = _HEAD.size + 2 * len(pointers), _HEAD.unpack_from(page)[3]
    return (begin, end) if page[begin:end].strip(b"\0") else None
