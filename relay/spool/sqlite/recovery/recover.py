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
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from relay.core.errors import SpoolError
from relay.core.model import Operation, SessionKey
from relay.spool.schedule.ledger import BURIED_PREFIX
from relay.spool.sqlite.file.connection import connect
from relay.spool.sqlite.file.opening import PAGE_BYTES, add_flow, make_tables, read_flows
from relay.spool.sqlite.file.rows import COLUMNS, Row, checksum, crc_of, fingerprint
from relay.spool.sqlite.recovery.integrity import trouble
from relay.spool.sqlite.recovery.pages import INDEX_LEAF, LEAF, Cell, cells
from relay.spool.sqlite.recovery.wal import views

_NAMES: Final = frozenset({"accepted", "delivered", "erased"})
_KEEP: Final = {
    # A record is given a user later: of two copies that one is the newer.
    9: "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (seq) DO UPDATE SET"
    " user_id = excluded.user_id, crc = excluded.crc WHERE user_id IS NULL",
    12: "INSERT OR REPLACE INTO buried VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    7: "INSERT OR REPLACE INTO bindings SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7"
    " WHERE ?7 >= ifnull((SELECT expires_at_ms FROM bindings WHERE slot = ?1), 0)",
}
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
    sql.execute("BEGIN")
    for view in views(path):
        for cell in cells(view):
            values = cell.values
            if len(values) in _KEEP and _is_intact(cell):
                sql.execute(_KEEP[len(values)], (cell.rowid, *values[1:]))
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
    sql.execute("DELETE FROM records WHERE seq IN (SELECT seq FROM buried)")
    salt = salt or os.urandom(16)
    sql.execute("INSERT INTO salt VALUES (?)", (salt,))
    for table in ("records", "buried"):
        _name_sessions(sql, table, salt)
    last, found = sql.execute("SELECT max(seq), count(*) FROM records").fetchone()
    buried = sql.execute("SELECT max(seq), count(*) FROM buried").fetchone()
    bindings = sql.execute("SELECT count(*) FROM bindings").fetchone()[0]
    _balance(totals, found, least=max(last or 0, buried[0] or 0, mark))
    sql.executemany("INSERT INTO ledger VALUES (?, ?)", totals.items())
    sql.execute("COMMIT")
    _logger.warning("spool salvaged: %d records, %d buried ones, %d bindings", found, buried[1], bindings)


def _is_intact(cell: Cell) -> bool:
    values = cell.values
    if len(values) == 7:
        return values[1] == crc_of(cell.rowid, *values[2:])
    return Row(cell.rowid, *values[1:9]).is_intact()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  is_intact sees


def _keep_flow(sql: sqlite3.Connection, cell: Cell) -> None:
    """Of version 1, which had three columns, it is taken at its word."""
    *crc, operation, target = cell.values[1:]
    if operation in set(Operation) and isinstance(target, str) and crc in ([], [crc_of(cell.rowid, operation, target)]):
        add_flow(sql, cell.rowid, Operation(str(operation)), target)


def _name_sessions(sql: sqlite3.Connection, table: str, salt: bytes) -> None:
    """If the salt is lost, what is here gets the fingerprints that what comes will have."""
    keys = {flow: (operation, target) for flow, operation, target in read_flows(sql)}
    some = f"SELECT {COLUMNS} FROM {table} WHERE seq > ? ORDER BY seq LIMIT 1000"  # noqa: S608  one of two constants
    last = -1
    while rows := [Row(*columns) for columns in sql.execute(some, (last,))]:
        last = rows[-1].seq
        for row in rows:
            if row.flow not in keys:
                continue  # cannot be delivered, and is counted when it is leased
            session = fingerprint(SessionKey(*keys[row.flow], row.session_id), salt)
            if session == row.session:
                return
            crc = checksum(row.seq, session, row.flow, row.accepted_at_ms, *row[5:])
            sql.execute(f"UPDATE {table} SET session = ?, crc = ? WHERE seq = ?", (session, crc, row.seq))  # noqa: S608  the same


def _balance(totals: dict[str, int], found: int, *, least: int) -> None:
    """What comes back although it had been delivered will be delivered again."""
    accepted = max(totals.get("accepted", 0), least)
    excess = found + sum(totals.values()) - totals.get("accepted", 0) - accepted
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
