"""Buried records: listed, brought back, discarded."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from relay.spool.sqlite.file.rows import Row, checksum, statement
from relay.spool.sqlite.write.database import Database

AT_ONCE: Final = 1000
"""Records in one transaction, so that nobody waits long for its turn."""
_REPLAY: Final = statement("replay")


class Buried(msgspec.Struct, frozen=True):
    """A record that is kept but no longer tried."""

    seq: int
    operation: str
    target: str
    session_id: str
    user_id: str | None
    event_id: str
    body: bytes
    accepted_at_ms: int
    buried_at_ms: int
    reason: str
    message: str


class Replayed(msgspec.Struct, frozen=True):
    """What a step of replaying did."""

    records: list[tuple[int, int, str]]
    """Seq, session and target of what waits again."""
    last: int
    """The last buried seq looked at; 0: there was none left."""


def list_buried(sql: sqlite3.Connection, *, after: int, limit: int) -> list[Buried]:
    """Up to `limit` buried records with a seq above `after`, in order."""
    rows = sql.execute(
        "SELECT seq, operation, target, session_id, user_id, event_id, body, accepted_at_ms, buried_at_ms, reason,"
        " message FROM buried JOIN flows USING (flow) WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, limit),
    )
    return [Buried(*row) for row in rows]


def replay(database: Database, seqs: Sequence[int] | None, *, after: int, now_ms: int) -> Replayed:
    """Inside a job: let buried records wait again, under new seqs, at the end of their sessions.

    Damaged ones stay where they are. At most `AT_ONCE` are looked at; None for `seqs` means all.
    """
    sql = database.sql
    found = [Row(*row) for row in sql.execute(_REPLAY, (after, seqs is None, json.dumps(seqs or []), AT_ONCE))]
    records: list[tuple[int, int, str]] = []
    for row in found:
        if row.flow not in database.flows or not row.is_intact():
            continue
        seq = database.next_seq()
        values = (seq, row.session, row.flow, now_ms)
        texts = (row.session_id, row.user_id, row.event_id, row.body)
        sql.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, checksum(*values, *texts), *texts)
        )
        sql.execute("DELETE FROM buried WHERE seq = ?", (row.seq,))
        records.append((seq, row.session, database.flows[row.flow][1]))
    return Replayed(records, found[-1].seq if found else 0)


def discard(database: Database, seqs: Sequence[int]) -> int:
    """Inside a job: forget buried records for good; how many."""
    return database.sql.execute(
        "DELETE FROM buried WHERE seq IN (SELECT value FROM json_each(?))", (json.dumps(list(seqs)),)
    ).rowcount
