"""A spool in memory: the same behaviour as the one on disk, but nothing survives the process. For tests and trials."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec

from relay.core.clock import Clock
from relay.core.errors import SpoolFullError
from relay.core.model import Binding, NewRecord, Operation, Record, SpoolStats
from relay.spool.contract import MOST_BINDINGS_READ, Burial, Lease
from relay.spool.receipt import Receipt
from relay.spool.schedule.claims import Claim
from relay.spool.schedule.dedup_window import DedupWindow
from relay.spool.schedule.lease_waiter import LeaseWaiter
from relay.spool.schedule.ledger import Ledger
from relay.spool.schedule.pending_index import PendingIndex

_RECORD_BYTES = 300
"""What a record costs beside its body, about."""


class MemorySpool:
    """See `relay.spool.contract.Spool`; all guarantees hold but those that take a disk."""

    def __init__(self, *, clock: Clock, max_bytes: int) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._index = PendingIndex()
        self._waiter = LeaseWaiter(self._index, clock)
        self._ledger = Ledger()
        self._dedup = DedupWindow()
        self._records: dict[int, Record] = {}
        self._held: set[int] = set()
        self._buried: dict[int, tuple[Record, Burial]] = {}
        self._bindings: dict[tuple[str, str], Binding] = {}
        self._bytes = 0
        self._last_seq = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        """See `Spool.append`."""
        size = sum(len(record.body) + _RECORD_BYTES for record in records)
        if records and self._bytes + size > self._max_bytes:
            raise SpoolFullError
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        duplicates: set[int] = set()
        for position, new in enumerate(records):
            session = hash(new.key)
            key = DedupWindow.key(session, new.event_id)
            if key in self._dedup or key in self._held:
                duplicates.add(position)
                continue
            self._dedup.add((key,), now_s)
            self._held.add(key)
            self._last_seq += 1
            self._store(Record(self._last_seq, new.key, new.user_id, new.event_id, new.body, now_ms))
            self._index.add(session, new.key.target, (self._last_seq,), now_s)
        self._ledger.accepted += len(records) - len(duplicates)
        if binding is not None:
            self._bind(binding)
        self._waiter.ring()
        stored = Receipt()
        stored.succeed(frozenset(duplicates))
        return stored

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
        delivered: Sequence[int] = (),
        buried: Sequence[Burial] = (),
        retry_after_s: float = 0.0,
    ) -> bool:
        """See `Spool.settle`."""
        gone = {*delivered, *(burial.seq for burial in buried)}
        removed = self._index.settle(
            hash(lease.key),
            head=lease.records[0].seq,
            attempt=lease.attempt,
            gone=gone,
            now_s=self._clock.monotonic_s(),
            retry_after_s=retry_after_s,
        )
        if removed is None:
            return False
        burials = {burial.seq: burial for burial in buried}
        for seq in removed:
            record = self._take(seq)
            if seq in burials:
                self._buried[seq] = (record, burials[seq])
                self._ledger.bury(burials[seq].reason)
            else:
                self._ledger.delivered += 1
        self._waiter.ring()
        return True

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """See `Spool.erase`."""

        def of_them(record: Record | Binding, session: str) -> bool:
            if session_id is not None:
                return session == session_id
            return record.user_id == user_id or (
                isinstance(record, Record)
                and record.key.operation is Operation.PUT_USERS
                and msgspec.json.decode(record.body).get("userId") == user_id
            )

        pending = [record for record in self._records.values() if of_them(record, record.key.session_id)]
        for record in pending:
            self._index.discard(hash(record.key), {record.seq})
            self._take(record.seq)
        buried = [seq for seq, (record, _) in self._buried.items() if of_them(record, record.key.session_id)]
        for seq in buried:
            del self._buried[seq]
        for name in [name for name, binding in self._bindings.items() if of_them(binding, binding.session_id)]:
            del self._bindings[name]
        self._ledger.erased += len(pending)
        self._waiter.ring()
        return len(pending) + len(buried)

    async def bindings(self, most: int = MOST_BINDINGS_READ) -> list[Binding]:
        """See `Spool.bindings`."""
        now_ms = self._clock.now_ms()
        lasting = [binding for binding in self._bindings.values() if binding.expires_at_ms > now_ms]
        sessions = sorted((one for one in lasting if one.site < "~"), key=lambda one: -one.expires_at_ms)
        return [one for one in lasting if one.site >= "~"] + sessions[:most]

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

    def _store(self, record: Record) -> None:
        self._records[record.seq] = record
        self._bytes += len(record.body) + _RECORD_BYTES

    def _take(self, seq: int) -> Record:
        record = self._records.pop(seq)
        self._bytes -= len(record.body) + _RECORD_BYTES
        self._held.discard(DedupWindow.key(hash(record.key), record.event_id))
        return record

    def _bind(self, binding: Binding) -> None:
        self._bindings[binding.site, binding.session_id] = binding
        for seq, record in self._records.items():
            if record.user_id is None and binding.covers(record.key):
                self._records[seq] = msgspec.structs.replace(record, user_id=binding.user_id)

    def _as_lease(self, claim: Claim) -> Lease:
        first = self._records[claim.seqs[0]]
        alike = [self._records[seq] for seq in claim.seqs]
        for position, record in enumerate(alike):
            if record.user_id != first.user_id:
                del alike[position:]
                break
        return Lease(first.key, tuple(alike), claim.attempt)
