"""Does what other processes ask: replaying, discarding and erasing, while the relay runs."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.spool.schedule.ledger import Ledger
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.sqlite.admin.buried import Replayed, discard, replay
from relay.spool.sqlite.admin.control_channel import (
    POLL_S,
    Command,
    CommandAnswer,
    Discard,
    DiscardWaiting,
    Erase,
    answer,
    next_command,
)
from relay.spool.sqlite.admin.working import Worker
from relay.spool.sqlite.read.reader import Reader
from relay.spool.sqlite.write.database import Database

_TROUBLE_S: Final = 10.0
_logger = logging.getLogger(__name__)


class Eraser(Protocol):
    """See `Spool.erase`."""

    async def __call__(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """Remove everything of a user or a session; how many events."""
        ...


class ControlListener(Background):
    """Looks for commands while it is entered.

    Args:
        work: Changes what is on disk.
        erase: What a command to erase is done with.
        discard_waiting: The same of what waits for a target.
        index: Learns of what waits again.
        ledger: The same.
        reader: Looks for commands.
        clock: What time it is.
    """

    def __init__(
        self,
        *,
        work: Worker,
        erase: Eraser,
        discard_waiting: Callable[[str], Awaitable[int]],
        index: PendingIndex,
        ledger: Ledger,
        reader: Reader,
        clock: Clock,
    ) -> None:
        self._work = work
        self._index = index
        self._ledger = ledger
        self._reader = reader
        self._clock = clock
        self._erase = erase
        self._discard_waiting = discard_waiting

    async def execute(self, command: Command) -> CommandAnswer:
        """Do it. Raises `SpoolError`."""
        if isinstance(command, Discard):
            return CommandAnswer(await self.discard(partial(discard, numbers=command.numbers)))
        if isinstance(command, DiscardWaiting):
            count = await self._discard_waiting(command.target)
            _logger.info("what waited for %s was discarded", command.target, extra={"events": count, "by": "command"})
            return CommandAnswer(count)
        if isinstance(command, Erase):
            count = await self._erase(user_id=command.user_id, session_id=command.session_id)
            whom = "session" if command.user_id is None else "user"
            _logger.info("a %s was erased", whom, extra={"events": count, "by": "command"})
            return CommandAnswer(count)
        count, after = 0, 0
        while True:  # step by step, so that appends get their turn in between
            now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
            bring_back = partial(replay, numbers=command.numbers, after=after, now_ms=now_ms)
            step = await self._work(bring_back, partial(self._replayed, now_s=now_s))
            if not step.last:
                return CommandAnswer(count)
            count, after = count + len(step.records), step.last

    async def discard(self, step: Callable[[Database], int]) -> int:
        """Forget buried events for good, as the step does; how many."""
        return await self._work(step, self._discarded)

    def _replayed(self, step: Replayed, *, now_s: float) -> None:
        for seq, session, target in step.records:
            self._index.add(session, target, seq, 1, now_s)
        self._ledger.accepted += len(step.records)

    def _discarded(self, count: int) -> None:
        self._ledger.discarded += count

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                found = await self._reader.run(next_command)
                if found is not None:
                    await self._answer(*found)
            except (SpoolError, sqlite3.Error) as error:
                _logger.error("spool: cannot look for commands: %s", error)
                await asyncio.sleep(_TROUBLE_S)

    async def _answer(self, number: int, command: Command | None) -> None:
        try:
            given = (
                CommandAnswer(error="this relay does not know that command")
                if command is None
                else await self.execute(command)
            )
        except SpoolError as error:
            given = CommandAnswer(error=str(error))
        await self._work(lambda database: answer(database, number, given))
