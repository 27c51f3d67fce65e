"""How every connection to a spool file is opened."""

import sqlite3
from pathlib import Path

BUSY_TIMEOUT_S = 5.0
"""How long a write waits for another process that is writing (the command line, leaving an order)."""


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
    return connection
