"""Counts in a small database beside the spool, so that the last hour outlives a restart. Losing it costs no event."""

import asyncio
import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from relay.insight.minute_rows import HOUR_S, KEPT_S, MINUTE_S, CountKey, Coverage, RefusalRow

T = TypeVar("T")

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS counts (
  unit INTEGER NOT NULL, start INTEGER NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (unit, start, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusals (
  key TEXT PRIMARY KEY, trusted INTEGER NOT NULL, count INTEGER NOT NULL, first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
_MOST_REFUSALS: Final = 1000
_ADD: Final = (
    "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT (unit, start, key) DO UPDATE SET count = count + excluded.count"
)
_REFUSED: Final = (
    "INSERT INTO refusals VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET trusted = max(trusted,"
    " excluded.trusted), count = count + excluded.count, first_ms = min(first_ms, excluded.first_ms),"
    " last_ms = max(last_ms, excluded.last_ms)"
)
_FORGET: Final = (
    "DELETE FROM refusals WHERE trusted = :trusted AND key NOT IN"
    " (SELECT key FROM refusals WHERE trusted = :trusted ORDER BY last_ms DESC LIMIT :most)"
)
_logger = logging.getLogger(__name__)


@lru_cache(maxsize=10_000)  # most are the same every time
def _text(key: CountKey) -> str:
    return json.dumps(key)


class SqliteStore:
    """See `InsightStore`. What cannot be written is logged and forgotten: it is no event."""

    def __init__(self, path: Path) -> None:
        """Take the file; it is made when it is not there, and anew when it is not one of these."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="relay-insight")
        self._sql: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def add(self, at_s: int, counts: Mapping[CountKey, int], refusals: Iterable[RefusalRow]) -> None:
        """See `InsightStore.add`."""
        counts, refusals = dict(counts), list(refusals)

        def write(sql: sqlite3.Connection) -> None:
            # Of a thousand sites there are thousands of counts: nothing of them is made on the event loop.
            units = [(unit_s, at_s - at_s % unit_s) for unit_s in (MINUTE_S, HOUR_S)]
            with sql:
                sql.executemany(_ADD, [(*unit, _text(key), count) for key, count in counts.items() for unit in units])
                sql.executemany(_REFUSED, [(_text(key), *rest) for key, *rest in refusals])
                for unit_s, kept_s in KEPT_S.items():
                    sql.execute("DELETE FROM counts WHERE unit = ? AND start < ?", (unit_s, at_s - kept_s))
                for trusted in (0, 1):
                    sql.execute(_FORGET, {"trusted": trusted, "most": _MOST_REFUSALS})

        await self._run(write, None)

    async def since(self, unit_s: int, start_s: int) -> Counter[CountKey]:
        """See `InsightStore.since`."""

        def read(sql: sqlite3.Connection) -> Counter[CountKey]:
            found = sql.execute(
                "SELECT key, sum(count) FROM counts WHERE unit = ? AND start >= ? GROUP BY key", (unit_s, start_s)
            )
            return Counter({tuple(json.loads(key)): count for key, count in found})

        return await self._run(read, Counter())

    async def refusals(self, most: int) -> list[RefusalRow]:
        """See `InsightStore.refusals`."""

        def read(sql: sqlite3.Connection) -> list[RefusalRow]:
            ask = "SELECT * FROM refusals WHERE trusted = ? ORDER BY last_ms DESC LIMIT ?"
            return [
                RefusalRow(tuple(json.loads(key)), bool(trusted), count, first, last)
                for is_trusted in (1, 0)
                for key, trusted, count, first, last in sql.execute(ask, (is_trusted, most))
            ]

        return await self._run(read, [])

    async def coverage(self) -> Coverage:
        """See `InsightStore.coverage`."""
        return Coverage()

    async def _run(self, use: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        def work() -> T:
            try:
                return use(self._opened())
            except sqlite3.Error as error:
                _logger.warning("insight: %s cannot be used, what was counted is lost: %s", self._path, error)
                self._close()
                return otherwise

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _opened(self) -> sqlite3.Connection:
        if self._sql is None:
            try:
                self._sql = self._open()
            except sqlite3.DatabaseError:
                self._path.unlink(missing_ok=True)  # damaged, or of another version: counts are not worth a repair
                self._sql = self._open()
        return self._sql

    def _open(self) -> sqlite3.Connection:
        sql = sqlite3.connect(self._path, check_same_thread=False)
        try:
            self._path.chmod(0o600)
            found = sql.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, _VERSION):
                raise sqlite3.DatabaseError(f"version {found}")
            sql.execute("PRAGMA journal_mode = TRUNCATE")
            sql.execute("PRAGMA synchronous = OFF")
            sql.executescript(_SCHEMA)
            sql.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error:
            sql.close()
            raise
        return sql

    def _close(self) -> None:
        if self._sql is not None:
            self._sql.close()
            self._sql = None
