"""Appends in groups: one statement at a time, what came meanwhile is the next; one fsync of the database serves all.

Beacon n is committed before it is answered, and so before n + 1 is sent, to whichever relay: the order of the groups is
the order of acceptance. An append whose answer was lost is asked about before it is tried again: nothing is stored
twice, and nothing that was stored is called a repeat. A group that cannot be stored for its data is tried append by
append: one that cannot be stored fails alone.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.spool.postgres.flows import Flows
from relay.spool.postgres.link import DatabaseAwayError, DatabaseLink, DataRefusedError
from relay.spool.postgres.rows import Arguments, Arriving, arguments_of
from relay.spool.postgres.statements import statement
from relay.spool.postgres.write.turns import TableTurns
from relay.spool.receipt import Receipt

MAX_GROUP_EVENTS: Final = 5_000
"""`seq` has room for twice as many in a group."""
MAX_GROUP_BYTES: Final = 4 * 1024 * 1024
GIVE_UP_S: Final = 5.0
"""How long an append waits for a database that is away; then it is refused, and the page comes again."""
_AGAIN_S: Final = 0.1
_logger = logging.getLogger(__name__)

Found = set[tuple[int, int]]
"""Events: index of the record in its group, place in it."""


class Group(NamedTuple):
    """What was committed together."""

    first: int
    """The number of its first event; the others follow, in the order of `records`. 0: not known."""
    records: Sequence[Arriving]
    repeated: Found

    @property
    def stored(self) -> int:
        """How many events."""
        return sum([len(one.record.ends) for one in self.records]) - len(self.repeated)

    def places(self) -> list[int]:
        """Of each record: a bit for every event that was stored."""
        places = [(1 << len(one.record.ends)) - 1 for one in self.records]
        for number, place in self.repeated:
            places[number] &= ~(1 << place)
        return places


class _Asked(NamedTuple):
    records: Sequence[Arriving]
    size: int
    asked_s: float
    receipt: Receipt


class Appender(Background):
    """The one task that appends."""

    def __init__(
        self,
        connection: DatabaseLink,
        *,
        turns: TableTurns,
        flows: Flows,
        relay: str,
        salt: bytes,
        clock: Clock,
        stored: Callable[[Group], object],
    ) -> None:
        """Take what it works with.

        Args:
            connection: Its own.
            turns: Which tables are written now.
            flows: Operations and targets by number.
            relay: The name of this relay, for the ledger.
            salt: Of the fingerprints.
            clock: What time it is.
            stored: Told of each group that is committed, before whoever waits for it.
        """
        self._connection = connection
        self._turns = turns
        self._flows = flows
        self._relay = relay
        self._salt = salt
        self._clock = clock
        self._stored = stored
        self._queue: deque[_Asked] = deque()
        self._bell = asyncio.Event()
        self._idle = asyncio.Event()
        self.queued_bytes = 0
        self.away: str | None = None
        """Why nothing can be stored now."""

    def put(self, records: Sequence[Arriving], size: int, receipt: Receipt) -> None:
        """Store these with the next group."""
        self._queue.append(_Asked(records, size, asyncio.get_running_loop().time(), receipt))
        self.queued_bytes += size
        self._idle.clear()
        self._bell.set()

    async def flush(self) -> None:
        """Wait until all that was put has been stored or refused."""
        if self._queue or self.queued_bytes:
            await self._idle.wait()

    async def _run(self) -> None:
        while True:
            while not self._queue:
                self._bell.clear()
                self._idle.set()
                await self._bell.wait()
            await asyncio.sleep(0)  # whoever is about to append comes along
            await self._store_or_refuse(self._next())

    async def _store_or_refuse(self, asked: Sequence[_Asked]) -> None:
        outcome = await self._tried(asked)
        if len(asked) == 1 or not isinstance(outcome, DataRefusedError):
            self._tell(asked, outcome)
            return
        for one in asked:
            if not isinstance(outcome, DatabaseAwayError):
                outcome = await self._tried([one])
            self._tell([one], outcome)

    async def _tried(self, asked: Sequence[_Asked]) -> Group | SpoolError:
        try:
            return await self._append(asked)
        except SpoolError as error:
            return error
        except Exception as error:
            _logger.exception("an append failed")
            return DataRefusedError(f"an append failed: {type(error).__name__}")

    def _tell(self, asked: Sequence[_Asked], outcome: Group | SpoolError) -> None:
        if isinstance(outcome, Group):
            self._stored(outcome)
            self._end(asked, outcome.repeated)
        else:
            _logger.error("spool: %d appends refused: %s", len(asked), outcome)
            self._end(asked, outcome)

    def _next(self) -> list[_Asked]:
        group: list[_Asked] = []
        events = size = 0
        while self._queue:
            asked = self._queue[0]
            events += sum([len(one.record.ends) for one in asked.records])
            size += asked.size
            if group and (events > MAX_GROUP_EVENTS or size > MAX_GROUP_BYTES):
                break
            group.append(self._queue.popleft())
        return group

    def _end(self, asked: Sequence[_Asked], outcome: Found | SpoolError) -> None:
        start = 0
        for one in asked:
            self.queued_bytes -= one.size
            if isinstance(outcome, SpoolError):
                one.receipt.fail(outcome)
                continue
            end = start + len(one.records)
            mine = [(record - start, place) for record, place in outcome if start <= record < end] if outcome else ()
            one.receipt.succeed(frozenset(mine))
            start = end

    async def _append(self, asked: Sequence[_Asked]) -> Group:
        records = [record for one in asked for record in one.records]
        columns: Arguments | None = None
        by = secrets.randbits(63)
        perhaps_there = False
        while True:
            try:
                if columns is None:
                    flows = await self._numbers(records)
                    columns = arguments_of(records, flows, self._salt, nonce)
                first, repeated = await self._store(columns, by, perhaps_there=perhaps_there)
            except DatabaseAwayError as error:
                self.away = str(error)
                perhaps_there = perhaps_there or (error.sent and columns is not None)
                if asyncio.get_running_loop().time() - asked[0].asked_s > GIVE_UP_S:
                    raise
                await asyncio.sleep(_AGAIN_S)
            else:
                self.away = None
                return Group(first, records, repeated | columns.repeated)

    async def _numbers(self, records: Sequence[Arriving]) -> list[int]:
        """Of their operations and targets; nearly always all are known."""
        keys = [one.record.key for one in records]
        known = self._flows.known
        return [known(key) or await self._flows.number(key, self._connection) for key in keys]

    async def _store(self, columns: Arguments, by: int, *, perhaps_there: bool) -> tuple[int, Found]:
        if perhaps_there and (there := await self._found(columns, by)) is not None:
            return there
        now_ms = self._clock.now_ms()
        turn = self._turns
        query = statement("append", records=turn.records, seen=turn.seen, other=1 - turn.seen)
        minute = self._minute()
        rows = await self._connection.fetch(query, *columns.events, by, now_ms, *columns.records, self._relay, minute)
        first = rows[-1]["first"]
        repeated = {(row["record"] - 1, row["place"]) for row in rows[:-1]}
        if repeated and perhaps_there and (there := await self._found(columns, by)) is not None:
            return there  # the lost one was still under way when it was asked about
        return first, repeated

    async def _found(self, columns: Arguments, by: int) -> tuple[int, Found] | None:
        """What an append whose answer was lost has stored; None if nothing: then it did not happen."""
        rows = await self._connection.fetch(statement("was_stored"), *columns.events, by, self._relay, self._minute())
        if not rows:
            return None
        stored = {(row["record"] - 1, row["place"]) for row in rows}
        asked = {(record - 1, place) for record, place in zip(*columns.events[:2], strict=True)}
        return 0, asked - stored

    def _minute(self) -> int:
        return self._clock.now_ms() // 60_000


def nonce() -> int:
    """63 random bits."""
    return secrets.randbits(63)
