"""Copies of what was delivered, on their way to the database: grouped, and nobody waits for them.

Two tables are written in turns. When the younger holds half of what may be, the older is emptied and is the next.
"""

import asyncio
import logging
from typing import Final

from relay.core.background import Background
from relay.core.errors import SpoolError
from relay.core.model import Batch, Operation, SessionKey
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.rows import erased_key, text
from relay.spool.postgres.statements import statement
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.pieces import page_key

WRITE_AFTER_S: Final = 0.5
MAX_WAITING_BYTES: Final = 4 * 1024 * 1024
"""What may wait to be written; over it, with a database that is away, events are not archived."""
_AT_ONCE: Final = 500
_TURN: Final = "UPDATE relay.meta SET archive_table = $2 WHERE archive_table = $1"
_logger = logging.getLogger(__name__)


class Archiver(Background):
    """Keeps delivered events of PutEvents, the newest `max_bytes` of them, about."""

    def __init__(self, connection: DatabaseLink, *, max_bytes: int) -> None:
        self._connection = connection
        self._max_bytes = max_bytes
        self._waiting: list[Batch] = []
        self._waiting_bytes = 0
        self._bell = asyncio.Event()
        self._lost = 0
        self.salt = b""

    def put(self, batch: Batch) -> None:
        """Keep a copy. Never raises, never waits."""
        if batch.key.operation is not Operation.PUT_EVENTS or not self._max_bytes:
            return
        size = len(batch.body)
        if self._waiting_bytes + size > MAX_WAITING_BYTES:
            self._lost += batch.size
            return
        self._waiting.append(batch)
        self._waiting_bytes += size
        self._bell.set()

    async def flush(self) -> None:
        """Write what waits.

        Raises:
            SpoolError: the database is away, and the copies are lost.
        """
        while self._waiting:
            some, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            self._waiting_bytes = sum([len(batch.body) for batch in self._waiting])
            (turn,) = await self._connection.fetch(statement("archive_turn"))
            table = turn["archive_table"]
            if turn["bytes"] > self._max_bytes // 2:
                table = await self._next(table)
            await self._connection.fetch(statement("archive", archive=table), *self._columns(some))
        if self._lost:
            _logger.warning("%d events were not archived: the database was away", self._lost)
            self._lost = 0

    async def _next(self, table: int) -> int:
        following = 1 - table
        async with self._connection.transaction() as raw:
            if await raw.fetch(_TURN + " RETURNING archive_table", table, following):
                await raw.execute(f"TRUNCATE relay.archive_{following}")
        return following

    def _columns(self, batches: list[Batch]) -> list[list[object]]:
        rows: list[tuple[object, ...]] = []
        for batch in batches:
            session = fingerprint(batch.key, self.salt)
            page_name: SessionKey = page_key(batch.key, batch.pieces[0].record.came)
            page = fingerprint(page_name, self.salt)
            user = batch.user_id
            rows.append((
                session, None if page == session else page, text(batch.key.target), text(batch.key.session_id),
                None if user is None else text(user), batch.body, None if user is None else erased_key(user),
                erased_key(page_name.session_id),
            ))  # fmt: skip
        return [list(column) for column in zip(*rows, strict=True)]

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            await asyncio.sleep(WRITE_AFTER_S)
            try:
                await self.flush()
            except SpoolError as error:
                _logger.warning("not archived: %s", error)
