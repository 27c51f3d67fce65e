"""Group commit: one thread, one transaction for everything that waits, one fsync.

Guarantees:

1. Jobs are done in the order they were put; a job's result is told only once its transaction is on disk.
2. One job that cannot be done fails alone: its neighbours are committed without it.
3. Nothing a waiter does (cancel, close its connection, raise) reaches the thread.
4. After the disk failed to write or sync, nothing is acknowledged any more until the spool is opened anew: what the
   page cache says then is no proof (the rule of PostgreSQL).
5. One transaction at a time: the next one begins when the loop has told of the last, with all that came meanwhile. To
   begin it at once makes twice as many commits, each half as large, and a commit is most of what a beacon costs.
6. A full disk is not such a failure: what is there can leave, on space kept for that (`Reserve`), and new records are
   taken again as soon as that space can be kept once more.
7. A fault of its own does not end the thread: it counts as such a failure, and whoever waits is told.
8. Where the system lets it the thread goes before the loop's, which strangers may keep busy without an end. It needs a
   CPU for moments only, half a dozen times a commit, and on one core would wait a slice of the scheduler each time.
"""

import asyncio
import logging
import math
import os
import sqlite3
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from relay.core.clock import Clock
from relay.core.errors import SpoolError, SpoolFullError
from relay.spool.sqlite.write.database import Database
from relay.spool.sqlite.write.write_ops import Append, Job, Settled, Work

MAX_RECORDS_PER_COMMIT: Final = 2000
"""Keeps a transaction, and so the wait of who comes next, short."""

_STATEMENT_AT_FAULT: Final = (
    None,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
)
"""Codes that say something about what was to be done, nothing about the disk."""

NICER_BY: Final = 10
"""So much sooner than the loop's thread the scheduler is asked to let the committing one run (`nice`)."""
_SAY_EVERY_S: Final = 60.0
_DISK_FULL: Final = "disk full"
_NO_SPACE: Final = "the disk is full"

_logger = logging.getLogger(__name__)


class Committer:
    """Owns the database from `start` to `stop`."""

    def __init__(self, database: Database, done: Callable[[list[Job]], None], *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._said_full_s = -math.inf
        self._done = done
        self._queue: deque[Job] = deque()
        self._owed: list[Settled] = []
        self._wake = threading.Event()
        self._is_waking = False
        self._is_busy = False
        """From the moment the thread is woken until the loop has told of what it did. The loop's."""
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.broken: str | None = None
        """Why nothing is acknowledged any more."""
        self.refused: str | None = None
        """Why the last commit failed, if it did and the next may not."""

    def start(self) -> None:
        """Begin, telling the running loop of results."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="relay-spool", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Do what was put so far, then end."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def put(self, job: Job, *, now: bool = True) -> None:
        """Hand over a job; without `now` it is done when something else is, or at the next `wake`."""
        self._queue.append(job)
        if now:
            self._wake_soon()

    def _wake_soon(self) -> None:
        """Once the loop has done what it has at hand: the more beacons share a commit, the less each costs."""
        if self._loop is not None and not self._is_waking and not self._is_busy:
            self._is_waking = True
            self._loop.call_soon(self._wake_now)

    def _wake_now(self) -> None:
        self._is_waking = False
        self.wake()

    def wake(self) -> None:
        """Do what is in the queue; if the thread is at work, when it has done that."""
        if not self._is_busy:
            self._is_busy = True
            self._wake.set()

    def _told(self, jobs: list[Job]) -> None:
        self._is_busy = False
        try:
            self._done(jobs)
        finally:
            if self._queue:
                self._wake_soon()

    # ── on the thread ───────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        _go_first()
        while True:
            try:
                self._turn()
            except BaseException as error:  # noqa: BLE001  whatever it is, nobody would hear of it, or of anything else
                self._break(error)
                self._tell([])
            if self._stopping and not self._queue:
                return

    def _turn(self) -> None:
        """Wait for something to do, and do it."""
        if self._wake.wait(None if self.refused or self.broken else self._database.wiping.wait_s()):
            self._wake.clear()
            self._do_next()
            while self._stopping and self._queue:
                self._do_next()
        self._wipe()
        self._shrink()

    def _do_next(self) -> None:
        """Do a group, and tell the loop of it, also if it is empty: it wakes the thread again only then."""
        jobs = self._next_group()
        try:
            if jobs or self._owed:
                jobs = self._do(jobs)
            if self.refused == _DISK_FULL and self._database.reserve.keep():
                self.refused = None
        except BaseException as error:  # noqa: BLE001  see `_run`; those who wait for these jobs are told, too
            _fail(jobs, SpoolError(self._break(error)))
        self._tell(jobs)

    def _break(self, error: BaseException) -> str:
        """It is not known any more what is on disk; the reason for all that comes."""
        _logger.error("spool: a fault of the relay's own on the committing thread", exc_info=error)
        self.broken = self.broken or f"{type(error).__name__}: {error}; open the spool anew"
        return self.broken

    def _tell(self, jobs: list[Job]) -> None:
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._told, jobs)
            except RuntimeError:  # the loop is closed: nobody is left to be told
                self._stopping = True

    def _shrink(self) -> None:
        """Shrink the file step by step while nobody waits; what is left to do is done after the next start."""
        try:
            while not (self._queue or self._stopping or self.broken) and self._database.shrink():
                pass
        except sqlite3.Error as error:
            _logger.warning("spool: cannot shrink: %s", error)

    def _wipe(self) -> None:
        """Overwrite a little of what has left, where that is due."""
        if self._stopping or self.broken or self.refused or self._database.wiping.wait_s() != 0.0:
            return
        try:
            self._database.wiping.step(self._database.sql)
        except (sqlite3.Error, OSError) as error:
            _logger.warning("spool: what has left cannot be overwritten: %s", error)

    def _next_group(self) -> list[Job]:
        jobs: list[Job] = []
        records = 0
        while self._queue and records < MAX_RECORDS_PER_COMMIT:
            if isinstance(self._queue[0], Work) and self._queue[0].alone:
                return jobs or [self._queue.popleft()]
            job = self._queue.popleft()
            records += _size(job)
            jobs.append(job)
        return jobs

    def _do(self, jobs: list[Job]) -> list[Job]:
        """What was done: `jobs`, after what was owed."""
        if self.broken is not None:
            _fail(jobs, SpoolError(self.broken))
            return jobs
        if not _is_alone(jobs):
            jobs = [*self._owed, *jobs]
            self._owed = []
        if self._database.reserve.keep():
            self._commit(jobs, apart=True)
        else:
            self._make_room(jobs)
        return jobs

    def _commit(self, jobs: list[Job], *, apart: bool) -> None:
        """Commit; if a job is at fault, each alone."""
        try:
            self._database.commit(jobs)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and _code(error) not in _STATEMENT_AT_FAULT:
                self._refuse(jobs, error)
            elif apart and len(jobs) > 1:
                for job in jobs:
                    if self.broken is None:
                        self._commit([job], apart=False)
                    else:  # since one before it
                        _fail([job], SpoolError(self.broken))
            else:
                _logger.warning("the spool cannot store something: %s", type(error).__name__, exc_info=True)
                _fail(jobs, SpoolError(f"cannot be stored: {type(error).__name__}"))
        else:
            self.refused = None

    def _make_room(self, jobs: list[Job]) -> None:
        """The disk is full: only what needs no more space is done, what wants more of it is refused."""
        self._database.reserve.release()
        self.refused = _DISK_FULL
        _fail([job for job in jobs if isinstance(job, Append)], SpoolFullError(_NO_SPACE))
        others: list[Job] = [job for job in jobs if not isinstance(job, Append)]
        if others:
            self._commit(others, apart=True)
            self.refused = self.refused or _DISK_FULL
            self._database.fold()

    def _refuse(self, jobs: list[Job], error: sqlite3.Error) -> None:
        code = _code(error)
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        told: SpoolError
        if code == sqlite3.SQLITE_FULL and self._database.reserve.is_kept:
            now_s = self._clock.monotonic_s()
            if now_s - self._said_full_s >= _SAY_EVERY_S:
                self._said_full_s = now_s
                _logger.error("spool: the disk is full; what is here can leave, nothing new is taken")
            self._make_room(jobs)
            return
        if code == sqlite3.SQLITE_FULL:
            self.refused, told = _DISK_FULL, SpoolFullError(_NO_SPACE)
        elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            self.refused, told = "locked by another process", SpoolError("another process is writing to the spool")
        else:
            self.broken = f"{name}: {error}; open the spool anew"
            told = SpoolError(f"the spool cannot be written: {name}")
        _logger.error("spool: commit of %d jobs failed: %s: %s", len(jobs), name, error)
        # What was delivered stays delivered: it is written with the next commit that succeeds.
        owed = [job for job in jobs if isinstance(job, Settled)]
        for job in owed:
            job.missed = {}
        self._owed += owed
        _fail(jobs, told)


def _is_alone(jobs: Sequence[Job]) -> bool:
    return len(jobs) == 1 and isinstance(jobs[0], Work) and jobs[0].alone


def _size(job: Job) -> int:
    """Records a job writes or deletes; any other work counts as one."""
    if isinstance(job, Append):
        return len(job.records)
    return len(job.delivered) + len(job.buried) if isinstance(job, Settled) else 1


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code; None when the error is of Python's module itself."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _fail(jobs: Sequence[Job], error: SpoolError) -> None:
    for job in jobs:
        if not isinstance(job, Settled):
            job.error = error


def _go_first() -> None:
    """This thread before the others of the process: with root, CAP_SYS_NICE, or RLIMIT_NICE (setpriority(2))."""
    if sys.platform == "linux":  # elsewhere the number of a thread is that of some process
        thread = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) - NICER_BY)
