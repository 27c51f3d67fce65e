"""The spool's file, as the committing thread sees it: opening, and applying jobs inside a transaction.

One instance belongs to one thread. Nothing here knows of asyncio, queues or leases.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import NewRecord, Operation, Record, SessionKey
from relay.spool.receipt import NOTHING_REPEATED
from relay.spool.schedule.chains import Loaded
from relay.spool.schedule.dedup_window import ID_BITS, DedupWindow
from relay.spool.schedule.ledger import BURIED_PREFIX, left
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.schedule.pieces import without
from relay.spool.sqlite.file.binding_table import BindingTable, derived_sessions
from relay.spool.sqlite.file.connection import fold, waiting_briefly
from relay.spool.sqlite.file.erasure_table import erased_now
from relay.spool.sqlite.file.opening import add_flow, open_file, read_flows
from relay.spool.sqlite.file.rows import read_totals, row_of
from relay.spool.sqlite.recovery.recover import mend
from relay.spool.sqlite.write.attach_user import give_user, waiting_for
from relay.spool.sqlite.write.dedup_backfill import DedupBackfill, keys_of
from relay.spool.sqlite.write.leaving import CORRUPT, NotThereError, settle
from relay.spool.sqlite.write.preload import ReadAhead, read_waiting
from relay.spool.sqlite.write.process_lock import ProcessLock
from relay.spool.sqlite.write.reserve import Reserve
from relay.spool.sqlite.write.wiping import Wiping
from relay.spool.sqlite.write.write_ops import Append, Job, Settled, Work

VACUUM_STEP_PAGES: Final = 128
"""Pages given back in one transaction: a few milliseconds, since appends wait meanwhile."""
VACUUM_ABOVE_PAGES: Final = 512
_ROWS_AT_ONCE: Final = 64
_MEASURED_EACH: Final = 8
"""Commits that store something; in between what was stored is added up."""
_logger = logging.getLogger(__name__)


class Database:
    """Records, bindings and the ledger in one SQLite file: WAL, one fsync a commit, every change inside `commit`."""

    def __init__(self, path: Path, *, clock: Clock, lock: ProcessLock) -> None:
        self._path = path
        self._clock = clock
        self._lock = lock
        self.reserve = Reserve(path)
        self.wiping = Wiping(path, clock)
        self.dedup = DedupWindow()
        self.backfill: DedupBackfill
        self.bindings = BindingTable()
        self.flows: dict[int, tuple[Operation, str]] = {}
        """By number. Other threads may read it."""
        self.totals: dict[str, int] = {}
        """The ledger, as records and table on disk give it together."""
        self._saved: dict[str, int] = {}  # the table alone
        self.erased: set[str] = set()
        """Fingerprints of the users who were refused when it was opened."""
        self.last_seq = 0
        self.size_bytes = 0
        self.commits = 0
        self.users_given = 0
        """How often a record that waited got a user."""
        self._page_bytes = self._pages = self._free_pages = 0
        self._loaded: Loaded | None = None
        self.salt = b""
        self.sql: sqlite3.Connection
        """For jobs, inside their transaction."""
        self._flow_numbers: dict[tuple[str, str], int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._fresh: set[int] = set()
        self._new_flows: list[int] = []
        self._looks_first = False

    # ── opening ─────────────────────────────────────────────────────────────────────────────────────────────

    def open(self) -> None:
        """Open or make the file.

        Raises:
            SpoolVersionError: a newer version wrote it.
            SpoolError: it cannot be opened, or is not a spool.
        """
        ahead = ReadAhead(self._path, now_s=self._clock.monotonic_s(), now_ms=self._clock.now_ms())
        try:
            mended = mend(self._path, mark=self._lock.mark(), meanwhile=ahead.read)
            self._loaded = None if mended else ahead.found
            try:
                self._connect()
            except sqlite3.OperationalError:
                self.reserve.release()  # perhaps the disk is full: the WAL's files need some space, too
                self._connect()
        except (sqlite3.Error, OSError) as error:
            raise SpoolError(f"cannot open the spool {self._path}: {error}") from error

    def _connect(self) -> None:
        self.sql, self.salt = open_file(self._path)
        run = self.sql.execute
        self._page_bytes = run("PRAGMA page_size").fetchone()[0]
        self._begin()
        self.bindings.open(self.sql, now_ms=self._clock.now_ms())
        self.wiping.open(self.sql)
        run("COMMIT")
        for number, operation, target in read_flows(self.sql):
            self.flows[number] = (operation, target)
            self._flow_numbers[operation, target] = number
        self.erased = erased_now(self.sql)
        self.totals, self._saved = read_totals(self.sql), {}
        self.reserve.keep()
        self._measure()

    def load(self, index: PendingIndex, now_s: float) -> None:
        """Put every record into the index, and account for what should be here but is not."""
        loaded, self._loaded = self._loaded, None
        if loaded is None:
            loaded = read_waiting(self.sql, now_s=now_s, now_ms=self._clock.now_ms())
        targets = {number: target for number, (_, target) in self.flows.items()}
        index.load(loaded, targets, now_s=now_s)
        self.last_seq = self.totals.get("accepted", 0)
        self._account_for_loss(index.pending)
        self.backfill = DedupBackfill(index, last_seq=self.last_seq, now_s=now_s)
        if index.pending:
            for page, session in derived_sessions(self.sql, salt=self.salt):
                if index.seqs(session, 1):
                    self.backfill.derived(page, session)

    def _account_for_loss(self, found: int) -> None:
        """Compare what is here with the ledger, and the ledger with the mark kept outside; count the difference."""
        beyond = max(0, self._lock.mark() - self.last_seq)
        missing = self.totals.get("accepted", 0) - left(self.totals) - found
        if not beyond and not missing:
            return
        if beyond:
            _logger.error("spool damaged: records %d to %d are gone", self.last_seq + 1, self.last_seq + beyond)
        if missing > 0:
            _logger.error("spool damaged: %d records before %d are gone", missing, self.last_seq + 1)
        self._begin()
        self.last_seq += beyond + max(0, -missing)
        self.totals["accepted"] = self.last_seq
        name = BURIED_PREFIX + CORRUPT
        self.totals[name] = self.totals.get(name, 0) + beyond + max(0, missing)
        self._save_totals()
        self.sql.execute("COMMIT")
        self._saved = dict(self.totals)

    def close(self) -> None:
        """Overwrite what has left, fold the WAL into the file and close it."""
        if self.wiping.wait_s() is not None:
            with suppress(sqlite3.Error, OSError):
                self.wiping.all_of_it(self.sql)
        self.fold()
        self.sql.close()
        self.wiping.close()

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, jobs: Sequence[Job]) -> None:
        """Do all jobs in one transaction, with one fsync. On any error none is done, and the error is raised."""
        if len(jobs) == 1 and isinstance(jobs[0], Work) and jobs[0].alone:
            jobs[0].result = jobs[0].run(self)
            return
        try:
            self._commit(jobs)
        except NotThereError:  # rare, so that nobody else pays for looking first
            self._looks_first = True
            try:
                self._commit(jobs)
            finally:
                self._looks_first = False

    def _commit(self, jobs: Sequence[Job]) -> None:
        totals, seq = dict(self.totals), self.last_seq
        self._rows, self._fresh, self._new_flows = [], set(), []
        self.bindings.begin()
        try:
            self._begin()
            for job in jobs:
                self._apply(job)
            grown = self._flush()
            self.totals["accepted"] = self.totals.get("accepted", 0) + self.last_seq - seq
            # Of what is only stored the records themselves tell, so that no page is written for it.
            saves = not all(isinstance(job, Append) for job in jobs)
            if saves:
                self._save_totals()
            self.sql.execute("COMMIT")
        except BaseException:
            self.totals, self.last_seq = totals, seq
            self.bindings.undo()
            for number in self._new_flows:
                del self._flow_numbers[self.flows.pop(number)]
            if self.sql.in_transaction:
                with suppress(sqlite3.Error):
                    self.sql.execute("ROLLBACK")
            raise
        if saves:
            self._saved = dict(self.totals)
        self.commits += 1
        self.dedup.add(self._fresh, self._clock.monotonic_s())
        if self.last_seq != seq:
            self._lock.raise_mark(self.last_seq)
        if grown and self.commits % _MEASURED_EACH:
            self.size_bytes += grown
        else:
            self._measure()

    def _apply(self, job: Job) -> None:
        if isinstance(job, Append):
            self._append(job)
        elif isinstance(job, Settled):
            self._settle(job)
            self.wiping.note()
        else:
            self.wiping.note()
            self._flush()
            job.result = job.run(self)
            self._flush()

    def _append(self, job: Append) -> None:
        on_disk = self._ids_of(job.older) if job.older else ()
        if job.inherited:
            self._fresh |= self._ids_of(job.inherited)
        stored: list[Record | None] = []
        repeated: set[tuple[int, int]] = set()
        fresh, (young, old) = self._fresh, self.dedup.generations
        for index, new in enumerate(job.records):
            session, page, repeats = job.sessions[index], job.pages[index], 0
            for place, event_id in enumerate(new.event_ids):
                key = hash((page, event_id)) & ID_BITS
                if event_id and (key in fresh or key in young or key in old or key in on_disk):
                    repeats |= 1 << place
                    repeated.add((index, place))
                elif event_id:
                    fresh.add(key)
            kept = without(new, repeats) if repeats else new
            stored.append(None if kept is None else self.store(kept, session=session, at_ms=job.accepted_at_ms))
        job.stored, job.repeated = stored, frozenset(repeated) if repeated else NOTHING_REPEATED
        if job.binding is not None:
            self.bindings.save(job.binding, forgotten=job.forgotten)
            job.given = ()
            if seqs := waiting_for(job, job.binding):
                self._flush()
                job.given = give_user(self.sql, job.binding, seqs)
                self.users_given += len(job.given)

    def store(self, new: NewRecord, *, session: int, at_ms: int) -> Record:
        """Inside a job: a record for it, written before the job's end."""
        flow = self.flow_of(new.key)
        count, seq = len(new.ends), self.last_seq + 1
        self.last_seq += count
        waiting = (1 << count) - 1
        record = Record(seq, new.key, new.user_id, new.body, new.ends, at_ms, waiting, new.without_item, new.came)
        self._rows.append(row_of(record, session=session, flow=flow))
        return record

    def flow_of(self, key: SessionKey) -> int:
        """Inside a job: the number of an operation and a target."""
        return self._flow_numbers.get(key[:2]) or self._new_flow(*key[:2])

    def has_flow(self, operation: Operation, target: str) -> bool:
        """Whether anything of them was ever stored. Other threads may ask."""
        return (operation, target) in self._flow_numbers

    def next_number(self) -> int:
        """Inside a job: the number of one more event, which counts as accepted."""
        self.last_seq += 1
        return self.last_seq

    def _settle(self, job: Settled) -> None:
        self._flush()
        self.leave([gone.seq for gone in job.delivered] + [gone.seq for gone, _ in (*job.buried, *job.lost)])
        for name, count in settle(self.sql, job, flows=self.flows, looks_first=self._looks_first).items():
            self.count(name, count)

    def leave(self, seqs: Sequence[int]) -> None:
        """Inside a job: these records are about to be removed; see `DedupBackfill`."""
        unknown = self.backfill.leaving(seqs, self._clock.monotonic_s())
        if unknown:
            self._fresh |= self._ids_of(unknown)

    def _flush(self) -> int:
        """Write the rows and bindings that wait to be; bytes of the bodies."""
        if self.bindings.write(self.sql, self._clock.now_ms()):
            self.wiping.note()
        rows, self._rows = self._rows, []
        for some in [rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE)]:
            self.sql.execute(_insert("INSERT INTO records", len(some), 10), list(chain.from_iterable(some)))
        return sum([len(row[9]) for row in rows])

    def _begin(self) -> None:
        # IMMEDIATE: a read that turns into a write fails at once, whatever the timeout, if somebody wrote meanwhile.
        self.sql.execute("BEGIN IMMEDIATE")

    def count(self, name: str, n: int) -> None:
        """Inside a job: add to a total of the ledger."""
        if n:
            self.totals[name] = self.totals.get(name, 0) + n

    def _save_totals(self) -> None:
        changed = {name: count for name, count in self.totals.items() if self._saved.get(name) != count}
        if changed:
            self.sql.execute(_insert("INSERT OR REPLACE INTO ledger", len(changed), 2), [*chain(*changed.items())])

    def _new_flow(self, operation: Operation, target: str) -> int:
        number = max(self.flows, default=0) + 1
        add_flow(self.sql, number, operation, target)
        self.flows[number] = (operation, target)
        self._flow_numbers[operation, target] = number
        self._new_flows.append(number)
        return number

    def _ids_of(self, seqs: Sequence[int]) -> set[int]:
        return keys_of(self.sql, seqs, flows=self.flows, salt=self.salt)

    def fold(self) -> None:
        """Fold the WAL into the file now, and give its space back, as far as possible without waiting for others."""
        with suppress(sqlite3.Error), waiting_briefly(self.sql):
            fold(self.sql)

    def _measure(self) -> None:
        run = self.sql.execute
        self._free_pages = run("PRAGMA freelist_count").fetchone()[0]
        self._pages = run("PRAGMA page_count").fetchone()[0]
        self.size_bytes = (self._pages - self._free_pages - self.wiping.pages) * self._page_bytes

    def shrink(self) -> bool:
        """Give a little of what is free back to the file system; whether there is more to give.

        A quarter of the file, at least a megabyte, is kept. Not while `wiping` is at work: pages would move past it.
        """
        if self.wiping.is_at_work or self._free_pages <= max(VACUUM_ABOVE_PAGES, self._pages // 4):
            return False
        # A script, since it works only as far as it is stepped: `execute` stops after one page.
        self.sql.executescript(f"PRAGMA incremental_vacuum({VACUUM_STEP_PAGES})")
        self._measure()
        return True


@cache
def _insert(into: str, rows: int, columns: int) -> str:
    """One statement for many rows: after each, the loop's thread may keep the interpreter for milliseconds."""
    row = f"({', '.join(['?'] * columns)})"
    return f"{into} VALUES {', '.join([row] * rows)}"
