"""Buried events: listed, brought back, discarded."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from relay.core.model import NewRecord, SessionKey, event_id_of
from relay.spool.administration import Buried
from relay.spool.schedule.ledger import DISCARDED
from relay.spool.sqlite.file.buried_rows import BURIED_COLUMNS, BuriedRow
from relay.spool.sqlite.file.opening import read_flows
from relay.spool.sqlite.write.database import Database

AT_ONCE: Final = 1000
"""Events in one transaction, so that nobody waits long for its turn."""
_FOUND: Final = (
    f"SELECT {BURIED_COLUMNS} FROM buried"  # noqa: S608  a constant
    " WHERE number > ? AND (? OR number IN (SELECT value FROM json_each(?))) ORDER BY number LIMIT ?"
)


class Replayed(msgspec.Struct, frozen=True):
    """What a step of replaying did."""

    records: list[tuple[int, int, str]]
    """Seq, session and target of each event that waits again."""
    last: int
    """The last buried number looked at; 0: there was none left."""


def list_buried(sql: sqlite3.Connection, *, after: int, limit: int) -> list[Buried]:
    """Up to `limit` buried events with a number above `after`, in order."""
    rows = sql.execute(
        "SELECT number, operation, target, session_id, user_id, body, accepted_at_ms, buried_at_ms, reason, message"
        " FROM buried JOIN flows USING (flow) WHERE number > ? ORDER BY number LIMIT ?",
        (after, limit),
    )
    return [
        Buried(number, operation, target, session_id, user_id, event_id_of(body), body, *rest)
        for number, operation, target, session_id, user_id, body, *rest in rows
    ]


def list_intact(sql: sqlite3.Connection, *, after: int, limit: int) -> tuple[int, list[Buried]] | None:
    """The last number of the next rows, and those that are what was once written; None when there are no more."""
    flows = {number: (operation, target) for number, operation, target in read_flows(sql)}
    rows = [BuriedRow(*columns) for columns in sql.execute(_FOUND, (after, True, "[]", limit))]
    found = [
        Buried(
            row.number, *flows[row.flow], row.session_id, row.user_id, event_id_of(row.body), row.body,
            row.accepted_at_ms, row.buried_at_ms, row.reason, row.message, row.provenance(),
        )
        for row in rows
        if row.is_intact() and row.flow in flows
    ]  # fmt: skip
    return (rows[-1].number, found) if rows else None


def replay(database: Database, numbers: Sequence[int] | None, *, after: int, now_ms: int) -> Replayed:
    """Inside a job: let buried events wait again, under new numbers, at the end of their sessions.

    Damaged ones stay where they are. At most `AT_ONCE` are looked at; None for `numbers` means all.
    """
    sql = database.sql
    given = (after, numbers is None, json.dumps(numbers or []), AT_ONCE)
    found = [BuriedRow(*columns) for columns in sql.execute(_FOUND, given)]
    records: list[tuple[int, int, str]] = []
    for event in found:
        if event.flow not in database.flows or not event.is_intact():
            continue
        key = SessionKey(*database.flows[event.flow], event.session_id)
        new = NewRecord(key, event.user_id, ("",), event.body, (len(event.body),), 0, event.provenance())
        record = database.store(new, session=event.session, at_ms=now_ms)
        sql.execute("DELETE FROM buried WHERE number = ?", (event.number,))
        records.append((record.seq, event.session, key.target))
    return Replayed(records, found[-1].number if found else 0)


def discard(database: Database, numbers: Sequence[int]) -> int:
    """Inside a job: forget buried events for good; how many."""
    count = database.sql.execute(
        "DELETE FROM buried WHERE number IN (SELECT value FROM json_each(?))", (json.dumps(list(numbers)),)
    ).rowcount
    database.count(DISCARDED, count)
    return count
