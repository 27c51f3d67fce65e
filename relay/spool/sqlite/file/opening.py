"""Opening a spool's file, or making it: marks, versions, schema. What comes out is a file of the present version."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from relay.core.errors import SpoolError, SpoolVersionError
from relay.core.model import Operation
from relay.spool.sqlite.file.connection import connect, lenient_text, make_private
from relay.spool.sqlite.file.rows import crc_of, statement
from relay.spool.sqlite.file.upgrade import upgrade

VERSION: Final = 3
APPLICATION_ID: Final = 0x52656C79  # "Rely"
"""What marks an SQLite file as a spool."""
PAGE_BYTES: Final = 2048
"""Of a new file. A commit writes three pages or so beside its records, and the last of those again next time."""
PAGE_SIZES: Final = (PAGE_BYTES, 4096)
"""Files that 0.1 made keep theirs."""
_WAL_BYTES: Final = 4_000_000
"""So much of it is folded into the file."""


def open_file(path: Path) -> tuple[sqlite3.Connection, bytes]:
    """A connection for writing, and the salt of the spool's fingerprints.

    Raises:
        SpoolVersionError: a newer version wrote it.
        SpoolError: it is not a spool.
        sqlite3.Error: it cannot be opened.
    """
    make_private(path)
    sql = connect(path)
    sql.text_factory = lenient_text
    run = sql.execute
    version = run("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise SpoolVersionError(f"the spool {path} has version {version}, this relay knows up to {VERSION}")
    if version == 0:
        if run("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise SpoolError(f"{path} is a database, but not a spool")
        run(f"PRAGMA page_size = {PAGE_BYTES}")
        run("PRAGMA auto_vacuum = INCREMENTAL")
    run("PRAGMA journal_mode = WAL")
    run("PRAGMA synchronous = FULL")
    run("PRAGMA secure_delete = FAST")
    run(f"PRAGMA wal_autocheckpoint = {_WAL_BYTES // run('PRAGMA page_size').fetchone()[0]}")
    if version == 0:
        make_tables(sql)
        run("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # so that the file says itself what it is
    if run("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise SpoolError(f"{path} is a database, but not a spool")
    run("BEGIN IMMEDIATE")
    if not run("SELECT count(*) FROM salt").fetchone()[0]:
        run("INSERT INTO salt VALUES (?)", (os.urandom(16),))
    salt: bytes = run("SELECT salt FROM salt").fetchone()[0]
    run("COMMIT")
    if 0 < version < VERSION:
        upgrade(sql, version=version, salt=salt)
    return sql, salt


def make_tables(sql: sqlite3.Connection) -> None:
    """Turn an empty file into an empty spool."""
    sql.executescript(
        f"BEGIN IMMEDIATE; {statement('schema')} PRAGMA application_id = {APPLICATION_ID};"
        f"PRAGMA user_version = {VERSION}; COMMIT;"
    )


def read_flows(sql: sqlite3.Connection) -> Iterator[tuple[int, Operation, str]]:
    """Number, operation and target of each flow, of those rows that are what was once written."""
    both = "SELECT flow, crc, operation, target FROM flows UNION SELECT flow, crc, operation, target FROM flows_copy"
    for flow, crc, operation, target in sql.execute(both):
        if crc == crc_of(flow, operation, target) and operation in set(Operation):
            yield flow, Operation(operation), target


def add_flow(sql: sqlite3.Connection, flow: int, operation: Operation, target: str) -> None:
    """Inside a transaction: remember what a number stands for, twice."""
    row = (flow, crc_of(flow, operation.value, target), operation.value, target)
    sql.execute("INSERT OR REPLACE INTO flows VALUES (?, ?, ?, ?)", row)
    sql.execute("INSERT OR REPLACE INTO flows_copy VALUES (?, ?, ?, ?)", row)
