"""A file with one table, for looking at what is overwritten in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def plain_file(path: Path) -> Iterator[sqlite3.Connection]:
    """Of small pages, kept as a spool's file is; without a sync."""
    with closing(sqlite3.connect(path, isolation_level=None)) as one:
        one.executescript(
            "PRAGMA page_size = 512; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
            "PRAGMA synchronous = OFF; PRAGMA secure_delete = FAST;"
            "CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB); CREATE TABLE zeros (zeros BLOB NOT NULL)"
        )
        yield one
