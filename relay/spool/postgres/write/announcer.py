"""Tells the other relays of what they deliver, after the commit, on a connection that waits for no disk."""

import asyncio
import logging
from typing import Final

from relay.core.background import Background
from relay.core.errors import SpoolError
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.statements import statement

ERASED: Final = "erased"
"""Somebody was, or may come back."""
SHARDS: Final = "shards"
"""Some may be had, or somebody has come who wants some."""
_AT_ONCE: Final = 300
"""Numbers in one message, of which PostgreSQL takes 8,000 bytes."""
_logger = logging.getLogger(__name__)


class Announcer(Background):
    """What cannot be announced is found by the others' next sweep."""

    def __init__(self, connection: DatabaseLink) -> None:
        self._connection = connection
        self._waiting: list[str] = []
        self._bell = asyncio.Event()

    def tell(self, first: int) -> None:
        """A group was stored that is, in part, somebody else's to deliver."""
        self._waiting.append(str(first))
        self._bell.set()

    async def tell_at_once(self, what: str) -> None:
        """One of the words above."""
        try:
            await self._connection.fetch(statement("announce"), what)
        except SpoolError as error:
            _logger.info("not announced: %s", error)

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            while self._waiting:
                some, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                await self.tell_at_once(" ".join(some))
