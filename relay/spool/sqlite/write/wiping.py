"""What has left the spool leaves its files: free pages are overwritten with zeros, the WAL is folded and cut off.

SQLite overwrites what is deleted only where that costs no more writing (`secure_delete = FAST`): inside a page that is
written anyway, not in a page that becomes free. So a while after something has left, all free pages are taken into use
by rows of zeros, a few in each transaction, and freed again; then the WAL, which holds pages as they were, is folded
into the file and cut to nothing, and what is left within pages is overwritten (`PageGaps`). An erasure does the same
before it answers.

While another process reads the file in a transaction the WAL cannot be folded. Nobody waits for that process: after
some tries it is gone on with later, every few seconds, until the process has ended; an empty row of zeros remembers it
over a restart.
"""

import logging
import math
import sqlite3
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Final

from relay.core.clock import Clock
from relay.spool.sqlite.file.connection import fold, unless_busy, waiting_briefly
from relay.spool.sqlite.write.page_gaps import PageGaps

WIPE_AFTER_S: Final = 40.0
"""How long what has left may lie in the files."""
STEP_PAGES: Final = 128
"""Pages overwritten in one transaction: a few milliseconds, since appends wait meanwhile."""
TRIES: Final = 50
"""How often in a row another process may be in the way. Each takes a moment (`BRIEFLY_S`): a second in all."""
AGAIN_AFTER_S: Final = 5.0
"""How long it is left alone then, before one more try."""
_FOLDED_EACH: Final = 16
"""Steps, so that the WAL stays as small as it always is, though somebody begins to read."""
_logger = logging.getLogger(__name__)


class Wiping:
    """Belongs to the committing thread, between its transactions."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._gaps = PageGaps(path)
        self._since_s: float | None = None
        self._steps: Generator[bool] | None = None
        self._tries = 0
        """How often in a row another process was in the way."""
        self._not_before_s = -math.inf
        self._is_marked = False
        """Whether the file says that something in it is still to be overwritten."""
        self.pages = 0
        """How many are in use for nothing but zeros, about."""

    def open(self, sql: sqlite3.Connection) -> None:
        """Inside a transaction: give back what the last process left behind, and note if it could not do everything."""
        if sql.execute("DELETE FROM zeros").rowcount:
            self._mark(sql)
            self.note()

    @property
    def is_at_work(self) -> bool:
        """Whether it has begun, and is not done."""
        return self._steps is not None

    def note(self) -> None:
        """Something has left."""
        if self._since_s is None:
            self._since_s = self._clock.monotonic_s()

    def wait_s(self) -> float | None:
        """Seconds until there is something to do; None while there is not."""
        now_s = self._clock.monotonic_s()
        if self._steps is not None:
            return max(0.0, self._not_before_s - now_s)
        return None if self._since_s is None else max(0.0, self._since_s + WIPE_AFTER_S - now_s)

    def step(self, sql: sqlite3.Connection) -> None:
        """Do a little of what is to be done."""
        steps = self._steps or self._begun(sql)
        with waiting_briefly(sql):
            try:
                self._did(sql, is_held_up=next(steps, None))
            except BaseException:
                self._steps = None
                self.note()
                raise

    def _did(self, sql: sqlite3.Connection, *, is_held_up: bool | None) -> None:
        """After a step; None: there was nothing more to do."""
        if is_held_up is None:
            self._steps = None
            if self._is_marked and unless_busy(sql, "DELETE FROM zeros"):
                self._is_marked = False
        elif not is_held_up:
            self._tries = 0
        else:
            self._tries += 1
            if self._tries >= TRIES:
                self._not_before_s = self._clock.monotonic_s() + AGAIN_AFTER_S
                self._put_off(sql)

    def begin_anew(self, sql: sqlite3.Connection) -> None:
        """Begin with everything, also what is not yet due."""
        self._begun(sql)

    def _begun(self, sql: sqlite3.Connection) -> Generator[bool]:
        self._stop(sql)  # what has left since it began may be on pages it has passed
        self._steps = steps = self._wipe(sql)
        self._since_s, self._tries, self._not_before_s = None, 0, -math.inf
        return steps

    def go_on(self, sql: sqlite3.Connection) -> bool:
        """Do a little of what was begun, unless it has been done between two jobs; whether there is more to do now."""
        if self._steps is None or self.wait_s():
            return False
        self.step(sql)
        return self.is_at_work

    def all_of_it(self, sql: sqlite3.Connection) -> None:
        """Do everything now: at the end. If another process is in the way, the next start does the rest."""
        self.begin_anew(sql)
        while self.go_on(sql):
            if self._tries:
                self._stop(sql)
                with waiting_briefly(sql):
                    self._put_off(sql)

    def close(self) -> None:
        """The file is closed."""
        self._gaps.close()

    def _stop(self, sql: sqlite3.Connection) -> None:
        if self._steps is not None:
            with waiting_briefly(sql):
                self._steps.close()
            self._steps = None

    def _put_off(self, sql: sqlite3.Connection) -> None:
        if not self._is_marked:
            _logger.warning("spool: another process uses the file; what has left is overwritten once it has ended")
            with suppress(sqlite3.Error):
                self._mark(sql)

    def _mark(self, sql: sqlite3.Connection) -> None:
        sql.execute("INSERT INTO zeros VALUES (x'')")
        self._is_marked = True

    def _wipe(self, sql: sqlite3.Connection) -> Generator[bool]:
        """In steps; whether one did nothing, since another process is in the way."""
        try:
            # Of a long row so much is on each further page, and what is over, if it is about half a page, in the table:
            # so that the last page is filled to its end, too (fileformat2.html, 1.6).
            size = _pragma(sql, "page_size")
            filled, over = size - 4, size // 2
            left, steps = _pragma(sql, "freelist_count"), 0
            while left > 0 and (free := _pragma(sql, "freelist_count")):
                while steps % _FOLDED_EACH == 0 and not fold(sql):
                    yield True
                some = min(free, STEP_PAGES)
                while not unless_busy(sql, "INSERT INTO zeros VALUES (zeroblob(?))", (some * filled + over,)):
                    yield True
                self.pages += some
                left -= some
                steps += 1
                yield False
        finally:
            if self.pages:
                with suppress(sqlite3.Error):
                    sql.execute("DELETE FROM zeros WHERE length(zeros) > 0")
                    self.pages = 0
        yield from self._gaps.overwrite(sql)


def _pragma(sql: sqlite3.Connection, name: str) -> int:
    value: int = sql.execute(f"PRAGMA {name}").fetchone()[0]
    return value
