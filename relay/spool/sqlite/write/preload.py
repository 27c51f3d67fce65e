"""What waits in a spool's file, read in few long steps: while SQLite takes one, other threads may run."""

import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from relay.spool.schedule.chains import Columns, Loaded, load_chains
from relay.spool.schedule.pending_index import ALL_EVENTS
from relay.spool.sqlite.file.connection import connect
from relay.spool.sqlite.file.opening import VERSION

_AT_ONCE: Final = 8192
"""Rows a step. Of fewer, each step would wait longer for its turn at the interpreter than it takes."""
_STEP: Final = (
    "SELECT max(seq), group_concat(seq), group_concat(session), group_concat(flow), group_concat(accepted_at_ms),"
    " group_concat(waiting) FROM"
    " (SELECT seq, session, flow, accepted_at_ms, waiting FROM records WHERE seq > ? ORDER BY seq LIMIT ?)"
)
_FIRST: Final = -(1 << 63)
"""A damaged seq may be below 0, too."""
_numbers: Final = msgspec.json.Decoder(list[int]).decode


def read_waiting(sql: sqlite3.Connection, *, now_s: float, now_ms: int) -> Loaded:
    """The chains of every record.

    Args:
        sql: A spool.
        now_s: Monotonic time.
        now_ms: Wall-clock time at the same moment.

    Raises:
        sqlite3.Error: it cannot be read.
        ValueError: it is damaged; other exceptions may say so, too.
    """
    with closing(_columns(sql)) as pieces:
        return load_chains(pieces, now_s=now_s, now_ms=now_ms)


class ReadAhead:
    """Reads what waits before the spool is opened, without writing anything.

    Args:
        path: The spool's file.
        now_s: Monotonic time.
        now_ms: Wall-clock time at the same moment.
    """

    def __init__(self, path: Path, *, now_s: float, now_ms: int) -> None:
        self._path = path
        self._now_s, self._now_ms = now_s, now_ms
        self.found: Loaded | None = None
        """All of it, once it was read without an error. Worth something only if the file proves to be sound."""

    def read(self) -> None:
        """Read. Raises what `read_waiting` raises, on a file without records or without any sense, too."""
        with closing(connect(self._path, read_only=True)) as sql:
            sql.execute("BEGIN")  # one state of the file for all steps
            if sql.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                return  # what is brought up first may not be all there yet
            self.found = read_waiting(sql, now_s=self._now_s, now_ms=self._now_ms)


def _columns(sql: sqlite3.Connection) -> Generator[Columns]:
    """Piece by piece; the next is fetched while the last is made use of."""

    def fetch(after: int) -> tuple[int | None, str, str, str, str, str]:
        step: tuple[int | None, str, str, str, str, str] = sql.execute(_STEP, (after, _AT_ONCE)).fetchone()
        return step

    with ThreadPoolExecutor(1) as beside:
        after, step = _FIRST, beside.submit(fetch, _FIRST)
        while True:
            upto, *columns = step.result()
            if upto is None:
                return
            if upto <= after:
                raise ValueError("records are out of order")  # else this would never end
            after, step = upto, beside.submit(fetch, upto)
            piece = Columns(*[_numbers(f"[{column}]") for column in columns])
            if min(piece.waiting) < 1 or max(piece.waiting) > ALL_EVENTS:
                # Damaged: found by its checksum when it is leased, and until then one event.
                piece = piece._replace(waiting=[one if 0 < one <= ALL_EVENTS else 1 for one in piece.waiting])
            yield piece
