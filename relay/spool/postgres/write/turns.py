"""Tables that are written in turns and emptied whole.

Rows that are deleted one by one leave space behind, and an old transaction (a dump, a replica) keeps it for as long as
it lasts. Here that costs space and never time.

Records: each table is written for a minute or more, then the next, once that one is empty. Event ids: two tables, each
written for ten minutes; at the switch the older is forgotten, but for those of sessions of which something still waits.
Whoever notices first that it is time says so in the database; the others learn it with their next look. Both tables
are looked at by an append, so that relays which still write the other one find the same repeats; only a copy that meets
two relays in the very moment of the switch may pass twice, with the same event ids.

Ages are taken by the relays' clocks: one that is wrong makes a turn early or late, which costs nothing but memory.
"""

import logging
from typing import Final

import asyncpg

from relay.core.clock import Clock
from relay.spool.postgres.link import DatabaseLink, Raw
from relay.spool.postgres.statements import PARTS, statement
from relay.spool.schedule.dedup_window import REMEMBERED_S

RECORDS_S: Final = 60.0
_LOCK_MS: Final = 50
_TURN: Final = "UPDATE relay.meta SET {what}_table = $2, {what}_since_ms = $3 WHERE {what}_table = $1"
_logger = logging.getLogger(__name__)


class TableTurns:
    """Which tables this relay writes; as of its last look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.records = 0
        self.seen = 0

    async def look(self, connection: DatabaseLink) -> None:
        """Learn whose turn it is, and pass it on where it is time.

        Raises:
            SpoolError: not now.
        """
        (row,) = await connection.fetch(statement("turn"))
        self.records, self.seen = row["records_table"], row["seen_table"]
        now_ms = self._clock.now_ms()
        if now_ms - row["records_since_ms"] >= RECORDS_S * 1000:
            await self._next_records(connection)
        if now_ms - row["seen_since_ms"] >= REMEMBERED_S * 1000:
            await self._next_seen(connection)

    async def tidy(self, connection: DatabaseLink) -> None:
        """Give back the space of tables out of turn in which nothing waits any more.

        Raises:
            SpoolError: not now.
        """
        for part in range(PARTS):
            await self._empty(connection, part)

    async def _next_records(self, connection: DatabaseLink) -> None:
        """The next one, if nothing is in it. What waits in one that is out of turn is delivered from there."""
        following = (self.records + 1) % PARTS
        if await self._empty(connection, following):
            await connection.fetch(_TURN.format(what="records"), self.records, following, self._clock.now_ms())
            self.records = following

    async def _empty(self, connection: DatabaseLink, part: int) -> bool:
        """Whether nothing waits in a table of records; its space has then been given back."""
        table = f"relay.records_{part}"
        (row,) = await connection.fetch(
            f"SELECT EXISTS (SELECT FROM {table}) AS waits, pg_relation_size('{table}') AS bytes"  # noqa: S608  a number
        )
        if row["waits"] or not row["bytes"]:
            return not row["waits"]
        async with connection.transaction() as raw:
            if not await _lock(raw, table) or await raw.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608
                return False
            await raw.execute(f"TRUNCATE {table}")
        return True

    async def _next_seen(self, connection: DatabaseLink) -> None:
        older = 1 - self.seen
        try:
            async with connection.transaction() as raw:
                turned = _TURN.format(what="seen") + " RETURNING seen_table"
                if not await raw.fetch(turned, self.seen, older, self._clock.now_ms()):
                    return  # somebody was faster
                if not await _lock(raw, f"relay.seen_{older}"):
                    raise _LaterError
                await raw.execute(statement("keep_seen", seen=self.seen, other=older))
                await raw.execute(f"TRUNCATE relay.seen_{older}")
        except _LaterError:
            return
        self.seen = older


class _LaterError(Exception):
    """Not now: undo."""


async def _lock(raw: Raw, table: str) -> bool:
    """Whether nobody else has a table; if somebody reads it (a dump?), it is emptied later."""
    await raw.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
    try:
        async with raw.transaction():
            await raw.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    except asyncpg.LockNotAvailableError:
        _logger.info("%s is being read and is emptied later", table)
        return False
    return True
