"""From claims to leases: the records behind the numbers, from the cache or from the disk, checked.

A claim becomes a lease in the very step that hands it out. Whoever waits may give up while it is being read; what is
erased or bound until somebody asks again is then not handed out as it was read, and the lease's minute begins then.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import Record
from relay.spool.contract import Lease
from relay.spool.schedule.claims import Claim
from relay.spool.schedule.lease_waiter import LeaseWaiter
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.sqlite.file.rows import Flows, RecordRow
from relay.spool.sqlite.read.reader import Reader
from relay.spool.sqlite.read.record_cache import RecordCache

_RETRY_READ_S: Final = 1.0
_logger = logging.getLogger(__name__)


class Leasing:
    """Makes leases of one spool file.

    Args:
        index: Where claims come from and go back to.
        waiter: Where to wait for them.
        cache: Looked into first.
        reader: Asked for the rest.
        flows: Operation and target by number.
        clock: For retry times.
        damaged: Told of each record that is broken or gone: session, seq, and whether there is something to keep.
    """

    def __init__(
        self,
        *,
        index: PendingIndex,
        waiter: LeaseWaiter,
        cache: RecordCache,
        reader: Reader,
        flows: Flows,
        clock: Clock,
        damaged: Callable[[int, int, bool], None],
    ) -> None:
        self._index = index
        self._waiter = waiter
        self._cache = cache
        self._reader = reader
        self._flows = flows
        self._clock = clock
        self._damaged = damaged
        self._reading: asyncio.Task[None] | None = None
        self._ahead: deque[tuple[Claim, Mapping[int, RecordRow | None]]] = deque()
        """Claims nobody has yet, and the rows of them that were not in the cache."""
        self._changed: set[int] = set()
        """Read, perhaps, before they got a user."""
        self._seen_missing: set[int] = set()

    async def close(self) -> None:
        """Wait for a read that is under way."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    async def lease(
        self, *, max_sessions: int, linger_s: float = 0.0, holds: Mapping[str, float] | None = None
    ) -> list[Lease]:
        """See `Spool.lease`."""
        while not (leases := self._hand_out(max_sessions)):
            if self._reading is not None:
                # Whoever gives up waiting leaves what is being read to the next caller.
                await asyncio.shield(self._reading)
                continue
            claims = await self._waiter.claims(max_sessions=max_sessions, linger_s=linger_s, holds=holds)
            if not self._ahead:
                if (at_hand := self._at_hand(claims)) is not None:
                    return at_hand
                self._changed.clear()
            absent = [seq for claim in claims for seq in claim.seqs if self._cache.get(seq) is None]
            if absent:
                self._reading = asyncio.create_task(self._read(claims, absent))
                self._reading.add_done_callback(_retrieve)
            else:
                self._ahead += [(claim, {}) for claim in claims]
        return leases

    def got_user(self, seqs: Iterable[int]) -> None:
        """These records of the file have got a user."""
        if self._reading is not None or self._ahead:
            self._changed.update(seqs)

    def _at_hand(self, claims: Sequence[Claim]) -> list[Lease] | None:
        """Leases of claims made in this very step, if all their records are in the cache: nothing to check again."""
        get = self._cache.get
        leases: list[Lease] = []
        for _, attempt, seqs, waiting in claims:
            records: list[Record] = []
            for seq, here in zip(seqs, waiting, strict=True):
                record = get(seq)
                if record is None:
                    return None
                if records and (record.user_id != records[0].user_id or record.key != records[0].key):
                    break
                records.append(record if record.waiting == here else replace(record, waiting=here))
            leases.append(Lease(records[0].key, tuple(records), attempt))
        return leases

    def _hand_out(self, most: int) -> list[Lease]:
        leases: list[Lease] = []
        while self._ahead and len(leases) < most:
            claim, rows = self._ahead.popleft()
            if not self._changed.isdisjoint(claim.seqs):
                self._put_back(claim, 0.0)
            elif (lease := self._as_lease(claim, rows)) is not None:
                leases.append(lease)
        return leases

    async def _read(self, claims: Sequence[Claim], absent: Sequence[int]) -> None:
        try:
            rows = await self._reader.rows(absent)
            self._ahead += [(claim, rows) for claim in claims]
        except BaseException as error:
            for claim in claims:
                self._put_back(claim, _RETRY_READ_S)
            if isinstance(error, sqlite3.Error):
                raise SpoolError(f"the spool cannot be read: {error}") from error
            raise
        finally:
            self._reading = None

    def _as_lease(self, claim: Claim, rows: Mapping[int, RecordRow | None]) -> Lease | None:
        if not self._index.renew(claim, self._clock.monotonic_s()):
            return None  # erased, or taken back, since it was read
        here = self._index.waiting(claim.session, len(claim.seqs))
        records: list[Record] = []
        for seq, leased in zip(claim.seqs, claim.waiting, strict=True):
            waiting = here.get(seq, 0) & leased
            if not waiting:
                continue
            record = self._cache.get(seq) or self._intact(seq, rows)
            if record is None:
                if seq not in rows and seq not in self._seen_missing:
                    # Perhaps erased a moment ago; if it is still missing the next time, it is lost.
                    self._seen_missing.add(seq)
                    self._put_back(claim, _RETRY_READ_S)
                    return None
                self._seen_missing.discard(seq)
                self._damaged(claim.session, seq, rows.get(seq) is not None)
            elif records and (record.user_id != records[0].user_id or record.key != records[0].key):
                break
            else:
                records.append(record if record.waiting == waiting else replace(record, waiting=waiting))
        if not records:
            self._put_back(claim, 0.0)
            return None
        return Lease(records[0].key, tuple(records), claim.attempt)

    def _intact(self, seq: int, rows: Mapping[int, RecordRow | None]) -> Record | None:
        row = rows.get(seq)
        if row is None or not row.is_intact() or row.flow not in self._flows:
            return None
        return row.as_record(self._flows)

    def _put_back(self, claim: Claim, retry_after_s: float) -> None:
        self._index.put_back(claim, now_s=self._clock.monotonic_s(), retry_after_s=retry_after_s)
        self._waiter.ring()


def _retrieve(task: asyncio.Task[None]) -> None:
    """A failed read is told to whoever waits for it; if nobody does, the claims are back and that is all."""
    if not task.cancelled():
        task.exception()
