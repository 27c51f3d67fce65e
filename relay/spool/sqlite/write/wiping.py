"""What has left the spool leaves its files: free pages are overwritten with zeros, the WAL is folded and cut off.

SQLite overwrites what is deleted only where that costs no more writing (`secure_delete = FAST`): inside a page that is
written anyway, not in a page that becomes free. So a while after something has left, all free pages are taken into use
by rows of zeros, a few in each transaction, and freed again; then the WAL, which holds pages as they were, is folded
into the file and cut to nothing, and what is left within pages is overwritten (`PageGaps`). An erasure does the same
before it answers.
"""

import sqlite3
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Final

from relay.core.clock import Clock
from relay.spool.sqlite.write.page_gaps import PageGaps

WIPE_AFTER_S: Final = 40.0
"""How long what has left may lie in the files."""
STEP_PAGES: Final = 128
"""Pages overwritten in one transaction: a few milliseconds, since appends wait meanwhile."""


class Wiping:
    """Belongs to the committing thread, between its transactions."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._gaps = PageGaps(path)
        self._since_s: float | None = None
        self._steps: Generator[None] | None = None
        self.pages = 0
        """How many are in use for nothing but zeros, about."""

    def note(self) -> None:
        """Something has left."""
        if self._since_s is None:
            self._since_s = self._clock.monotonic_s()

    def wait_s(self) -> float | None:
        """Seconds until there is something to do; None while there is not."""
        if self._steps is not None:
            return 0.0
        return None if self._since_s is None else max(0.0, self._since_s + WIPE_AFTER_S - self._clock.monotonic_s())

    def step(self, sql: sqlite3.Connection) -> bool:
        """Do a little of what is to be done; whether there is more."""
        if self._steps is None:
            self._since_s = None
            self._steps = self._wipe(sql)
        if next(self._steps, True) is True:
            self._steps = None
        return self._steps is not None

    def begin_anew(self, sql: sqlite3.Connection) -> None:
        """Begin with everything, also what is not yet due."""
        if self._steps is not None:  # what has left since it began may be on pages it has passed
            self._steps.close()
        self._since_s, self._steps = None, self._wipe(sql)

    def go_on(self, sql: sqlite3.Connection) -> bool:
        """Do a little of what was begun, unless it has been done between two jobs; whether there is more."""
        return self._steps is not None and self.step(sql)

    def all_of_it(self, sql: sqlite3.Connection) -> None:
        """Do everything now: at the end, when nobody waits."""
        self.begin_anew(sql)
        while self.go_on(sql):
            pass

    def close(self) -> None:
        """The file is closed."""
        self._gaps.close()

    def _wipe(self, sql: sqlite3.Connection) -> Generator[None]:
        try:
            # Of a long row so much is on each further page, and what is over, if it is about half a page, in the table:
            # so that the last page is filled to its end, too (fileformat2.html, 1.6).
            size = _pragma(sql, "page_size")
            filled, over = size - 4, size // 2
            left = _pragma(sql, "freelist_count")
            while left > 0 and (free := _pragma(sql, "freelist_count")):
                some = min(free, STEP_PAGES)
                sql.execute("INSERT INTO zeros VALUES (zeroblob(?))", (some * filled + over,))
                self.pages += some
                left -= some
                yield
        finally:
            if self.pages:
                with suppress(sqlite3.Error):
                    sql.execute("DELETE FROM zeros")
                    self.pages = 0
        yield from self._gaps.overwrite(sql)


def _pragma(sql: sqlite3.Connection, name: str) -> int:
    value: int = sql.execute(f"PRAGMA {name}").fetchone()[0]
    return value
