"""Reading records back, on a thread and a connection of its own, so that a lease never waits for an fsync."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from relay.core.errors import SpoolError
from relay.spool.sqlite.file.connection import connect
from relay.spool.sqlite.file.rows import COLUMNS, RecordRow

T = TypeVar("T")
_CHUNK = 500


class Reader:
    """Read-only access to a spool file that is open elsewhere."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="relay-spool-reader")
        self._sql: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.run(lambda sql: sql.close())
        self._thread.shutdown(wait=False)

    async def run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Run on the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, read)

    def _run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        if self._sql is None:
            self._sql = connect(self._path, read_only=True)
        return read(self._sql)

    async def rows(self, seqs: Sequence[int]) -> dict[int, RecordRow | None]:
        """Rows by seq; None for one that is there but cannot be read. What is not there is missing."""
        return await self.run(lambda sql: _read_rows(sql, seqs))


def _read_rows(sql: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, RecordRow | None]:
    found: dict[int, RecordRow | None] = {}
    for start in range(0, len(seqs), _CHUNK):
        chunk = seqs[start : start + _CHUNK]
        try:
            found |= _select(sql, chunk)
        except sqlite3.DatabaseError as error:
            _raise_unless_damage(error)
            for seq in chunk:  # one bad page or text: find which
                try:
                    found |= _select(sql, [seq])
                except sqlite3.DatabaseError as one:
                    _raise_unless_damage(one)
                    found[seq] = None
    return found


def _raise_unless_damage(error: sqlite3.DatabaseError) -> None:
    """A disk that cannot be read now is not a record that is broken for good."""
    code = getattr(error, "sqlite_errorcode", None)  # None: SQLite was content, the text is not UTF-8
    if code is not None and code & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        raise SpoolError(f"the spool cannot be read: {error}") from error


def _select(sql: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, RecordRow | None]:
    marks = ",".join("?" * len(seqs))
    rows = sql.execute(f"SELECT {COLUMNS} FROM records WHERE seq IN ({marks})", seqs)  # noqa: S608  constants and marks
    return {row[0]: RecordRow(*row) for row in rows}
