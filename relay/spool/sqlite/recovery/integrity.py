"""Whether SQLite can still find its way in a spool's file, and whether all is there that was acknowledged."""

import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from relay.core.model import Operation, SessionKey
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.sqlite.file.connection import connect, lenient_text
from relay.spool.sqlite.file.opening import APPLICATION_ID, PAGE_SIZES, VERSION
from relay.spool.sqlite.file.rows import COLUMNS, RecordRow, crc_of, last_number, statement
from relay.spool.sqlite.recovery.wal import drops_commits

_NOT_DAMAGE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_MARK_AT: Final = 68
"""Where in the file the application id stands (https://www.sqlite.org/fileformat2.html §1.3)."""
_HEADER: Final = {
    0: tuple(b"SQLite format 3\0" + size.to_bytes(2, "big") for size in PAGE_SIZES),
    18: (b"\1\1", b"\2\2"),
    20: (b"\0\x40\x20\x20",),
    44: (b"\0\0\0\4", b"\0\0\0\0"),
    56: (b"\0\0\0\1",),
    64: (b"\0\0\0\1",),
}
"""What may stand where in the file's header (the same): page size, formats, encoding, incremental vacuum."""
_LAST_FRAME_AT: Final = 16
"""Where in the WAL's index mxFrame stands (https://www.sqlite.org/walformat.html §2.1)."""


def trouble(path: Path, *, mark: int, meanwhile: Callable[[], object] = lambda: None) -> str | None:
    """What is wrong with the file, None if nothing is; some 0.3 s of computing for a million records.

    It is only read, so that its WAL stays as it is. A file that is no spool, or of a newer version, is no trouble: that
    is for who opens it to say.

    Args:
        path: The file.
        mark: The highest seq acknowledged, as noted outside the file; 0 when not known.
        meanwhile: Run beside the look, on another thread, and over on return; what it raises is not heard.
    """
    if not path.exists() or not (mark or _is_marked(path)):
        return None
    if not _has_header(path):
        return "its header is damaged"
    try:
        with closing(connect(path, read_only=True)) as sql:
            sql.text_factory = lenient_text
            sql.execute("PRAGMA schema_version")  # SQLite reads the WAL now: who comes meanwhile need not wait for it
            with ThreadPoolExecutor(1) as beside:
                beside.submit(meanwhile)
                why = _trouble(sql, mark)
            return why or _trouble_of_wal(path)  # not meanwhile: to close a file here drops all of SQLite's locks on it
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        return None if code in _NOT_DAMAGE else str(error)
    except UnicodeDecodeError:  # SQLite quotes a table's name or statement that is no text any more
        return "its tables are not what they should be"


def _has_header(path: Path) -> bool:
    """Whether the file begins as every spool does, as far as that never changes; an empty one may."""
    with path.open("rb") as file:
        head = file.read(100)
    return not head or all(head[at : at + len(known[0])] in known for at, known in _HEADER.items())


def _is_marked(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_MARK_AT + 4)[_MARK_AT:] == APPLICATION_ID.to_bytes(4, "big")


def _trouble(sql: sqlite3.Connection, mark: int) -> str | None:
    schema = dict(sql.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
    version = sql.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        return None
    if not schema:
        return "it is empty" if mark else None
    if version != 2 and not _schema(version or VERSION).items() <= schema.items():
        return "its tables are not what they should be"
    if not version or sql.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        return "its header is damaged"
    found = sql.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        return f"SQLite says: {' '.join(found.split())}"
    accepted = sql.execute("SELECT max(count) FROM ledger WHERE name = 'accepted'").fetchone()[0] or 0
    if mark > accepted and mark > (last := max(accepted, _last_number(sql, version))):
        return f"records {last + 1} to {mark} are not there"
    return None if version < VERSION else _trouble_of_names(sql)


def _last_number(sql: sqlite3.Connection, version: int) -> int:
    """Of an event that is here; before version 3 a record was one."""
    if version == VERSION:
        return last_number(sql)
    return sql.execute("SELECT max(seq) FROM records").fetchone()[0] or 0


def _trouble_of_names(sql: sqlite3.Connection) -> str | None:
    """Flows and salt: few bytes without which records are not what they were."""
    flows = sql.execute("SELECT * FROM flows ORDER BY flow").fetchall()
    if flows != sql.execute("SELECT * FROM flows_copy ORDER BY flow").fetchall():
        return "a flow and its copy differ"
    if any(crc != crc_of(flow, operation, target) for flow, crc, operation, target in flows):
        return "a flow does not match its checksum"
    row = sql.execute(f"SELECT {COLUMNS} FROM records LIMIT 1").fetchone()  # noqa: S608  a constant
    salt = sql.execute("SELECT salt FROM salt").fetchone()
    if row is None or salt is None or not (record := RecordRow(*row)).is_intact():
        return None
    keys = {flow: (Operation(operation), target) for flow, _, operation, target in flows}
    if record.flow not in keys:
        return "a flow is not there"
    right = fingerprint(SessionKey(*keys[record.flow], record.session_id), salt[0]) == record.session
    return None if right else "the salt is not what it was"


def _trouble_of_wal(path: Path) -> str | None:
    """While a connection has the file open: SQLite notes beside it how much of the WAL it takes."""
    index = path.with_name(path.name + "-shm")
    if not index.exists():
        return None
    with index.open("rb") as file:
        last = int.from_bytes(file.read(_LAST_FRAME_AT + 4)[_LAST_FRAME_AT:], sys.byteorder)
    return "its WAL is damaged before its last commit" if drops_commits(path, last) else None


@cache
def _schema(version: int) -> dict[str, str]:
    """Names and text of the tables of a version, as SQLite keeps them."""
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.executescript(statement("schema" if version == VERSION else f"schema_{version}"))
        return dict(sql.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
