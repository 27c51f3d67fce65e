"""A spool in memory: the same behaviour as the one on disk, but nothing survives the process. For tests and trials."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec

from relay.core.clock import Clock
from relay.core.errors import SpoolFullError
from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.core.model import (
    KEPT_MS,
    Batch,
    Binding,
    NewRecord,
    Operation,
    Piece,
    Record,
    SpoolStats,
    bits,
    event_id_of,
)
from relay.spool.alone import Alone
from relay.spool.contract import BINDING_TTL_S, MOST_BINDINGS_READ, Burial, Lease, SessionWatcher
from relay.spool.receipt import Receipt
from relay.spool.schedule.beacon_numbers import BeaconNumbers
from relay.spool.schedule.bindings import Bindings
from relay.spool.schedule.claims import Claim
from relay.spool.schedule.dedup_window import DedupWindow
from relay.spool.schedule.erased_users import ErasedUsers
from relay.spool.schedule.lease_waiter import LeaseWaiter
from relay.spool.schedule.ledger import Ledger
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.schedule.pieces import may_be_bound, page_key, settled_places, without

_RECORD_BYTES = 300
"""What a record costs beside its body, about."""


class MemorySpool(Alone):
    """See `relay.spool.contract.Spool`; all guarantees hold but those that take a disk."""

    def __init__(
        self,
        *,
        clock: Clock,
        max_bytes: int,
        binding_ttl_s: float = BINDING_TTL_S,
        call_events: int = MAX_EVENTS_PER_CALL,
    ) -> None:
        """Make an empty one.

        Args:
            clock: What time it is.
            max_bytes: What it may hold.
            binding_ttl_s: How long a session that is not used stays bound.
            call_events: Events a call takes: what a lease holds at most.
        """
        self._clock = clock
        self._max_bytes = max_bytes
        self._index = PendingIndex(call_events=call_events)
        self._waiter = LeaseWaiter(self._index, clock)
        self._ledger = Ledger()
        self._dedup = DedupWindow()
        self._records: dict[int, Record] = {}
        self._held: dict[int, int] = {}
        """Keys of the events here, and their records."""
        self._buried: dict[int, tuple[Record, Burial]] = {}
        self._bindings: dict[tuple[str, str], Binding] = {}
        self.erased = ErasedUsers()
        self.numbers = BeaconNumbers()
        self.sessions = Bindings(clock=clock, ttl_s=binding_ttl_s)
        self._snippets: dict[str, bytes] = {}
        self._bytes = 0
        self._last_seq = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def watch(self, watcher: SessionWatcher) -> None:
        """See `Spool.watch`."""
        self.sessions.watch(watcher)

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        """See `Spool.append`."""
        size = sum(len(record.body) + _RECORD_BYTES for record in records)
        if records and self._bytes + size > self._max_bytes:
            raise SpoolFullError
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        repeated: set[tuple[int, int]] = set()
        for index, new in enumerate(records):
            repeats = 0
            for place, key in enumerate(_keys(new)):
                if key is None:
                    continue
                if key in self._dedup or key in self._held:
                    repeats |= 1 << place
                    repeated.add((index, place))
                else:
                    self._dedup.add((key,), now_s)
            kept = without(new, repeats) if repeats else new
            if kept is not None:
                self._store(kept, now_ms, now_s)
        if binding is not None:
            self._bind(binding)
        self._waiter.ring()
        receipt = Receipt()
        receipt.succeed(frozenset(repeated))
        return receipt

    async def lease(
        self, *, max_sessions: int, linger_s: float = 0.0, holds: Mapping[str, float] | None = None
    ) -> list[Lease]:
        """See `Spool.lease`."""
        claims = await self._waiter.claims(max_sessions=max_sessions, linger_s=linger_s, holds=holds)
        return [self._as_lease(claim) for claim in claims]

    def settle(
        self,
        lease: Lease,
        *,
        delivered: Sequence[Piece] = (),
        buried: Sequence[Burial] = (),
        retry_after_s: float = 0.0,
    ) -> bool:
        """See `Spool.settle`."""
        removed = self._index.settle(
            hash(lease.key),
            head=lease.records[0].seq,
            attempt=lease.attempt,
            gone=settled_places(delivered, buried),
            now_s=self._clock.monotonic_s(),
            retry_after_s=retry_after_s,
        )
        if removed is None:
            return False
        burials = {burial.seq + burial.place: burial for burial in buried}
        for seq, places, left in removed:
            record = self._take(seq, places, left)
            for place in bits(places):
                why = burials.get(seq + place)
                if why is None:
                    self._ledger.delivered += 1
                else:
                    self._buried[seq + place] = (record, why)
                    self._ledger.bury(why.reason)
        self._waiter.ring()
        return True

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """See `Spool.erase`."""

        def of_them(record: Record | Binding, session: str) -> bool:
            if session_id is not None:
                page = record.page_session if isinstance(record, Binding) else record.came and record.came.page_session
                return session_id in (session, page)
            return record.user_id == user_id or (
                isinstance(record, Record)
                and record.key.operation is Operation.PUT_USERS
                and msgspec.json.decode(record.body).get("userId") == user_id
            )

        if user_id is not None:
            self.erased.add(user_id)
        self.sessions.forget(user_id=user_id, session_id=session_id)
        erased = 0
        for record in [one for one in self._records.values() if of_them(one, one.key.session_id)]:
            for seq, places, left in self._index.discard(hash(record.key), (record.seq,)):
                self._take(seq, places, left)
                erased += places.bit_count()
        buried = [number for number, (record, _) in self._buried.items() if of_them(record, record.key.session_id)]
        for number in buried:
            del self._buried[number]
        for name in [name for name, binding in self._bindings.items() if of_them(binding, binding.session_id)]:
            del self._bindings[name]
        self._ledger.erased += erased
        self._waiter.ring()
        return erased + len(buried)

    async def bindings(self, most: int = MOST_BINDINGS_READ) -> list[Binding]:
        """See `Spool.bindings`."""
        now_ms = self._clock.now_ms()
        lasting = [binding for binding in self._bindings.values() if binding.expires_at_ms + KEPT_MS > now_ms]
        return sorted(lasting, key=lambda one: -one.expires_at_ms)[:most]

    async def allow(self, user_id: str) -> bool:
        """See `Spool.allow`."""
        was = user_id in self.erased
        self.erased.remove(user_id)
        return was

    def archive(self, batch: Batch) -> None:
        """See `Spool.archive`: there is none."""

    async def keep_snippet(self, hash_: str, source: bytes) -> Mapping[str, bytes]:
        """See `Spool.keep_snippet`: for as long as the process runs."""
        self._snippets[hash_] = source
        return self._snippets

    def stranded(self) -> int:
        """See `Spool.stranded`."""
        return self._index.pending

    async def until_broken(self) -> str:
        """See `Spool.until_broken`: memory never is."""
        await asyncio.get_running_loop().create_future()
        return ""  # not reached: nobody fulfils it

    def stats(self) -> SpoolStats:
        """See `Spool.stats`."""
        return self._ledger.stats(
            pending=self._index.pending,
            size_bytes=self._bytes,
            oldest_accepted_at_ms=self._waiter.oldest_accepted_at_ms(),
        )

    def warnings(self) -> list[str]:
        """See `Spool.warnings`; what is buried here does not outlive the process, so that nobody needs to look."""
        return []

    def problems(self) -> list[str]:
        """See `Spool.problems`."""
        full = self._bytes + _RECORD_BYTES > self._max_bytes
        return [f"spool full: {self._bytes} of {self._max_bytes} bytes"] if full else []

    def _store(self, new: NewRecord, now_ms: int, now_s: float) -> None:
        count = len(new.ends)
        seq, waiting = self._last_seq + 1, (1 << count) - 1
        self._last_seq += count
        self._records[seq] = Record(
            seq, new.key, new.user_id, new.body, new.ends, now_ms, waiting, new.without_item, new.came
        )
        self._bytes += len(new.body) + _RECORD_BYTES
        self._held |= {key: seq for key in _keys(new) if key is not None}
        self._index.add(hash(new.key), new.key.target, seq, waiting, now_s)
        self._ledger.accepted += count

    def _take(self, seq: int, places: int, left: int) -> Record:
        """Some events of a record have left, perhaps all."""
        record = self._records[seq]
        session = hash(page_key(record.key, record.came))
        for place in bits(places):
            self._held.pop(DedupWindow.key(session, event_id_of(record.entry(place))), None)
        if left:
            self._records[seq] = msgspec.structs.replace(record, waiting=left)
        else:
            del self._records[seq]
            self._bytes -= len(record.body) + _RECORD_BYTES
        return record

    def _bind(self, binding: Binding) -> None:
        self._bindings[binding.target, binding.session_id] = binding
        for seq, record in self._records.items():
            if may_be_bound(record) and binding.covers(record.key):
                self._records[seq] = msgspec.structs.replace(record, user_id=binding.user_id)
        self.sessions.saved(binding)

    def _as_lease(self, claim: Claim) -> Lease:
        first = self._records[claim.seqs[0]]
        alike: list[Record] = []
        for seq, waiting in zip(claim.seqs, claim.waiting, strict=True):
            record = self._records[seq]
            if record.user_id != first.user_id:
                break
            alike.append(record if record.waiting == waiting else msgspec.structs.replace(record, waiting=waiting))
        return Lease(first.key, tuple(alike), claim.attempt)


def _keys(new: NewRecord) -> list[int | None]:
    """What stands for each event's id; None where no repeat is to be found."""
    session = hash(page_key(new.key, new.came))
    return [DedupWindow.key(session, event_id) if event_id else None for event_id in new.event_ids]
