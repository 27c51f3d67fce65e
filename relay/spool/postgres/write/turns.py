"""Tables that are written in turns and emptied whole.

Rows that are deleted one by one leave space behind, and an old transaction (a dump, a replica) keeps it for as long as
it lasts. Here that costs space and never time.

Records: each table is written for a minute or more, then the next, once that one is empty. Event ids: two tables, each
written for ten minutes; at the switch the older is forgotten, but for those of sessions of which something still waits.
They are carried over before, some with each look, while appends go on: the table is locked to be emptied and no longer.
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
CARRIED_AT_ONCE: Final = 10_000
"""Event ids that are looked at in one go."""
_LOCK_MS: Final = 50
_FIRST: Final = (-1, -1)
"""Below every session and event."""
_TURN: Final = "UPDATE relay.meta SET {what}_table = $2, {what}_since_ms = $3 WHERE {what}_table = $1"
_logger = logging.getLogger(__name__)


class TableTurns:
    """Which tables this relay writes; as of its last look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.records = 0
        self.seen = 0
        self._carrying_since_ms = 0
        """Of which time of the tables of ids the next is said."""
        self._carried: tuple[int, int] | None = _FIRST
        """The last id of the older one that was carried over, or needs not be; None: all are done."""

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
            if row["seen_since_ms"] != self._carrying_since_ms:
                self._carrying_since_ms, self._carried = row["seen_since_ms"], _FIRST
            await self._carry_over(connection)
            if self._carried is None:
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

    async def _carry_over(self, connection: DatabaseLink) -> None:
        """Some more of the ids that are remembered on."""
        if self._carried is None:
            return
        query = statement("keep_seen", seen=self.seen, other=1 - self.seen)
        rows = await connection.fetch(query, *self._carried, CARRIED_AT_ONCE)
        is_all = not rows or rows[0]["count"] < CARRIED_AT_ONCE
        self._carried = None if is_all else (rows[0]["session"], rows[0]["event"])

    async def _next_seen(self, connection: DatabaseLink) -> None:
        older = 1 - self.seen
        try:
            async with connection.transaction() as raw:
                turned = _TURN.format(what="seen") + " RETURNING seen_table"
                if not await raw.fetch(turned, self.seen, older, self._clock.now_ms()):
                    return  # somebody was faster
                if not await _lock(raw, f"relay.seen_{older}"):
                    raise _LaterError
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
