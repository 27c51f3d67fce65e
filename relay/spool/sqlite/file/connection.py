"""How every connection to a spool file is opened."""

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

BUSY_TIMEOUT_S = 5.0
"""How long a write waits for another process that is writing (the command line, leaving an order)."""

BRIEFLY_S = 0.02
"""How long what can be done later waits for another process, since appends wait with it."""


def lenient_text(text: bytes) -> str:
    """For `text_factory`: damaged text is read, and its record found damaged, instead of failing whoever comes by."""
    return text.decode(errors="replace")


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection without implicit transactions; to be used on one thread at a time."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_S,
        cached_statements=128,  # the writer's have as many shapes as there are numbers of rows
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA secure_delete = FAST")  # of this connection only, not of the file
    return connection


@contextmanager
def waiting_briefly(sql: sqlite3.Connection) -> Generator[None]:
    """Inside, nothing that another process is in the way of waits for longer than a moment."""
    sql.execute(f"PRAGMA busy_timeout = {BRIEFLY_S * 1000:.0f}").fetchall()
    try:
        yield
    finally:
        sql.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}").fetchall()


def unless_busy(sql: sqlite3.Connection, statement: str, values: Sequence[int] = ()) -> bool:
    """Run a statement; False if another process is in its way."""
    try:
        sql.execute(statement, values)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def fold(sql: sqlite3.Connection) -> bool:
    """Fold the WAL into the file and cut it to nothing; False if another process is in the way."""
    busy: int = sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def make_private(path: Path) -> None:
    """Make the file if it is not there; it and what SQLite keeps beside it are for the relay's user only.

    Only while this process has no connection to it: to close a file drops all of SQLite's locks on it.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError, PermissionError):  # somebody else's file is as private as they made it
            path.with_name(path.name + suffix).chmod(0o600)
