"""The end of a lease: out of the index at once, out of the file with the next commit."""

import logging
from collections.abc import Sequence

from relay.core.clock import Clock
from relay.core.model import Piece, bits
from relay.spool.contract import Burial, Lease
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.lease_waiter import LeaseWaiter
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.schedule.pieces import settled_places
from relay.spool.sqlite.read.record_cache import RecordCache
from relay.spool.sqlite.write.ack_buffer import AckBuffer
from relay.spool.sqlite.write.database import Database
from relay.spool.sqlite.write.leaving import CORRUPT

_logger = logging.getLogger(__name__)


class Settling:
    """Takes events out that were delivered or buried."""

    def __init__(
        self,
        database: Database,
        *,
        index: PendingIndex,
        cache: RecordCache,
        acks: AckBuffer,
        waiter: LeaseWaiter,
        clock: Clock,
    ) -> None:
        self._database = database
        self._index = index
        self._cache = cache
        self._acks = acks
        self._waiter = waiter
        self._clock = clock

    def settle(
        self, lease: Lease, *, delivered: Sequence[Piece], buried: Sequence[Burial], retry_after_s: float
    ) -> bool:
        """See `Spool.settle`."""
        burials: dict[int, list[Burial]] = {}
        for burial in buried:
            burials.setdefault(burial.seq, []).append(burial)
        removed = self._index.settle(
            fingerprint(lease.key, self._database.salt),
            head=lease.records[0].seq,
            attempt=lease.attempt,
            gone=settled_places(delivered, buried),
            now_s=self._clock.monotonic_s(),
            retry_after_s=retry_after_s,
        )
        if removed is None:
            return False
        records = {record.seq: record for record in lease.records}
        for one in removed:
            if not one.left:
                self._cache.drop(one.seq)
            self._acks.add(one, numbers=len(records[one.seq].ends), burials=burials.get(one.seq, ()))
        self._waiter.ring()
        return True

    def bury_damaged(self, session: int, seq: int, kept: bool) -> None:
        """A record cannot be delivered, for it is not what was written."""
        _logger.error("spool damaged: record %d does not match its checksum", seq)
        self._cache.drop(seq)
        for one in self._index.discard(session, (seq,)):
            if kept:
                why = "the checksum does not match"
                burials = [Burial(seq, place, CORRUPT, why) for place in bits(one.places)]
                self._acks.add(one, numbers=one.places.bit_length(), burials=burials)
            else:
                self._acks.lose(one, CORRUPT)
