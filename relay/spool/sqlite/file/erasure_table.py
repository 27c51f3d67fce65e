"""The table of erasures: a row for each time a user was erased, and for each time that was lifted."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from relay.spool.sqlite.file.rows import crc_of

ERASURE_COLUMNS: Final = "id, crc, fingerprint, at_ms, lifted"


def note_erasure(sql: sqlite3.Connection, fingerprint: str, *, at_ms: int, lifted: bool = False) -> None:
    """Inside a transaction: from now on the user is refused, or not any more."""
    last = sql.execute("SELECT max(id) FROM erasures").fetchone()[0] or 0
    columns = (last + 1, fingerprint, at_ms, int(lifted))
    sql.execute("INSERT INTO erasures VALUES (?, ?, ?, ?, ?)", (columns[0], crc_of(*columns), *columns[1:]))


def erased_now(sql: sqlite3.Connection) -> set[str]:
    """Fingerprints of the users who are refused. Of damaged rows an erasure counts, and its end does not."""
    found: set[str] = set()
    for number, crc, fingerprint, at_ms, lifted in _rows(sql):
        if not lifted:
            found.add(str(fingerprint))
        elif crc == crc_of(number, fingerprint, at_ms, lifted):
            found.discard(str(fingerprint))
    return found


def _rows(sql: sqlite3.Connection) -> Iterator[tuple[int, int, str, int, int]]:
    yield from sql.execute(f"SELECT {ERASURE_COLUMNS} FROM erasures ORDER BY id")  # noqa: S608  a constant
