"""What is buried in a file, by who sent it: `BuriedSources`."""

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from relay.spool.schedule.buried_excess import AT_ONCE
from relay.spool.sqlite.admin.buried import discard
from relay.spool.sqlite.read.reader import Reader
from relay.spool.sqlite.write.database import Database

LOOKED_AT_ONCE: Final = 20_000
"""Rows, before another reader gets its turn: some milliseconds."""
_WHO: Final = "CASE source WHEN 0 THEN session ELSE source END"
_SIZES: Final = (
    f"SELECT max(number), who, sum(size) FROM (SELECT number, {_WHO} AS who, length(body) AS size FROM buried"  # noqa: S608  constants
    " WHERE number > ? ORDER BY number LIMIT ?) GROUP BY who"
)
_THEIRS: Final = (
    f"SELECT number, length(body) FROM buried WHERE number > ? AND {_WHO} = ? ORDER BY number LIMIT {AT_ONCE}"  # noqa: S608  the same
)

Do = Callable[[Callable[[Database], int]], Awaitable[int]]
"""Runs a step on the committing thread; how many events it discarded."""


class SqliteBuriedSources:
    """See `BuriedSources`. Found by the reader, discarded by the committing thread."""

    def __init__(self, reader: Reader, do: Do) -> None:
        self._reader = reader
        self._do = do

    async def sizes(self) -> Counter[int]:
        """See `BuriedSources.sizes`."""
        sizes: Counter[int] = Counter()
        after = 0
        while rows := await self._reader.run(partial(_some_sizes, after=after)):
            for _, who, size in rows:
                sizes[who] += size
            after = max(number for number, _, _ in rows)
        return sizes

    async def some_of(self, who: int, after: int) -> Sequence[tuple[int, int]]:
        """See `BuriedSources.some_of`."""
        return await self._reader.run(partial(_theirs, who=who, after=after))

    async def discard(self, numbers: Sequence[int]) -> int:
        """See `BuriedSources.discard`."""
        return await self._do(partial(discard, numbers=numbers))


def _some_sizes(sql: sqlite3.Connection, *, after: int) -> list[tuple[int, int, int]]:
    return sql.execute(_SIZES, (after, LOOKED_AT_ONCE)).fetchall()


def _theirs(sql: sqlite3.Connection, *, who: int, after: int) -> list[tuple[int, int]]:
    return sql.execute(_THEIRS, (after, who)).fetchall()
