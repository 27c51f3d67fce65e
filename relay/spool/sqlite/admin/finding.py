"""Events of one session or one user in a spool file, and a user's sessions: found step by step, on a thread.

There is no index over sessions, since every append would pay for it; SQLite looks at all rows, in C and without
Python's lock, and gives those that are theirs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from relay.core.model import Operation, event_id_of
from relay.spool.administration import Kept
from relay.spool.sqlite.admin.inspection import Table, reading, waiting_events
from relay.spool.sqlite.file.buried_rows import BURIED_COLUMNS, BuriedRow
from relay.spool.sqlite.file.former_places import superseded
from relay.spool.sqlite.file.opening import read_flows
from relay.spool.sqlite.file.rows import COLUMNS, RecordRow, crc_of

LOOKED_AT_ONCE: Final = 20_000
"""Numbers, so at most as many rows, in one read: some ten milliseconds, in which no checkpoint is held up for long."""
_GIVEN_AT_ONCE: Final = 1_000
"""Rows: of one session that has very many, not all come at once."""


class Step(NamedTuple):
    """What a step found, and the number it came to; None at the end of the table."""

    found: Sequence[Kept]
    upto: int | None


def find(path: Path, table: Table, after: int, *, session_id: str | None = None, user_id: str | None = None) -> Step:
    """Look at the next rows, behind the number `after`, for those of a session or of a user.

    Raises:
        SpoolError: the file cannot be read.
    """
    columns, key = (COLUMNS, "seq") if table == "records" else (BURIED_COLUMNS, "number")
    with reading(path) as sql:
        (first,) = sql.execute(f"SELECT min({key}) FROM {table} WHERE {key} > ?", (after,)).fetchone()  # noqa: S608  constants
        if first is None:
            return Step((), None)
        upto = first + LOOKED_AT_ONCE - 1
        rows = sql.execute(
            f"SELECT {columns} FROM {table}"  # noqa: S608  constants
            f" WHERE {key} BETWEEN ? AND ? AND (session_id = ? OR user_id = ?) ORDER BY {key} LIMIT ?",
            (first, upto, session_id, user_id, _GIVEN_AT_ONCE),
        ).fetchall()
        flows = {number: (operation, name) for number, operation, name in read_flows(sql)}
    found: list[Kept] = []
    for row in rows:
        if row[2] in flows and flows[row[2]][0] is not Operation.PUT_EVENTS:
            continue
        if table == "records":
            found += waiting_events(RecordRow(*row), flows)
        else:
            event = BuriedRow(*row)
            target = flows[event.flow][1] if event.flow in flows else ""
            found.append(Kept(target, event.session_id, event.user_id, event_id_of(event.body), event.body))
    return Step(found, rows[-1][0] if len(rows) == _GIVEN_AT_ONCE else upto)


def sessions_of_user(path: Path, user_id: str, now_ms: int) -> list[str]:
    """Sessions bound to a user, in order; damaged bindings left out."""
    with reading(path) as sql:
        rows = sql.execute(
            "SELECT slot, crc, target, session_id, user_id, page_session, expires_at_ms, kept_until_ms FROM bindings"
            " WHERE user_id = ? AND expires_at_ms > ?",
            (user_id, now_ms),
        ).fetchall()
        but = {*superseded(sql)}
    return sorted({str(row[3]) for row in rows if row[0] not in but and row[1] == crc_of(row[0], *row[2:])})
