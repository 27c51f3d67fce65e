"""Forgetting a user or a session: found by a reader, removed in short steps, so that appends hardly wait.

There is no index over users, since every append would pay for it; so all records are looked at. What was appended or
replayed meanwhile is found by the last step, what was given a user meanwhile by another pass.
"""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Literal, Protocol

import msgspec

from relay.spool.sqlite.file.binding_table import look_for
from relay.spool.sqlite.read.reader import Reader
from relay.spool.sqlite.write.database import Database

LOOKED_AT_ONCE: Final = 20_000
"""Rows, before another reader gets its turn: some ten milliseconds."""
ERASED_AT_ONCE: Final = 500
"""Rows in one transaction."""
_PASSES: Final = 5

_OR_ABOUT_USER: Final = (
    " OR (flow IN (SELECT flow FROM flows WHERE operation = 'PutUsers') AND"
    " CASE WHEN json_valid(CAST(body AS TEXT)) THEN json_extract(CAST(body AS TEXT), '$.userId') END = :value)"
)
"""What PutUsers is to send about a user is not of the user, who is in the body only."""

Table = Literal["records", "buried"]
_encode: Final = msgspec.msgpack.Encoder().encode


class Whom(msgspec.Struct, frozen=True):
    """Whose records: a column and what it holds; `target` is that of the record's flow."""

    column: Literal["user_id", "session_id", "target"]
    value: str

    def theirs(self, table: Table) -> str:
        """The condition in SQL, of constants and a number; the value is `:value`."""
        if self.column == "target":
            return "flow IN (SELECT flow FROM flows WHERE target = :value)"
        if self.column == "user_id":
            return f"(user_id = :value{_OR_ABOUT_USER})"
        came = "head" if table == "records" else "came"
        # A text in MessagePack begins with its length: no longer one that holds this one is meant.
        return f"(session_id = :value OR ifnull(instr({came}, x'{_encode(self.value).hex()}'), 0))"


class Erased(msgspec.Struct, frozen=True):
    """What a step removed."""

    pending: list[tuple[int, int, int]]
    """Session and seq of records, and how many events of them waited."""
    buried: int = 0

    @property
    def count(self) -> int:
        """Events that waited."""
        return sum([events for _, _, events in self.pending])


class Do(Protocol):
    """Runs a step on the committing thread, in a transaction of its own, and accounts for what it removed."""

    def __call__(self, step: Callable[[Database], Erased], /) -> Awaitable[Erased]:
        """Run it."""
        ...


async def erase(whom: Whom, database: Database, *, reader: Reader, do: Do) -> int:
    """Remove every record and binding of theirs; how many events. Durable on return.

    Args:
        whom: Who is forgotten.
        database: Asked how often records that waited got a user.
        reader: Finds what is there.
        do: Removes it.
    """
    count = 0

    async def step(run: Callable[[Database], Erased]) -> None:
        nonlocal count
        removed = await do(run)
        count += removed.count + removed.buried

    async def sweep(table: Table) -> int:
        return await _sweep(table, whom, reader=reader, step=step)

    async def unbind() -> int:
        """Remove their bindings; the slot of the last that had been saved before."""
        since: list[int] = []
        await step(partial(_note_last, since=since))  # what was saved before is on disk now, for the reader to see
        slots: list[int] = []
        last: int | None = None
        while True:
            last, found = await reader.run(partial(look_for, column=whom.column, value=whom.value, after=last))
            if last is None:
                break
            slots += found
        await step(partial(_unbind, whom=whom, slots=slots, since=since[0]))
        return since[0]

    since = await unbind()
    for _ in range(_PASSES):
        given = database.users_given
        last = await sweep("records")
        await sweep("buried")
        await step(partial(_remove_newer, whom=whom, after=last, since=since))
        if database.users_given == given:
            break
    return count


async def discard_waiting(target: str, *, reader: Reader, do: Do) -> int:
    """Remove every record that waits for a target; how many events. What is appended meanwhile may stay."""
    count = 0

    async def step(run: Callable[[Database], Erased]) -> None:
        nonlocal count
        count += (await do(run)).count

    await _sweep("records", Whom("target", target), reader=reader, step=step)
    return count


async def _sweep(
    table: Table, whom: Whom, *, reader: Reader, step: Callable[[Callable[[Database], Erased]], Awaitable[None]]
) -> int:
    """Remove what is found; the last seq looked at."""
    last = 0
    while True:
        upto, found = await reader.run(partial(_look, table=table, whom=whom, after=last))
        for start in range(0, len(found), ERASED_AT_ONCE):
            await step(partial(_remove, table=table, whom=whom, seqs=found[start : start + ERASED_AT_ONCE]))
        if upto is None:
            return last
        last = upto


def _look(sql: sqlite3.Connection, *, table: Table, whom: Whom, after: int) -> tuple[int | None, list[int]]:
    """The last seq of the next rows, None when there are no more; and which of these rows are theirs."""
    upto: int | None = sql.execute(
        f"SELECT max(rowid) FROM (SELECT rowid FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {LOOKED_AT_ONCE})",  # noqa: S608  constants
        (after,),
    ).fetchone()[0]
    if upto is None:
        return None, []
    found = sql.execute(
        f"SELECT rowid FROM {table} WHERE {whom.theirs(table)} AND rowid > :after AND rowid <= :upto",  # noqa: S608  constants
        {"value": whom.value, "after": after, "upto": upto},
    )
    return upto, [seq for (seq,) in found]


def _remove(database: Database, *, table: Table, whom: Whom, seqs: Sequence[int]) -> Erased:
    """Inside a job: remove these of theirs that are still there."""
    if table == "records":
        database.leave(seqs)
    theirs = f"FROM {table} WHERE {whom.theirs(table)} AND rowid IN (SELECT value FROM json_each(:seqs))"  # noqa: S608  constants
    given = {"value": whom.value, "seqs": json.dumps(list(seqs))}
    if table == "buried":
        return Erased([], database.sql.execute(f"DELETE {theirs}", given).rowcount)
    return _counted(
        database, database.sql.execute(f"DELETE {theirs} RETURNING session, seq, waiting", given).fetchall()
    )


def _remove_newer(database: Database, *, whom: Whom, after: int, since: int) -> Erased:
    """Inside a job: remove what has come since, and the bindings."""
    database.bindings.erase(database.sql, whom.column, whom.value, since=since)
    gone = database.sql.execute(
        f"DELETE FROM records WHERE {whom.theirs('records')} AND seq > :after RETURNING session, seq, waiting",  # noqa: S608  constants
        {"value": whom.value, "after": after},
    ).fetchall()
    return _counted(database, gone)


def _note_last(database: Database, *, since: list[int]) -> Erased:
    """Inside a job: note which binding was saved last."""
    since.append(database.bindings.last)
    return Erased([])


def _unbind(database: Database, *, whom: Whom, slots: Sequence[int], since: int) -> Erased:
    """Inside a job: remove the bindings, so that no more records get the user."""
    database.bindings.erase(database.sql, whom.column, whom.value, slots=slots, since=since)
    return Erased([])


def _counted(database: Database, gone: list[tuple[int, int, int]]) -> Erased:
    removed = Erased([(session, seq, waiting.bit_count()) for session, seq, waiting in gone])
    database.count("erased", removed.count)
    return removed
