"""Looking at a spool file and repairing it from another process, whether or not a relay has it open."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from relay.core.clock import Clock
from relay.core.errors import SpoolError, SpoolLockedError
from relay.core.model import SpoolStats
from relay.spool.contract import Eraser
from relay.spool.schedule.ledger import Ledger
from relay.spool.sqlite.admin.buried import Buried, list_buried
from relay.spool.sqlite.admin.control_channel import (
    POLL_S,
    Answer,
    Command,
    Discard,
    Erase,
    Replay,
    answer_to,
    leave,
    take_back,
)
from relay.spool.sqlite.admin.inspection import explained, reading
from relay.spool.sqlite.file.connection import connect
from relay.spool.sqlite.file.rows import pending_events
from relay.spool.sqlite.spool import SqliteSpool

ANSWER_WITHIN_S: Final = 30.0
"""A relay that has not answered by then hangs, or is older than these commands."""


class SpoolRepair:
    """One spool file. Reads it directly; changes are made by the relay that has it open, or else here.

    Args:
        path: The spool's file; it must exist.
        clock: For deadlines and times.
        sleep: How to wait for a relay's answer.
        eraser: What to erase with in a spool that no relay has open; without it nobody stays refused.

    Every method raises `SpoolError` when the file cannot be read, or a running relay does not answer.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        eraser: Callable[[SqliteSpool], Eraser] | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._sleep = sleep
        self._eraser = eraser

    async def status(self) -> SpoolStats:
        """The ledger as it is on disk."""
        return await asyncio.to_thread(self._status)

    async def buried(self, *, limit: int = 100, after: int = 0) -> list[Buried]:
        """Buried events in order, with a number above `after`."""
        return await asyncio.to_thread(self._buried, limit, after)

    async def replay(self, numbers: Sequence[int] | None = None) -> int:
        """Let buried events wait for delivery again, all without `numbers`; how many."""
        return await self._do(Replay(numbers))

    async def discard(self, numbers: Sequence[int]) -> int:
        """Forget buried events for good; how many."""
        return await self._do(Discard(numbers))

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """Remove everything of a user or a session; how many events."""
        return await self._do(Erase(user_id, session_id))

    async def _do(self, command: Command) -> int:
        with reading(self._path, of_any_version=True):
            pass  # it is a spool, of a version that can be brought up here
        with explained(self._path):
            try:
                async with SqliteSpool(self._path, clock=self._clock, max_bytes=0) as spool:
                    if self._eraser is not None:
                        spool.erase_with(self._eraser(spool))
                    return (await spool.commands.execute(command)).count
            except SpoolLockedError:
                given = await self._ask(command)
        if given.error is not None:
            raise SpoolError(given.error)
        return given.count

    async def _ask(self, command: Command) -> Answer:
        with closing(connect(self._path)) as sql:
            number = leave(sql, command)
            until_s = self._clock.monotonic_s() + ANSWER_WITHIN_S
            try:
                while self._clock.monotonic_s() < until_s:
                    given = answer_to(sql, number)
                    if given is not None:
                        return given
                    await self._sleep(POLL_S / 2)
                raise SpoolError(f"the relay that uses {self._path} does not answer")
            finally:
                take_back(sql, number)

    def _status(self) -> SpoolStats:
        with reading(self._path) as sql:
            sql.execute("BEGIN")  # one snapshot for all
            totals = dict(sql.execute("SELECT name, count FROM ledger").fetchall())
            pending = pending_events(sql)
            oldest = sql.execute("SELECT accepted_at_ms FROM records ORDER BY seq LIMIT 1").fetchone()
        return Ledger(totals).stats(
            pending=pending,
            size_bytes=self._path.stat().st_size,
            oldest_accepted_at_ms=oldest[0] if oldest else None,
        )

    def _buried(self, limit: int, after: int) -> list[Buried]:
        with reading(self._path) as sql:
            return list_buried(sql, after=after, limit=limit)
