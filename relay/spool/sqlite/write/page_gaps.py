"""What SQLite leaves in the middle of a page: copies of rows that it has moved elsewhere.

In a leaf of a table the pointers are at the front and the rows at the end (fileformat2.html, 1.6). Rows that move from
page to page, because others have left, stay readable in the gap between, whatever `secure_delete` says. So the gaps are
overwritten in the file itself: while nobody else writes, and with all of the WAL in it. No byte that SQLite reads is
touched, and what it has in memory of these pages it forgets.
"""

import os
import sqlite3
import struct
from collections.abc import Generator
from pathlib import Path
from typing import Final

AT_ONCE: Final = 1024
"""Pages looked at in one step: a few milliseconds, since appends wait meanwhile."""
_TABLE_LEAF: Final = 0x0D
"""First byte of such a page. Below 200 million pages no other page in use begins with it: overflow and the trunks of
the free list begin with the number of a page, the pointer map with 1 to 5. A free page may, and loses nothing."""
_HEAD: Final = struct.Struct(">BHHHB")
"""Kind, first free block, number of rows, where they begin, fragments."""


class PageGaps:
    """Of one spool file. Belongs to the committing thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def overwrite(self, sql: sqlite3.Connection) -> Generator[None]:
        """Overwrite all of them, in steps; between two of them others may write."""
        page_bytes: int = sql.execute("PRAGMA page_size").fetchone()[0]
        at_once = AT_ONCE * page_bytes
        at = page_bytes  # the first page holds the schema
        seen = at_once
        while seen == at_once:
            while sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                yield  # somebody is reading
            sql.execute("BEGIN IMMEDIATE")
            try:
                if not self._has_wal():  # else another process wrote in between
                    seen = self._overwrite(at, at_once, page_bytes)
                    at += seen
            finally:
                sql.execute("ROLLBACK")
            sql.execute("PRAGMA shrink_memory").fetchall()
            yield

    def _overwrite(self, at: int, size: int, page_bytes: int) -> int:
        """Those of some pages; bytes of the file that were looked at."""
        fd = self._opened()
        pages = os.pread(fd, size, at)
        for start in range(0, len(pages), page_bytes):
            if gap := gap_of(pages[start : start + page_bytes]):
                begin, end = gap
                os.pwrite(fd, bytes(end - begin), at + start + begin)
        if len(pages) < size:
            os.fsync(fd)
        return len(pages)

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


def gap_of(page: bytes) -> tuple[int, int] | None:
    """Where the gap of a table's leaf begins and ends, if something can be read in it."""
    if not page or page[0] != _TABLE_LEAF:
        return None
    _, _, rows, end, _ = _HEAD.unpack_from(page)
    begin = _HEAD.size + 2 * rows
    if not begin <= end <= len(page):
        return None  # not what it should be: found, and salvaged, elsewhere
    if any(not end <= pointer < len(page) for pointer in struct.unpack_from(f">{rows}H", page, _HEAD.size)):
        return None
    return (begin, end) if page[begin:end].strip(b"\0") else None
