"""How much is buried and for how long: counted now and then, and said when it is more than somebody has looked after.

Buried events stay until a person sends or discards them, or they are over their bound; see `buried_excess`.
"""

import asyncio
import logging
import math
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Final, Self

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import BuriedKept
from relay.spool.schedule.buried_bounds import BuriedBounds
from relay.spool.schedule.buried_excess import keep_within
from relay.spool.sqlite.admin.buried_sources import LOOKED_AT_ONCE, Do, SqliteBuriedSources
from relay.spool.sqlite.read.reader import Reader

EVERY_S: Final = 10.0
"""How old the figures are at most."""
_SAY_EVERY_S: Final = 60.0
_COUNT: Final = (
    "SELECT max(number), count(*), sum(length(body)), min(buried_at_ms) FROM"
    " (SELECT number, body, buried_at_ms FROM buried WHERE number > ? ORDER BY number LIMIT ?)"
)
_logger = logging.getLogger(__name__)


class BuriedWatch(Background):
    """Counts while it is entered, first of all on entering."""

    def __init__(self, reader: Reader, bounds: BuriedBounds, *, do: Do, clock: Clock) -> None:
        self._reader = reader
        self._do = do
        self._bounds = bounds
        self._clock = clock
        self._said_s = -math.inf
        self.kept = BuriedKept()

    async def __aenter__(self) -> Self:
        await self.look()
        return await super().__aenter__()

    def warnings(self) -> list[str]:
        """What a person should look at, as of the last count."""
        line = self._bounds.exceeded(self.kept, self._clock.now_ms())
        return [] if line is None else [line]

    async def look(self) -> None:
        """Count, and discard what is too much. At most one log line a minute."""
        await self._count()
        most = self._bounds.max_bytes
        if most is not None and self.kept.bytes > most:
            try:
                await keep_within(most, SqliteBuriedSources(self._reader, self._do))
            except (SpoolError, sqlite3.Error) as error:
                _logger.warning("spool: what is buried cannot be discarded: %s", error)
            await self._count()

    async def _count(self) -> None:
        """In short steps; where it cannot be read, the last figures stay."""
        records = size = last = 0
        oldest_at_ms: int | None = None
        try:
            while True:
                step: Callable[[sqlite3.Connection], tuple[int | None, int, int, int]] = partial(_count, after=last)
                upto, count, more, oldest = await self._reader.run(step)
                if upto is None:
                    break
                records, size, last = records + count, size + more, upto
                oldest_at_ms = oldest if oldest_at_ms is None else min(oldest, oldest_at_ms)
        except (SpoolError, sqlite3.Error) as error:
            _logger.warning("spool: cannot count what is buried: %s", error)
            return
        self.kept = BuriedKept(records, size, oldest_at_ms)
        now_s = self._clock.monotonic_s()
        if now_s - self._said_s >= _SAY_EVERY_S:
            for line in self.warnings():
                _logger.warning(line)
                self._said_s = now_s

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self.look()


def _count(sql: sqlite3.Connection, *, after: int) -> tuple[int | None, int, int, int]:
    """The last number of the next rows, None when there are no more; how many, of how many bytes, the oldest time."""
    upto, count, size, oldest = sql.execute(_COUNT, (after, LOOKED_AT_ONCE)).fetchone()
    return upto, count, size or 0, oldest or 0
