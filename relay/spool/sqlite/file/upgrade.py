"""Bringing a spool of an older version up to the present one.

From 1 to 2 in one transaction. From 2 to 3 every record is written anew, of which there may be a million: in steps,
each a transaction that fills the new table and empties the old one, so that memory and disk stay bounded, and a crash
at any moment leaves a file the next start goes on with. The version changes with the last step.
"""

import re
import sqlite3
from typing import Final

from relay.spool.sqlite.file.buried_rows import insert
from relay.spool.sqlite.file.former_places import slot_of
from relay.spool.sqlite.file.rows import crc_of, statement
from relay.spool.sqlite.file.rows_2 import BINDING_COLUMNS_2, COLUMNS_2, Row2, keep_binding_2

_TABLE: Final = re.compile(r"^CREATE TABLE (\w+) .*?;$", re.DOTALL | re.MULTILINE)
_AT_ONCE: Final = 2000
"""Rows in one transaction."""
_INSERT: Final = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def upgrade(sql: sqlite3.Connection, *, version: int, salt: bytes) -> None:
    """Bring it up; sets the version.

    Args:
        sql: A spool, outside a transaction.
        version: Its own.
        salt: Its own.
    """
    if version == 1:
        sql.execute("BEGIN IMMEDIATE")
        _from_1(sql, salt=salt)
        sql.execute("COMMIT")
    _from_2(sql, salt=salt)


def tables(version: str = "schema") -> dict[str, str]:
    """What makes each table."""
    return {match[1]: match[0] for match in _TABLE.finditer(statement(version))}


def _from_1(sql: sqlite3.Connection, *, salt: bytes) -> None:
    """What has no checksum yet is taken at its word, for there is nothing to judge it by."""
    made = tables("schema_2")
    sql.create_function("crc_of", -1, lambda *columns: crc_of(*map(_text, columns)), deterministic=True)
    sql.create_function("slot_of", 2, lambda *columns: slot_of(*map(_text, columns), salt=salt), deterministic=True)
    sql.execute("DROP INDEX bindings_by_expiry")
    sql.execute("ALTER TABLE flows RENAME TO flows_1")
    sql.execute("ALTER TABLE bindings RENAME TO bindings_1")
    for name in ("flows", "flows_copy", "bindings"):
        sql.execute(made[name])
    for one in statement("upgrade_2").split(";\n"):
        sql.execute(one)
    sql.execute("PRAGMA user_version = 2")


def _from_2(sql: sqlite3.Connection, *, salt: bytes) -> None:
    """The old tables are renamed first; while they are there, the upgrade is not over."""
    made = tables()
    names = {name for (name,) in sql.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "records_2" not in names:
        sql.execute("BEGIN IMMEDIATE")
        for name in ("records", "buried", "bindings"):
            sql.execute(f"ALTER TABLE {name} RENAME TO {name}_2")
        for name in ("records", "buried", "bindings", "erasures", "zeros"):
            sql.execute(made[name])
        sql.execute("COMMIT")
    while _step(sql, "records_2"):
        pass
    while _step(sql, "buried_2", ", reason, message, buried_at_ms"):
        pass
    while _step_of_bindings(sql, salt=salt):
        pass
    sql.execute("BEGIN IMMEDIATE")
    for name in ("records_2", "buried_2", "bindings_2"):
        sql.execute(f"DROP TABLE {name}")
    sql.execute("PRAGMA user_version = 3")
    sql.execute("COMMIT")


def _step_of_bindings(sql: sqlite3.Connection, *, salt: bytes) -> bool:
    """The same for bindings."""
    sql.execute("BEGIN IMMEDIATE")
    some = f"SELECT {BINDING_COLUMNS_2} FROM bindings_2 ORDER BY slot LIMIT {_AT_ONCE}"  # noqa: S608  constants
    rows = sql.execute(some).fetchall()
    for columns in rows:
        keep_binding_2(sql, columns, salt=salt)
    if rows:
        sql.execute("DELETE FROM bindings_2 WHERE slot <= ?", (rows[-1][0],))
    sql.execute("COMMIT")
    return bool(rows)


def _step(sql: sqlite3.Connection, table: str, more: str = "") -> bool:
    """Bring over the next rows; whether there were any."""
    sql.execute("BEGIN IMMEDIATE")
    some = f"SELECT {COLUMNS_2}{more} FROM {table} ORDER BY seq LIMIT {_AT_ONCE}"  # noqa: S608  constants
    rows = sql.execute(some).fetchall()
    if more:
        for columns in rows:
            insert(sql, Row2(*columns[:9]).as_buried(*columns[9:]))
    else:
        sql.executemany(_INSERT, [Row2(*columns).as_row() for columns in rows])
    if rows:
        sql.execute(f"DELETE FROM {table} WHERE seq <= ?", (rows[-1][0],))  # noqa: S608  the same
    sql.execute("COMMIT")
    return bool(rows)


def _text(column: bytes | int | None) -> str | int | None:
    """What is not UTF-8 is damaged already: it gets a checksum that does not fit."""
    try:
        return column.decode() if isinstance(column, bytes) else column
    except UnicodeDecodeError:
        return None
