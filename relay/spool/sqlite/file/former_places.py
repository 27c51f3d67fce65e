"""Bindings by the place that a hash gave each session, as builds before wrote them; and which of several rows counts.

Such a place is below any slot that is given now (`BindingTable.last`). A relay leaves one row of a session. Several are
there where a build before has had a file of today's, which adds its own row and does not know of the other; or where
damage brought one back that had been replaced.
"""

import sqlite3
from collections.abc import Iterable
from itertools import groupby

from relay.spool.schedule.fingerprint import number_of

_Row = tuple[int, str, str, str, int]
"""Slot, target, session, user, end."""


def slot_of(target: object, session_id: object, *, salt: bytes) -> int:
    """60 bits that stand for a session of a tracker; of two with the same slot one would be forgotten."""
    return number_of(f"binding\0{target}\0{session_id}", salt)


def superseded(sql: sqlite3.Connection) -> list[int]:
    """Slots of the rows that do not count, since another of their session does; a quarter of a second for 200,000."""
    twice = "SELECT target, session_id FROM bindings GROUP BY target, session_id HAVING count(*) > 1"
    columns = "slot, target, session_id, user_id, expires_at_ms"
    some = f"SELECT {columns} FROM bindings WHERE (target, session_id) IN ({twice})"  # noqa: S608  constants
    rows: list[_Row] = sql.execute(f"{some} ORDER BY target, session_id, slot").fetchall()
    if not rows:
        return []
    salt: bytes = sql.execute("SELECT salt FROM salt").fetchone()[0]
    return [slot for _, same in groupby(rows, lambda row: row[1:3]) for slot in _without_the_newest([*same], salt)]


def _without_the_newest(rows: list[_Row], salt: bytes) -> Iterable[int]:
    """Of the rows of one session, in the order of their slots.

    The last is the newest, whatever lasts longer. A row at its former place may be newer or older than one that is not:
    if all are the same user's, the one that lasts longest counts; else the session is nobody's.
    """
    slots = [slot for slot, *_ in rows]
    _, target, session_id, *_ = rows[0]
    former = slot_of(target, session_id, salt=salt)
    if former not in slots:
        return slots[:-1]
    if len({user for *_, user, _ in rows}) > 1:
        return slots
    longest, *_ = max(rows, key=lambda row: (row[-1], row[0]))
    return [slot for slot in slots if slot != longest]
