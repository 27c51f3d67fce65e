"""Bringing a spool of an older version up to the present one, in the transaction of the caller."""

import re
import sqlite3
from typing import Final

from relay.spool.sqlite.file.binding_table import slot_of
from relay.spool.sqlite.file.rows import crc_of, statement

_TABLE: Final = re.compile(r"^CREATE TABLE (\w+) .*?;$", re.DOTALL | re.MULTILINE)


def upgrade(sql: sqlite3.Connection, *, salt: bytes) -> None:
    """From version 1 to 2, inside a transaction; sets the version.

    What has no checksum yet is taken at its word, for there is nothing to judge it by.

    Args:
        sql: A spool of version 1.
        salt: The spool's.
    """
    tables = {match[1]: match[0] for match in _TABLE.finditer(statement("schema"))}
    sql.create_function("crc_of", -1, lambda *columns: crc_of(*map(_text, columns)), deterministic=True)
    sql.create_function("slot_of", 2, lambda *columns: slot_of(*map(_text, columns), salt=salt), deterministic=True)
    sql.execute("DROP INDEX bindings_by_expiry")
    sql.execute("ALTER TABLE flows RENAME TO flows_1")
    sql.execute("ALTER TABLE bindings RENAME TO bindings_1")
    for name in ("flows", "flows_copy", "bindings"):
        sql.execute(tables[name])
    for one in statement("upgrade_2").split(";\n"):
        sql.execute(one)
    sql.execute("PRAGMA user_version = 2")


def _text(column: bytes | int | None) -> str | int | None:
    """What is not UTF-8 is damaged already: it gets a checksum that does not fit."""
    try:
        return column.decode() if isinstance(column, bytes) else column
    except UnicodeDecodeError:
        return None
