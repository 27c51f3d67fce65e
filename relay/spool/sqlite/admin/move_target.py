"""A spool file that takes what others had: `MoveTarget`.

How much of each source is here stands in a table of its own, made by the first move, and changes in the transaction
that stores what it is about. A relay never looks at it.
"""

import sqlite3
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from relay.core.clock import Clock
from relay.core.errors import SpoolLockedError
from relay.core.model import Binding, Operation, Record, SessionKey
from relay.spool.administration import Buried, Moved
from relay.spool.schedule.erased_users import ErasedUsers, is_about
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.ledger import BURIED_PREFIX
from relay.spool.schedule.moved_in import as_it_is_here
from relay.spool.sqlite.file.buried_rows import bury_again
from relay.spool.sqlite.file.erasure_table import erased_now, note_erasure
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.database import Database

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS moves (
  source TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID"""
_SEQ: Final = "seq"
_BURIED: Final = "number of buried"


class SqliteMoveTarget:
    """See `MoveTarget`. Each verb is one job of the committing thread, and so one transaction."""

    def __init__(self, spool: SqliteSpool, *, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock

    async def moved(self, source: str) -> Moved:
        """See `MoveTarget.moved`."""

        def look(database: Database) -> Moved:
            database.sql.execute(_TABLE)
            rows = dict(database.sql.execute("SELECT name, count FROM moves WHERE source = ?", (source,)).fetchall())
            return Moved(rows.pop(_SEQ, 0), rows.pop(_BURIED, 0), rows)

        return await self._spool.work(look)

    async def refuse(self, fingerprints: Sequence[str]) -> None:
        """See `MoveTarget.refuse`."""

        def note(database: Database) -> None:
            for one in sorted(set(fingerprints) - erased_now(database.sql)):
                note_erasure(database.sql, one, at_ms=self._clock.now_ms())

        await self._spool.work(note)

    async def bind(self, bindings: Sequence[Binding]) -> None:
        """See `MoveTarget.bind`."""

        def save(database: Database) -> None:
            refused = ErasedUsers(erased_now(database.sql))
            for binding in bindings:
                known = database.bindings.of(database.sql, binding.target, binding.session_id)
                if binding.user_id in refused or (
                    known and (known[0] != binding.user_id or known[1] >= binding.expires_at_ms)
                ):
                    continue
                database.bindings.save(binding)

        await self._spool.work(save)

    async def take(self, source: str, records: Sequence[Record]) -> int:
        """See `MoveTarget.take`."""

        def store(database: Database) -> int:
            refused = ErasedUsers(erased_now(database.sql))
            left_out = 0
            for record in records:
                if record.user_id in refused or is_about(record.key.operation, record.body, refused):
                    left_out += record.size
                    continue
                key = record.key
                owner = database.bindings.of(database.sql, key.target, key.session_id) if key.session_id else None
                new = as_it_is_here(record, owner, now_ms=self._clock.now_ms())
                session = fingerprint(new.key, database.salt)
                database.store(new, session=session, at_ms=record.accepted_at_ms)
            database.count("accepted", left_out)
            database.count("erased", left_out)
            _note(database.sql, source, {_SEQ: records[-1].seq})
            return left_out

        return await self._spool.work(store)

    async def bury(self, source: str, buried: Sequence[Buried]) -> None:
        """See `MoveTarget.bury`."""

        def keep(database: Database) -> None:
            refused = ErasedUsers(erased_now(database.sql))
            for one in buried:
                operation = Operation(one.operation)
                if one.user_id in refused or is_about(operation, one.body, refused):
                    continue
                key = SessionKey(operation, one.target, one.session_id)
                session = fingerprint(key, database.salt)
                number, flow = database.next_number(), database.flow_of(key)
                bury_again(database.sql, one, number=number, flow=flow, session=session)
                database.count(BURIED_PREFIX + one.reason, 1)
            _note(database.sql, source, {_BURIED: buried[-1].number})

        await self._spool.work(keep)

    async def count(self, source: str, totals: Mapping[str, int]) -> None:
        """See `MoveTarget.count`."""

        def add(database: Database) -> None:
            before = dict(database.sql.execute("SELECT name, count FROM moves WHERE source = ?", (source,)).fetchall())
            for name, count in totals.items():
                database.count(name, count)
            _note(database.sql, source, {name: before.get(name, 0) + count for name, count in totals.items()})

        await self._spool.work(add)


@asynccontextmanager
async def move_target(path: Path, *, clock: Clock) -> AsyncGenerator[SqliteMoveTarget]:
    """See `SpoolAdministration.target`: the file is made if there is none."""
    try:
        async with SqliteSpool(path, clock=clock, max_bytes=0) as spool:
            yield SqliteMoveTarget(spool, clock=clock)
    except SpoolLockedError as error:
        raise SpoolLockedError(f"{error}: stop the relay while events are moved") from error


def _note(sql: sqlite3.Connection, source: str, counts: Mapping[str, int]) -> None:
    rows = [(source, name, count) for name, count in counts.items()]
    sql.executemany("INSERT OR REPLACE INTO moves VALUES (?, ?, ?)", rows)
