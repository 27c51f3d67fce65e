"""Obeys other processes: replaying, discarding and erasing, while the relay runs."""

import asyncio
import logging
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.spool.sqlite.admin.buried import discard, replay
from relay.spool.sqlite.admin.control_channel import POLL_S, Answer, Discard, Erase, Order, answer, next_order
from relay.spool.sqlite.read.reader import Reader

if TYPE_CHECKING:
    from relay.spool.sqlite.spool import SqliteSpool

_TROUBLE_S: Final = 10.0
_logger = logging.getLogger(__name__)


class Eraser(Protocol):
    """Erases as `Spool.erase` does, and perhaps remembers whom."""

    async def __call__(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """Remove everything of a user or a session; how many records."""
        ...


class Attendant(Background):
    """Looks for orders while it is entered."""

    def __init__(self, spool: "SqliteSpool", reader: Reader, clock: Clock) -> None:
        self._spool = spool
        self._reader = reader
        self._clock = clock
        self.erase: Eraser = spool.erase
        """What an order to erase is done with."""

    async def obey(self, order: Order) -> Answer:
        """Do it. Raises `SpoolError`."""
        if isinstance(order, Discard):
            return Answer(await self._spool.work(lambda database: discard(database, order.seqs)))
        if isinstance(order, Erase):
            return Answer(await self.erase(user_id=order.user_id, session_id=order.session_id))
        count, after = 0, 0
        while True:  # step by step, so that appends get their turn in between
            now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
            step = await self._spool.work(
                partial(replay, seqs=order.seqs, after=after, now_ms=now_ms), partial(self._spool.replayed, now_s=now_s)
            )
            if not step.last:
                return Answer(count)
            count, after = count + len(step.records), step.last

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                found = await self._reader.run(next_order)
                if found is not None:
                    await self._answer(*found)
            except (SpoolError, sqlite3.Error) as error:
                _logger.error("spool: cannot look for orders: %s", error)
                await asyncio.sleep(_TROUBLE_S)

    async def _answer(self, number: int, order: Order | None) -> None:
        try:
            given = Answer(error="this relay does not know that order") if order is None else await self.obey(order)
        except SpoolError as error:
            given = Answer(error=str(error))
        await self._spool.work(lambda database: answer(database, number, given))
