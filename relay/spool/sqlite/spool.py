"""The durable spool: one SQLite file (`Database`), written by one thread (`Committer`); `PendingIndex` says whose turn.

Beside the guarantees of `relay.spool.contract`, of `Committer` (groups, failing disks) and `DedupBackfill` (retries):

1. A duplicate is reported only once its first copy is on disk.
2. Damage is found (a checksum in every record, the ledger, a mark outside the file), counted as buried for `corrupt`
   and logged; what is intact is delivered. It never stops the start.
3. A second process is refused (`SpoolLockedError`), a file of a newer version too (`SpoolVersionError`); an older one
   is brought up to this one.
4. Over `max_bytes` nothing is taken, and everything else goes on.
5. Giving disk space back blocks an append for one step of 128 pages at most, and the end of the process not at all.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from relay.archive.archive import Archive
from relay.core.clock import Clock
from relay.core.errors import SpoolError, SpoolFullError
from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.core.model import Batch, Binding, NewRecord, Piece, SpoolStats
from relay.spool.alone import Alone
from relay.spool.contract import BINDING_TTL_S, MOST_BINDINGS_READ, Burial, Lease, SessionWatcher
from relay.spool.receipt import Receipt
from relay.spool.schedule.beacon_numbers import BeaconNumbers
from relay.spool.schedule.bindings import Bindings
from relay.spool.schedule.buried_bounds import BuriedBounds
from relay.spool.schedule.erased_users import ErasedUsers
from relay.spool.schedule.lease_waiter import LeaseWaiter
from relay.spool.schedule.ledger import Ledger
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.sqlite.admin.buried_watch import BuriedWatch
from relay.spool.sqlite.admin.control_listener import ControlListener
from relay.spool.sqlite.admin.erasures import Erasures
from relay.spool.sqlite.admin.inspection import explained
from relay.spool.sqlite.file.binding_table import read_bindings
from relay.spool.sqlite.kept_snippets import keep_snippet
from relay.spool.sqlite.read.leasing import Leasing
from relay.spool.sqlite.read.reader import Reader
from relay.spool.sqlite.read.record_cache import RecordCache
from relay.spool.sqlite.write.ack_buffer import AckBuffer
from relay.spool.sqlite.write.attach_user import AttachUser
from relay.spool.sqlite.write.committer import Committer
from relay.spool.sqlite.write.database import Database
from relay.spool.sqlite.write.process_lock import ProcessLock
from relay.spool.sqlite.write.settling import Settling
from relay.spool.sqlite.write.write_ops import Append, Job, Settled, Work, append_of

T = TypeVar("T")

MAX_QUEUED_BYTES: Final = 32 * 1024 * 1024
"""What may wait for the committing thread; over it the spool counts as full."""
_RECORD_BYTES: Final = 150
"""What a row takes on disk beside its body, about."""
_logger = logging.getLogger(__name__)


class SqliteSpool(Alone):
    """See `relay.spool.contract.Spool`."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        max_bytes: int,
        bounds: BuriedBounds | None = None,
        binding_ttl_s: float = BINDING_TTL_S,
        archive_bytes: int = 0,
        call_events: int = MAX_EVENTS_PER_CALL,
    ) -> None:
        """Take the settings; the file is opened on entering.

        Args:
            path: The file; others are beside it.
            clock: What time it is.
            max_bytes: What it may hold.
            bounds: Over which of these a person should look at what is buried.
            binding_ttl_s: How long a session that is not used stays bound.
            archive_bytes: What the archive beside it may hold; 0: it gets no more, but is still erased from.
            call_events: Events a call takes: what a lease holds at most.
        """
        self._path = path
        self._clock = clock
        self._max_bytes = max_bytes
        self._lock = ProcessLock(path)
        self._database = Database(path, clock=clock, lock=self._lock)
        self._committer = Committer(self._database, self._done, clock=clock)
        self._reader = Reader(path)
        self._index = PendingIndex(call_events=call_events)
        self._waiter = LeaseWaiter(self._index, clock)
        self._cache = RecordCache()
        self._ledger = Ledger()
        self._attach_user = AttachUser(self._index, has_flow=self._database.has_flow)
        self._queued_bytes = 0
        self._refused: str | None = None
        """Why nothing was taken, as of the last commit."""
        self._acks = AckBuffer(self._committer, self._ledger, clock)
        self._settling = Settling(
            self._database, index=self._index, cache=self._cache, acks=self._acks, waiter=self._waiter, clock=clock
        )
        self._leasing = Leasing(
            index=self._index,
            waiter=self._waiter,
            cache=self._cache,
            reader=self._reader,
            flows=self._database.flows,
            clock=clock,
            damaged=self._settling.bury_damaged,
        )
        self.numbers = BeaconNumbers()
        self.sessions = Bindings(clock=clock, ttl_s=binding_ttl_s, notes_forgotten=True)
        self._archive = Archive(path, max_bytes=archive_bytes, clock=clock)
        self._erasures = Erasures(
            path,
            self._database,
            work=self.work,
            reader=self._reader,
            index=self._index,
            cache=self._cache,
            ledger=self._ledger,
            sessions=self.sessions,
            archive=self._archive,
            clock=clock,
        )
        self.commands = ControlListener(
            work=self.work,
            erase=self.erase,
            discard_waiting=self._erasures.discard_waiting,
            index=self._index,
            ledger=self._ledger,
            reader=self._reader,
            clock=clock,
        )
        self.buried_watch = BuriedWatch(self._reader, bounds or BuriedBounds(), do=self.commands.discard, clock=clock)
        self._stack = AsyncExitStack()
        self._broke = asyncio.Event()
        self._damaged_bindings = 0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.enter_context(self._lock)
            await stack.enter_async_context(self._archive)
            await asyncio.get_running_loop().run_in_executor(None, self._open)
            stack.callback(self._database.close)
            await stack.enter_async_context(self._reader)
            self._committer.start()
            stack.push_async_callback(self._stop)
            self.sessions.load(await self.bindings())
            await stack.enter_async_context(self.commands)
            await stack.enter_async_context(self.buried_watch)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _open(self) -> None:
        self._database.open()
        with explained(self._path):
            self._database.load(self._index, self._clock.monotonic_s())
        self._ledger.load(self._database.totals)
        self._erasures.erased = ErasedUsers(self._database.erased)

    async def _stop(self) -> None:
        await self._leasing.close()
        self._acks.hand_over()
        await self._committer.stop()

    # ── append ──────────────────────────────────────────────────────────────────────────────────────────────

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        """See `Spool.append`."""
        size = sum([len(record.body) + _RECORD_BYTES for record in records])
        if size:
            self._check_room(size)
        now_s, salt = self._clock.monotonic_s(), self._database.salt
        job = append_of(records, binding, salt=salt, size=size, now_s=now_s, now_ms=self._clock.now_ms())
        self._database.backfill.find(job, now_s)
        if binding is not None:
            job.forgotten, job.held = self.sessions.forgotten(), self.sessions.held(binding)
            self._attach_user.find(job, binding, salt)
        self._attach_user.put(job)
        self._queued_bytes += size
        self._acks.hand_over()
        self._committer.put(job)
        return job.receipt

    def _check_room(self, size: int) -> None:
        if self._committer.broken:
            raise SpoolError(self._committer.broken)
        if self._database.size_bytes + self._queued_bytes + size > self._max_bytes:
            raise SpoolFullError
        if self._queued_bytes + size > MAX_QUEUED_BYTES or not self._index.has_room:
            raise SpoolFullError("too much waits at once")

    def _done(self, jobs: list[Job]) -> None:
        """The thread has done these."""
        refused = self._committer.refused
        if self._refused and not refused and not self._committer.broken:
            _logger.warning("spool: no longer %s; events are taken again", self._refused)
        self._refused = refused
        if self._committer.broken:
            self._broke.set()
        for job in jobs:
            if isinstance(job, Append):
                self._appended(job)
            elif isinstance(job, Settled):
                self._acks.correct(job)
            elif job.error is not None:
                if not job.done.done():
                    job.done.set_exception(job.error)
            else:
                if job.then is not None:
                    job.then(job.result)
                if not job.done.done():
                    job.done.set_result(job.result)
        self._waiter.ring()

    def _appended(self, job: Append) -> None:
        self._queued_bytes -= job.size
        self._attach_user.done(job)
        if job.error is not None:
            self.sessions.give_back(job.forgotten)
            job.receipt.fail(job.error)
            return
        for index, stored in enumerate(job.stored):
            if stored is not None:
                self._index.add(job.sessions[index], stored.key.target, stored.seq, stored.waiting, job.accepted_s)
                self._cache.put(stored)
                self._ledger.accepted += len(stored.ends)
        if job.binding is not None:
            self.sessions.saved(job.binding, job.held)
            for seq in job.given:
                self._cache.give_user(seq, job.binding.user_id)
            self._leasing.got_user(job.given)
        if job.inherited:
            self._database.backfill.are_known({*job.sessions, *job.pages})
        job.receipt.succeed(job.repeated)

    # ── lease and settle ────────────────────────────────────────────────────────────────────────────────────

    async def lease(
        self, *, max_sessions: int, linger_s: float = 0.0, holds: Mapping[str, float] | None = None
    ) -> list[Lease]:
        """See `Spool.lease`."""
        return await self._leasing.lease(max_sessions=max_sessions, linger_s=linger_s, holds=holds)

    def settle(
        self,
        lease: Lease,
        *,
        delivered: Sequence[Piece] = (),
        buried: Sequence[Burial] = (),
        retry_after_s: float = 0.0,
    ) -> bool:
        """See `Spool.settle`."""
        return self._settling.settle(lease, delivered=delivered, buried=buried, retry_after_s=retry_after_s)

    # ── the rest ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def erased(self) -> ErasedUsers:
        """See `Spool.erased`."""
        return self._erasures.erased

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """See `Spool.erase`."""
        return await self._erasures.erase(user_id=user_id, session_id=session_id)

    async def allow(self, user_id: str) -> bool:
        """See `Spool.allow`."""
        return await self._erasures.allow(user_id)

    def watch(self, watcher: SessionWatcher) -> None:
        """See `Spool.watch`."""
        self.sessions.watch(watcher)

    def archive(self, batch: Batch) -> None:
        """See `Spool.archive`."""
        self._archive.add(batch)

    async def keep_snippet(self, hash_: str, source: bytes) -> Mapping[str, bytes]:
        """See `Spool.keep_snippet`."""
        return await asyncio.to_thread(keep_snippet, self._path, hash_, source)

    def stranded(self) -> int:
        """See `Spool.stranded`."""
        return self._index.pending

    async def work(
        self, run: Callable[[Database], T], then: Callable[[T], object] | None = None, *, alone: bool = False
    ) -> T:
        """Run something on the committing thread, inside a transaction, after all that was put before.

        `then` gets the result on the loop, even if the caller has been cancelled. Raises `SpoolError`.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._acks.hand_over()
        self._committer.put(Work(run, done=done, then=then, alone=alone))
        return await done

    async def until_broken(self) -> str:
        """Wait until the disk fails to write or sync; why. From then on only opening the spool anew helps."""
        await self._broke.wait()
        return self._committer.broken or ""

    async def bindings(self, most: int = MOST_BINDINGS_READ) -> list[Binding]:
        """See `Spool.bindings`."""
        found = await self._reader.run(partial(read_bindings, now_ms=self._clock.now_ms(), most=most))
        if found.damaged:
            self._damaged_bindings += len(found.damaged)
            await self.work(lambda database: database.bindings.forget_damaged(database.sql, found.damaged))
        return found.bindings

    def stats(self) -> SpoolStats:
        """See `Spool.stats`."""
        return self._ledger.stats(
            pending=self._index.pending,
            size_bytes=self._database.size_bytes,
            oldest_accepted_at_ms=self._waiter.oldest_accepted_at_ms(),
            damaged_bindings=self._damaged_bindings,
            kept=self.buried_watch.kept,
        )

    def warnings(self) -> list[str]:
        """See `Spool.warnings`."""
        return self.buried_watch.warnings()

    def problems(self) -> list[str]:
        """See `Spool.problems`."""
        found: list[str] = []
        if why := self._committer.broken or self._committer.refused:
            found.append(f"spool not writable: {why}")
            self._committer.wake()  # see whether it still is so: who is not ready gets no appends that would tell
        if self._database.size_bytes + _RECORD_BYTES > self._max_bytes:
            found.append(f"spool full: {self._database.size_bytes} of {self._max_bytes} bytes")
        return found
