"""What was settled, on its way to the database: grouped, and not waited for by anybody.

Not synced there: after a crash of the database rows may be back. They are sent again with the same event ids, for a
connection that was lost loses every shard, and what is taken anew is read anew. Through a pooler, which hides such a
loss, it is synced.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import Piece, Record, bits
from relay.spool.contract import Burial
from relay.spool.postgres.link import DatabaseLink, Raw
from relay.spool.postgres.owner.owned import Owned
from relay.spool.postgres.owner.session_reader import Leased
from relay.spool.postgres.owner.shards import Shards
from relay.spool.postgres.rows import alone, shard_of, text
from relay.spool.postgres.statements import statement
from relay.spool.postgres.totals import Totals
from relay.spool.schedule.ledger import BURIED_PREFIX, DELIVERED, ERASED

SETTLE_DELAY_S: Final = 0.05
_AT_ONCE: Final = 2_000
_AGAIN_S: Final = 0.2
_logger = logging.getLogger(__name__)


class Departed(NamedTuple):
    """Events that have left one record."""

    session: int
    seq: int
    part: int
    places: int
    name: str
    """`delivered` or `erased`, for the ledger."""
    epoch: int


class Burying(NamedTuple):
    """An event that is to be kept."""

    session: int
    seq: int
    part: int
    place: int
    epoch: int
    user_id: bytes | None
    header: bytes
    body: bytes
    reason: str
    message: str
    source: int
    """Who sent it; see `Provenance`."""


T = TypeVar("T", Departed, Burying)


class SettleQueue(Background):
    """Collects what was settled, and brings it to the database some twenty times a second."""

    def __init__(self, connection: DatabaseLink, *, owned: Owned, shards: Shards, totals: Totals, clock: Clock) -> None:
        self._connection = connection
        self._owned = owned
        self._shards = shards
        self._totals = totals
        self._clock = clock
        self._gone: list[Departed] = []
        self._buried: list[Burying] = []
        self._bell = asyncio.Event()
        self._one = asyncio.Lock()

    def put(self, lease: Leased, epoch: int, *, delivered: Sequence[Piece], buried: Sequence[Burial]) -> None:
        """These of a lease have left; `epoch` is that of its shard."""
        session, own = lease.claim.session, self._totals.own
        for record, places in delivered:
            self._gone.append(Departed(session, record.seq, lease.parts[record.seq], places, DELIVERED, epoch))
            own.delivered += places.bit_count()
        records = {record.seq: record for record in lease.records} if buried else {}
        for burial in buried:
            record = records[burial.seq]
            entry = record.entry(burial.place)
            user = None if record.user_id is None else text(record.user_id)
            self._buried.append(
                Burying(
                    session, burial.seq, lease.parts[burial.seq], burial.place, epoch, user, alone(entry, record.came),
                    entry, burial.reason, burial.message, 0 if record.came is None else record.came.source,
                )
            )  # fmt: skip
            own.bury(burial.reason)
        self._bell.set()

    def put_erased(self, session: int, part: int, record: Record, epoch: int) -> None:
        """A record of somebody who was erased is to go."""
        self._gone.append(Departed(session, record.seq, part, record.waiting, ERASED, epoch))
        self._totals.own.erased += record.size
        self._bell.set()

    async def flush(self) -> None:
        """Bring all of it to the database now.

        Raises:
            SpoolError: some of it is still here.
        """
        async with self._one:
            while self._gone or self._buried:
                gone, buried = self._gone[:_AT_ONCE], self._buried[:_AT_ONCE]
                await self._bring(self._still_mine(gone), self._still_mine(buried))
                del self._gone[: len(gone)]
                del self._buried[: len(buried)]
                for one in gone:
                    self._owned.deleted(one.session, one.seq, one.places)
                for each in buried:
                    self._owned.deleted(each.session, each.seq, 1 << each.place)

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            await asyncio.sleep(SETTLE_DELAY_S)
            try:
                await self.flush()
            except SpoolError as error:
                _logger.warning("a settle waits: %s", error)
                self._bell.set()
                await asyncio.sleep(_AGAIN_S)

    def _still_mine(self, settled: Sequence[T]) -> list[T]:
        """What belongs to an epoch that is over is forgotten with it: its new owner repeats what is there."""
        mine: list[T] = []
        lost: list[T] = []
        for one in settled:
            (mine if self._shards.mine.get(shard_of(one.session)) == one.epoch else lost).append(one)
        if lost:
            self._totals.correct(_counts(lost))
        return mine

    async def _bring(self, gone: Sequence[Departed], buried: Sequence[Burying]) -> None:
        meant = _counts(gone) + _counts(buried)
        hit: Counter[str] = Counter()
        async with self._connection.transaction() as raw:
            leaving = list(gone)
            for part in sorted({one.part for one in buried}):
                kept = await self._bury(raw, part, [one for one in buried if one.part == part])
                hit.update(BURIED_PREFIX + one.reason for one in kept)
                leaving += [Departed(one.session, one.seq, one.part, 1 << one.place, "", one.epoch) for one in kept]
            for part in sorted({one.part for one in leaving}):
                hit += await _remove(raw, part, [one for one in leaving if one.part == part])
            if hit:
                minute = self._clock.now_ms() // 60_000
                await raw.execute(statement("count"), self._totals.relay, minute, list(hit), list(hit.values()))
        if missed := meant - hit:
            _logger.info("settled already, erased, or owned by another relay by now: %s", dict(missed))
            self._totals.correct(missed)

    async def _bury(self, raw: Raw, part: int, rows: Sequence[Burying]) -> list[Burying]:
        """Those that were kept: while the shard is still in the same hands, and the event still waits."""
        kept = await raw.fetch(
            statement("bury", records=part),
            [one.seq for one in rows],
            [one.place for one in rows],
            [shard_of(one.session) for one in rows],
            [one.epoch for one in rows],
            [one.user_id for one in rows],
            [one.header for one in rows],
            [one.body for one in rows],
            [one.reason for one in rows],
            [one.message for one in rows],
            [one.source for one in rows],
            self._clock.now_ms(),
        )
        numbers = {row["seq"] for row in kept}
        return [one for one in rows if one.seq + one.place in numbers]


async def _remove(raw: Raw, part: int, leaving: Sequence[Departed]) -> Counter[str]:
    places: dict[int, int] = {}
    names: dict[tuple[int, int], str] = {}
    for one in leaving:
        places[one.seq] = places.get(one.seq, 0) | one.places
        names |= {(one.seq, place): one.name for place in bits(one.places)}
    rows = await raw.fetch(statement("settle", records=part), list(places), list(places.values()))
    return Counter([name for row in rows for place in bits(row["places"]) if (name := names[row["seq"], place])])


def _counts(settled: Sequence[Departed | Burying]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in settled:
        if isinstance(one, Departed):
            counts[one.name] += one.places.bit_count()
        else:
            counts[BURIED_PREFIX + one.reason] += 1
    return counts
