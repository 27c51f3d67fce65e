"""The spool in PostgreSQL, shared by any number of relays; this is one relay's end of it."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from relay.core.errors import SpoolError, SpoolFullError
from relay.core.model import KEPT_MS, Batch, Binding, NewRecord, Piece, Record, SessionKey, SpoolStats
from relay.spool.contract import MOST_BINDINGS_READ, Burial, Lease, SessionWatcher
from relay.spool.postgres.owner.owned import Heard
from relay.spool.postgres.owner.session_reader import Leased
from relay.spool.postgres.parts import Parts
from relay.spool.postgres.rows import SHARDS as SHARD_COUNT
from relay.spool.postgres.rows import Arriving, shard_of
from relay.spool.postgres.snippets import keep_snippet
from relay.spool.postgres.statements import statement
from relay.spool.postgres.write.announcer import ERASED, SHARDS
from relay.spool.postgres.write.appender import Group
from relay.spool.postgres.write.claims import binding_of
from relay.spool.postgres.write.erasing import ErasedPass
from relay.spool.receipt import Receipt
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.pieces import settled_places

MAX_QUEUED_BYTES: Final = 32 * 1024 * 1024
"""What may wait for the database; over it the spool counts as full."""
_RECORD_BYTES: Final = 350
"""What a row, its index entries and its event ids take beside the body, about."""


class PostgresSpool(Parts):
    """See `relay.spool.contract.Spool`.

    1. What was appended is committed, and synced as the database is set up to, before anybody is told so.
    2. Any relay appends anything; each session is delivered by the one relay that owns its shard.
    3. A database that is away refuses appends after five seconds, stops deliveries, and loses nothing; afterwards all
    goes
       on by itself.
    """

    # ── append ──────────────────────────────────────────────────────────────────────────────────────────────

    def watch(self, watcher: SessionWatcher) -> None:
        """See `Spool.watch`."""
        self.sessions.known.watch(watcher)

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        """See `Spool.append`."""
        size = sum([len(record.body) + _RECORD_BYTES for record in records])
        if size:
            self._check_room(size)
        arriving = [Arriving(record, fingerprint(record.key, self._salt)) for record in records]
        receipt = Receipt()
        if binding is None:
            self._appender.put(arriving, size, receipt)
            return receipt

        def bound(claimed: "asyncio.Future[Binding | None]") -> None:
            error = SpoolError("the relay ends") if claimed.cancelled() else claimed.exception()
            if error is not None:
                receipt.fail(error if isinstance(error, SpoolError) else SpoolError(str(error)))
                return
            self.sessions.renewed(binding, claimed.result())
            if arriving:
                self._appender.put(arriving, size, receipt)
            else:
                receipt.succeed(frozenset())

        self._claims.ask(binding).add_done_callback(bound)
        return receipt

    def _check_room(self, size: int) -> None:
        if self._totals.size_bytes + self._appender.queued_bytes + size > self._max_bytes:
            raise SpoolFullError
        if self._appender.queued_bytes + size > MAX_QUEUED_BYTES:
            raise SpoolFullError("too much waits at once")

    def _appended(self, group: Group) -> None:
        """A group is committed: this relay knows it at once, the others are told."""
        self._totals.own.accepted += group.stored
        if not group.first or not group.stored:
            return  # the next look finds what there is
        self._totals.stored_bytes += sum([len(one.record.body) + _RECORD_BYTES for one in group.records])
        self._owned.add(self._heard(group))
        mine, shards = self._shards.mine, {shard_of(one.session) for one in group.records}
        if self._listens and not shards <= mine.keys():
            self._announcer.tell(group.first)
        if all(self._owned.is_open(shard) for shard in shards & mine.keys()):
            self._arrivals.appended(group.first)

    def _heard(self, group: Group) -> Iterator[Heard]:
        """What of a group is this relay's to deliver, of shards whose rest is known."""
        now_ms, seq = self._clock.now_ms(), group.first
        for (record, session), places in zip(group.records, group.places(), strict=True):
            if self._owned.is_open(shard_of(session)):
                yield Heard(seq, session, record.key.target, now_ms, places)
            seq += len(record.ends)

    # ── lease and settle ────────────────────────────────────────────────────────────────────────────────────

    async def lease(
        self, *, max_sessions: int, linger_s: float = 0.0, holds: Mapping[str, float] | None = None
    ) -> list[Lease]:
        """See `Spool.lease`; sessions of this relay's shards."""
        return await self._reader.lease(max_sessions=max_sessions, linger_s=linger_s, holds=holds)

    def settle(
        self,
        lease: Lease,
        *,
        delivered: Sequence[Piece] = (),
        buried: Sequence[Burial] = (),
        retry_after_s: float = 0.0,
    ) -> bool:
        """See `Spool.settle`."""
        if not isinstance(lease, Leased):
            return False
        epoch = self._shards.mine.get(shard_of(lease.claim.session))
        if epoch is None:
            return False
        places = settled_places(delivered, buried)
        if not self._owned.settle(lease.claim, places, retry_after_s=retry_after_s):
            return False
        last = max(places, default=0)
        self.numbers.left(lease.claim.session, epoch, [one for one in lease.records if one.seq <= last])
        self._settles.put(lease, epoch, delivered=delivered, buried=buried)
        return True

    def is_ours(self, lease: Lease) -> bool:
        """See `Spool.is_ours`: who stood still for longer than a shard is leased may have lost it without a word."""
        return isinstance(lease, Leased) and self._shards.is_valid and self._owned.is_out(lease.claim)

    def _remove_refused(self, session: int, part: int, record: Record) -> None:
        """A record of somebody who was erased while it was under way."""
        epoch = self._shards.mine.get(shard_of(session))
        if epoch is not None:
            self._owned.left(session, record.seq, record.waiting)
            self._settles.put_erased(session, part, record, epoch)
            self.numbers.left(session, epoch, [record])

    # ── users ───────────────────────────────────────────────────────────────────────────────────────────────

    async def bindings(self, most: int = MOST_BINDINGS_READ) -> list[Binding]:
        """See `Spool.bindings`."""
        after_ms = self._clock.now_ms() - KEPT_MS
        return [binding_of(row) for row in await self._claiming.fetch(statement("bindings"), after_ms, most)]

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """See `Spool.erase`; true at every relay that is alive."""
        if user_id is not None:
            self.erased.add(user_id)
        self._forget_here(user_id, session_id)
        return await self._erasing.erase(user_id=user_id, session_id=session_id)

    async def allow(self, user_id: str) -> bool:
        """See `Spool.allow`; the others know it within a second."""
        await self._lookout.look_at_erasures()
        was = user_id in self.erased
        if was:
            await self._erasing.note(user_id=user_id, refused=False)
            await self._lookout.look_at_erasures()
        return was

    def _removed(self, removed: ErasedPass) -> None:
        self._owned.erased(removed.pending)
        self._totals.own.erased += removed.events

    def _forget_here(self, user_id: str | None, session_id: str | None) -> None:
        """Somebody was erased, perhaps by another relay: what was read of them is not sent any more."""
        self._owned.erased(())
        self.sessions.known.forget(user_id=user_id, session_id=session_id)

    def archive(self, batch: Batch) -> None:
        """See `Spool.archive`."""
        self._archiver.put(batch)

    async def keep_snippet(self, hash_: str, source: bytes) -> Mapping[str, bytes]:
        """See `Spool.keep_snippet`."""
        return await keep_snippet(self._chores, hash_, source)

    # ── the others ──────────────────────────────────────────────────────────────────────────────────────────

    def _told(self, what: str) -> None:
        if what == ERASED:
            self._lookout.wake()
        elif what == SHARDS:
            self._heartbeat.wake()

    async def _shards_changed(self) -> None:
        self._arrivals.wake()
        if self._listens:
            await self._announcer.tell_at_once(SHARDS)

    @property
    def shards(self) -> Collection[int]:
        """Those that are this relay's to deliver, now."""
        return self._shards.mine

    def fingerprint(self, key: SessionKey) -> int:
        """What stands for a session in the database; its first six bits are its shard."""
        return fingerprint(key, self._salt)

    async def look(self) -> None:
        """Look now at all that is looked at from time to time: for tests, and before figures are shown.

        Raises:
            SpoolError: the database is away.
        """
        await self._settles.flush()
        await self._lookout.look()
        await self._heartbeat.beat()
        await self._arrivals.look()

    async def until_broken(self) -> str:
        """See `Spool.until_broken`: a database that is away comes back; a part that has ended does not."""
        ends = [asyncio.ensure_future(part.until_ended()) for part in self._working]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for end in ends:
                end.cancel()

    def step_aside(self) -> None:
        """See `Spool.step_aside`: shards of which nothing is in flight are others' at once, the rest follows."""
        self._shards.step_aside()
        self._heartbeat.wake()

    def stranded(self) -> int:
        """See `Spool.stranded`: nothing, while another relay goes on; where all are about to end, each has its own."""
        if self._shards.others_stay:
            return 0
        return self.stats().pending if self._shards.relays < 2 else self._owned.index.pending

    def share(self) -> float:
        """See `Spool.share`: of all sessions, those of this relay's shards."""
        return len(self._shards.mine) / SHARD_COUNT

    def stats(self) -> SpoolStats:
        """See `Spool.stats`: of all relays, of the others as of a second ago."""
        oldest_ms = self._owned.waiter.oldest_accepted_at_ms()
        return self._totals.stats(oldest_accepted_at_ms=oldest_ms, alone=len(self._shards.mine) == SHARD_COUNT)

    def warnings(self) -> list[str]:
        """See `Spool.warnings`."""
        line = self._bounds.exceeded(self._totals.kept, self._clock.now_ms())
        return [] if line is None else [line]

    def problems(self) -> list[str]:
        """See `Spool.problems`."""
        found = [f"spool not writable: {why}" for why in {self._appender.away, self._heartbeat.fault} if why]
        if self._totals.size_bytes + _RECORD_BYTES > self._max_bytes:
            found.append(f"spool full: {self._totals.size_bytes} of {self._max_bytes} bytes")
        return found
