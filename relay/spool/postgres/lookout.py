"""What a relay looks at once a second: erasures of others, whose turn it is among the tables, totals, size."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import KEPT_MS
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.rows import untext
from relay.spool.postgres.statements import statement
from relay.spool.postgres.totals import Totals
from relay.spool.postgres.write.buried_sources import keep_buried_within
from relay.spool.postgres.write.turns import TableTurns
from relay.spool.schedule.buried_bounds import BuriedBounds
from relay.spool.schedule.erased_users import ErasedUsers

LOOK_S: Final = 1.0
_SELDOM: Final = 10
"""Looks at what is slow to look at are so many times rarer."""
_NEARLY: Final = 0.9
HOUR_MS: Final = 3_600_000
DAY_HOURS: Final = 27
"""Hours of the ledger that are kept apart: somebody may ask for the last day."""
_logger = logging.getLogger(__name__)


class Lookout(Background):
    """Keeps what is known of the whole spool fresh."""

    def __init__(
        self,
        connection: DatabaseLink,
        *,
        turns: TableTurns,
        totals: Totals,
        erased: ErasedUsers,
        clock: Clock,
        forget: Callable[[str | None, str | None], object],
        erasure_seen: Callable[[], object],
        max_bytes: int,
        bounds: BuriedBounds,
    ) -> None:
        """Take what it works with.

        Args:
            connection: Its own.
            turns: Of tables.
            totals: Of all relays.
            erased: Users who are refused.
            clock: What time it is.
            forget: Drops what this relay remembers of a user, or of a session.
            erasure_seen: Told when `seen` has changed.
            max_bytes: Near this, space is given back at once.
            bounds: Of what is buried.
        """
        self._connection = connection
        self._turns = turns
        self._totals = totals
        self._erased = erased
        self._clock = clock
        self._forget = forget
        self._erasure_seen = erasure_seen
        self._max_bytes = max_bytes
        self._bounds = bounds
        self._bell = asyncio.Event()
        self._looks = 0
        self.seen = 0
        """The last erasure this relay knows, and has dropped everything of."""

    def wake(self) -> None:
        """Look at once."""
        self._bell.set()

    async def look(self) -> None:
        """Once.

        Raises:
            SpoolError: not now.
        """
        await self.look_at_erasures()
        await self._turns.look(self._connection)
        await self._totals.read_others(self._connection)
        await self._totals.measure(self._connection)
        if self._looks % _SELDOM == 0 or self._totals.size_bytes > _NEARLY * self._max_bytes:
            await self._turns.tidy(self._connection)
        if self._looks % _SELDOM == 0:
            await self._connection.fetch(statement("forget_whom"), 0)
            await self._connection.fetch(statement("forget_bindings"), self._clock.now_ms() - KEPT_MS)
            await self._connection.fetch(statement("fold_sums"))
            hour = self._clock.now_ms() // HOUR_MS
            await self._connection.fetch(statement("fold_ledger"), (hour - DAY_HOURS) * 60, (hour - 1) * 60)
        if self._looks % _SELDOM == 0 or self._is_too_much_buried():
            await self._look_at_buried()
        self._looks += 1

    async def _look_at_buried(self) -> None:
        await self._totals.look_at_buried(self._connection)
        if (most := self._bounds.max_bytes) is not None and self._is_too_much_buried():
            count = await keep_buried_within(most, self._connection, relay=self._totals.relay, clock=self._clock)
            self._totals.own.discarded += count
            await self._totals.look_at_buried(self._connection)

    def _is_too_much_buried(self) -> bool:
        most = self._bounds.max_bytes
        return most is not None and self._totals.kept.bytes > most

    async def look_at_erasures(self) -> None:
        """Drop everything of those who were erased since the last look.

        Raises:
            SpoolError: not now.
        """
        rows = await self._connection.fetch(statement("erased"), self.seen)
        for row in rows:
            if row["kind"] == "user":
                self._erased.note(row["fingerprint"].hex(), refused=row["refused"])
            if row["whom"] is not None:
                whom = untext(row["whom"])
                self._forget(*((whom, None) if row["kind"] == "user" else (None, whom)))
        if rows:
            self.seen = rows[-1]["n"]
            self._erasure_seen()

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            try:
                await self.look()
            except SpoolError as error:
                _logger.info("%s", error)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._bell.wait()
            except TimeoutError:
                pass
