"""Does what other processes ask: replaying, discarding and erasing, while the relay runs."""

import asyncio
import logging
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.spool.sqlite.admin.buried import discard, replay
from relay.spool.sqlite.admin.control_channel import POLL_S, Answer, Command, Discard, Erase, answer, next_command
from relay.spool.sqlite.read.reader import Reader

if TYPE_CHECKING:
    from relay.spool.sqlite.spool import SqliteSpool

_TROUBLE_S: Final = 10.0
_logger = logging.getLogger(__name__)


class Eraser(Protocol):
    """Erases as `Spool.erase` does, and perhaps remembers whom."""

    async def __call__(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """Remove everything of a user or a session; how many events."""
        ...


class ControlListener(Background):
    """Looks for commands while it is entered."""

    def __init__(self, spool: "SqliteSpool", reader: Reader, clock: Clock) -> None:
        self._spool = spool
        self._reader = reader
        self._clock = clock
        self.erase: Eraser = spool.erase
        """What a command to erase is done with."""

    async def execute(self, command: Command) -> Answer:
        """Do it. Raises `SpoolError`."""
        if isinstance(command, Discard):
            return Answer(await self._spool.work(lambda database: discard(database, command.numbers)))
        if isinstance(command, Erase):
            return Answer(await self.erase(user_id=command.user_id, session_id=command.session_id))
        count, after = 0, 0
        while True:  # step by step, so that appends get their turn in between
            now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
            step = await self._spool.work(
                partial(replay, numbers=command.numbers, after=after, now_ms=now_ms),
                partial(self._spool.replayed, now_s=now_s),
            )
            if not step.last:
                return Answer(count)
            count, after = count + len(step.records), step.last

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
                Answer(error="this relay does not know that command")
                if command is None
                else await self.execute(command)
            )
        except SpoolError as error:
            given = Answer(error=str(error))
        await self._spool.work(lambda database: answer(database, number, given))
