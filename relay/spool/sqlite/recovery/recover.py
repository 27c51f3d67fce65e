"""From a damaged spool into a fresh one: every record, buried record, binding and flow whose checksum fits.

What is lost is found missing by the ledger when the fresh file is opened, and counted as buried for `corrupt`. The
damaged file is kept as `PATH.damaged`, for those who want to know more; an erasure removes it.

Where the end of the WAL is damaged, a record comes back as it was before: one that had left is there again, and one
that a login gave its user to goes out without a user, never with another one.

A crash at any moment leaves either the damaged file, and the next start salvages it again, or a whole `PATH.salvaged`,
and the next start puts it in place.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from relay.core.errors import SpoolError
from relay.core.model import MOST_EVENTS, Operation, SessionKey
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.ledger import BURIED_PREFIX, DISCARDED, left
from relay.spool.sqlite.file.buried_rows import BURIED_COLUMNS, BuriedRow, buried_row
from relay.spool.sqlite.file.connection import connect, make_private
from relay.spool.sqlite.file.former_places import slot_of, superseded
from relay.spool.sqlite.file.opening import PAGE_BYTES, add_flow, make_tables, read_flows
from relay.spool.sqlite.file.page_layout import INDEX_LEAF, LEAF
from relay.spool.sqlite.file.rows import COLUMNS, Flows, RecordRow, crc_of, last_number, pending_events
from relay.spool.sqlite.file.rows_2 import Row2, keep_binding_2
from relay.spool.sqlite.recovery.integrity import trouble
from relay.spool.sqlite.recovery.pages import Cell, cells
from relay.spool.sqlite.recovery.wal import views

_NAMES: Final = frozenset({"accepted", "delivered", "erased", DISCARDED})
_KEEP: Final = {
    # A record is given a user later, and loses events: of two copies that one is the newer.
    "records": "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (seq) DO UPDATE SET"
    " waiting = excluded.waiting, user_id = excluded.user_id, crc = excluded.crc"
    " WHERE (user_id IS NULL AND excluded.user_id IS NOT NULL) OR excluded.waiting & ~waiting = 0",
    "buried": "INSERT OR REPLACE INTO buried VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "bindings": "WITH one (slot, b, c, d, e, f, ends, h) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?))"
    " INSERT OR REPLACE INTO bindings SELECT * FROM one"
    " WHERE ends >= ifnull((SELECT expires_at_ms FROM bindings WHERE bindings.slot = one.slot), 0)",
    "erasures": "INSERT OR REPLACE INTO erasures VALUES (?, ?, ?, ?, ?)",
}
_SOME_RECORDS: Final = f"SELECT {COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT 1000"  # noqa: S608  constants
_SOME_BURIED: Final = f"SELECT {BURIED_COLUMNS} FROM buried WHERE number > ? ORDER BY number LIMIT 1000"  # noqa: S608  constants
_logger = logging.getLogger(__name__)


def mend(path: Path, *, mark: int, meanwhile: Callable[[], object] = lambda: None) -> bool:
    """Make sure that SQLite can find its way in the file, if need be by making a fresh one of what is intact in it.

    Args:
        path: The spool's file, which no other process may have open for writing.
        mark: The highest seq acknowledged, as noted outside the file; 0 when not known.
        meanwhile: See `trouble`.

    Returns:
        Whether there was need: what was read of the file meanwhile is worth nothing then.

    Raises:
        OSError: there is no room for a fresh file, or it may not be made.
        sqlite3.Error: the same.
    """
    _put_in_place(path)
    why = trouble(path, mark=mark, meanwhile=meanwhile)
    if why is None:
        return False
    _logger.error("spool damaged: %s; what is intact goes into a fresh file, this one becomes %s.damaged", why, path)
    fresh = _beside(path, ".salvaging")
    fresh.unlink(missing_ok=True)
    try:
        make_private(fresh)
        with closing(connect(fresh)) as sql:
            sql.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            sql.execute("PRAGMA auto_vacuum = INCREMENTAL")
            sql.execute("PRAGMA journal_mode = OFF")
            sql.execute("PRAGMA synchronous = OFF")
            make_tables(sql)
            _fill(sql, path, mark)
        _sync(fresh)
        fresh.rename(_beside(path, ".salvaged"))
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _put_in_place(path)
    return True


def remove_damaged(path: Path) -> None:
    """Remove what was kept of a damaged file. Raises `SpoolError`."""
    for suffix in (".damaged", ".damaged-wal"):
        try:
            _beside(path, suffix).unlink(missing_ok=True)
        except OSError as error:
            raise SpoolError(f"cannot remove {path}{suffix}: {error.strerror}") from error


def _fill(sql: sqlite3.Connection, path: Path, mark: int) -> None:
    totals: dict[str, int] = {}
    salt: bytes | None = None
    old_bindings: list[Cell] = []
    sql.execute("BEGIN")
    for view in views(path):
        for cell in cells(view):
            values = cell.values
            if (row := _intact(cell)) is not None:
                sql.execute(_KEEP[row.table], row.columns)
            elif len(values) == 7:
                old_bindings.append(cell)
            elif cell.kind == INDEX_LEAF and len(values) == 2:
                name, count = values
                if (
                    isinstance(name, str)
                    and isinstance(count, int)
                    and (name in _NAMES or name.startswith(BURIED_PREFIX))
                ):
                    totals[name] = max(totals.get(name, 0), count)
            elif cell.kind == LEAF and len(values) == 1 and isinstance(values[0], bytes) and len(values[0]) == 16:
                salt = values[0]
            elif len(values) in (3, 4):
                _keep_flow(sql, cell)
    _leave_what_is_buried(sql)
    salt = salt or os.urandom(16)
    sql.execute("INSERT INTO salt VALUES (?)", (salt,))
    _name_sessions(sql, salt)
    _keep_bindings(sql, old_bindings, salt)
    found = pending_events(sql)
    buried = sql.execute("SELECT max(number), count(*) FROM buried").fetchone()
    bindings = sql.execute("SELECT count(*) FROM bindings").fetchone()[0]
    _balance(totals, found, least=max(last_number(sql), buried[0] or 0, mark))
    sql.executemany("INSERT INTO ledger VALUES (?, ?)", totals.items())
    sql.execute("COMMIT")
    _logger.warning("spool salvaged: %d events, %d buried ones, %d bindings", found, buried[1], bindings)


class _Intact(NamedTuple):
    """A row that is what was once written, as this version writes it."""

    table: str
    columns: Sequence[object]


def _intact(cell: Cell) -> _Intact | None:
    """The row of a record, a buried event or a binding, of this version or the last; None if it is none of them."""
    columns: Any = (cell.rowid, *cell.values[1:])
    match len(columns):
        case 5 | 8:
            is_intact = columns[1] == crc_of(cell.rowid, *columns[2:])
            return _Intact("bindings" if len(columns) == 8 else "erasures", columns) if is_intact else None
        case 9 | 12:
            old = Row2(*columns[:9])
            if not old.is_intact():
                return None
            return (
                _Intact("records", old.as_row())
                if len(columns) == 9
                else _Intact("buried", old.as_buried(*columns[9:]))
            )
        case 10:
            return _Intact("records", columns) if RecordRow(*columns).is_intact() else None
        case 13:
            return _Intact("buried", columns) if BuriedRow(*columns).is_intact() else None
        case _:
            return None


def _leave_what_is_buried(sql: sqlite3.Connection) -> None:
    """What is buried, and came back as it was before, does not wait."""
    some = f"SELECT {COLUMNS} FROM records WHERE seq BETWEEN ? - {MOST_EVENTS - 1} AND ? ORDER BY seq DESC LIMIT 1"  # noqa: S608  constants
    for (number,) in sql.execute("SELECT number FROM buried").fetchall():
        found = sql.execute(some, (number, number)).fetchone()
        if found is None:
            continue
        row = RecordRow(*found)
        left = row.waiting & ~(1 << number - row.seq)
        if not left:
            sql.execute("DELETE FROM records WHERE seq = ?", (row.seq,))
        elif left != row.waiting:
            changed = row.changed(waiting=left)
            sql.execute("UPDATE records SET waiting = ?, crc = ? WHERE seq = ?", (left, changed.crc, row.seq))


def _keep_flow(sql: sqlite3.Connection, cell: Cell) -> None:
    """Of version 1, which had three columns, it is taken at its word."""
    *crc, operation, target = cell.values[1:]
    if operation in set(Operation) and isinstance(target, str) and crc in ([], [crc_of(cell.rowid, operation, target)]):
        add_flow(sql, cell.rowid, Operation(str(operation)), target)


def _keep_bindings(sql: sqlite3.Connection, old: Sequence[Cell], salt: bytes) -> None:
    """Of each session one, those of before version 3 last; a row that had been replaced may be there again."""
    sql.executemany("DELETE FROM bindings WHERE slot = ?", [(slot,) for slot in superseded(sql)])
    if not old:
        return
    rows = sql.execute("SELECT slot, target, session_id FROM bindings")
    newer = {(target, session) for slot, target, session in rows if slot != slot_of(target, session, salt=salt)}
    for cell in old:
        _, _, _, session_id, _, target, _ = cell.values
        if (target, session_id) not in newer:
            keep_binding_2(sql, (cell.rowid, *cell.values[1:]), salt=salt)


def _name_sessions(sql: sqlite3.Connection, salt: bytes) -> None:
    """If the salt is lost, what is here gets the fingerprints that what comes will have."""
    keys = {flow: (operation, target) for flow, operation, target in read_flows(sql)}
    last = -1
    while rows := [RecordRow(*columns) for columns in sql.execute(_SOME_RECORDS, (last,))]:
        last = rows[-1].seq
        for row in rows:
            if row.flow not in keys:
                continue  # cannot be delivered, and is counted when it is leased
            session = fingerprint(SessionKey(*keys[row.flow], row.session_id), salt)
            if session == row.session:
                return _name_buried_sessions(sql, keys, salt)
            crc = row.changed(session=session).crc
            sql.execute("UPDATE records SET session = ?, crc = ? WHERE seq = ?", (session, crc, row.seq))
    return _name_buried_sessions(sql, keys, salt)


def _name_buried_sessions(sql: sqlite3.Connection, keys: Flows, salt: bytes) -> None:
    last = -1
    while events := [BuriedRow(*columns) for columns in sql.execute(_SOME_BURIED, (last,))]:
        last = events[-1].number
        for event in events:
            if event.flow not in keys:
                continue
            session = fingerprint(SessionKey(*keys[event.flow], event.session_id), salt)
            if session == event.session:
                return
            crc = buried_row(event._replace(session=session)).crc
            sql.execute("UPDATE buried SET session = ?, crc = ? WHERE number = ?", (session, crc, event.number))


def _balance(totals: dict[str, int], found: int, *, least: int) -> None:
    """What comes back although it had been delivered will be delivered again."""
    accepted = max(totals.get("accepted", 0), least)
    excess = found + left(totals) - accepted
    again = min(max(0, excess), totals.get("delivered", 0))
    totals["delivered"] = totals.get("delivered", 0) - again
    totals["accepted"] = accepted + max(0, excess) - again


def _put_in_place(path: Path) -> None:
    salvaged = _beside(path, ".salvaged")
    if not salvaged.exists():
        return
    for suffix in ("", "-wal"):
        old = _beside(path, suffix)
        if old.exists():
            old.replace(_beside(path, ".damaged" + suffix))
    _beside(path, "-shm").unlink(missing_ok=True)
    _sync(path.parent)
    salvaged.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
