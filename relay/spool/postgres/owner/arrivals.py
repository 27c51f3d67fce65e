"""How an owner hears of records: it reads all when it takes a shard, is told of new groups, and looks each second.

What is announced is a hint, told after the commit by a connection that waits for no disk: a relay that dies in between
says nothing, a pooler passes nothing on. The look each second finds it all the same. Once in some ten minutes each
shard is read anew as a whole: whatever was missed, for whatever reason, is late by that much and never lost.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import asyncpg

from relay.core.background import Background
from relay.core.errors import SpoolError
from relay.spool.postgres.flows import Flows
from relay.spool.postgres.link import STATEMENT_S, DatabaseLink, Raw
from relay.spool.postgres.owner.owned import Heard, Owned
from relay.spool.postgres.owner.shards import Shards
from relay.spool.postgres.rows import SHARDS, sessions_of, shard_of
from relay.spool.postgres.statements import statement

CHANNEL: Final = "relay"
SWEEP_S: Final = 1.0
_BACK_S: Final = 2.0
"""A sweep looks at what was numbered since then; nearly all has been committed by now."""
_FAR_BACK_EVERY_S: Final = 10.0
_FAR_BACK_S: Final = STATEMENT_S + _FAR_BACK_EVERY_S + 5.0
"""From time to time it looks at all that may still have been under way when it did so before."""
_A_GROUP: Final = 10_000
"""Numbers of one append."""
_FIRST_BACK: Final = 5_000 * _A_GROUP
"""How far back the first looks go, in numbers."""
_ANEW_S: Final = 10.0
_AGAIN_S: Final = 0.2
_logger = logging.getLogger(__name__)


class Arrivals(Background):
    """Fills what is owned. One connection listens, or one through a pooler does not."""

    def __init__(
        self,
        connection: DatabaseLink,
        *,
        listens: bool,
        owned: Owned,
        shards: Shards,
        flows: Flows,
        told: Callable[[str], object],
    ) -> None:
        """Take what it works with.

        Args:
            connection: Its own.
            listens: Whether the connection can.
            owned: What is filled.
            shards: Which shards are this relay's.
            flows: Targets by number.
            told: Told of what is announced beside groups.
        """
        self._connection = connection
        self._listens = listens
        self._owned = owned
        self._shards = shards
        self._flows = flows
        self._tell = told
        self._announced: list[int] = []
        self._bell = asyncio.Event()
        self._newest: deque[tuple[float, int]] = deque()
        """When which number was the newest."""
        self._swept_s = self._far_back_s = self._anew_s = 0.0
        self._next_anew = 0
        self._known: deque[tuple[float, int]] = deque()
        """When which group was appended here of which nothing is to be found any more."""
        self._heard: Raw | None = None

    def wake(self) -> None:
        """A shard was taken."""
        self._bell.set()

    def appended(self, first: int) -> None:
        """A group of this relay's own is known: a sweep need not bring it back.

        Only if each of its shards is leased from, or not this relay's: one that is being read may have missed it.
        """
        self._known.append((asyncio.get_running_loop().time(), first // _A_GROUP))

    async def look(self) -> None:
        """Read what there is to be read now.

        Raises:
            SpoolError: not now.
        """
        now_s = asyncio.get_running_loop().time()
        if self._listens:
            await self._listen()
        await self._load()
        announced, self._announced = self._announced, []
        open_shards = [shard for shard in self._shards.mine if self._owned.is_open(shard)]
        if announced and open_shards:
            await self._add(await self._connection.fetch(statement("group"), announced, open_shards))
        if open_shards and now_s - self._swept_s >= SWEEP_S:
            self._swept_s = now_s
            await self._sweep(open_shards, now_s)
        if now_s - self._anew_s >= _ANEW_S:
            self._anew_s = now_s
            self._next_anew = (self._next_anew + 1) % SHARDS
            if self._next_anew in open_shards:
                await self._read(self._next_anew)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except SpoolError as error:
                _logger.warning("%s", error)
                await asyncio.sleep(_AGAIN_S)
                continue
            if not self._announced:
                self._bell.clear()
                try:
                    async with asyncio.timeout(SWEEP_S / 2):
                        await self._bell.wait()
                except TimeoutError:
                    pass

    async def _listen(self) -> None:
        raw = await self._connection.open()
        if raw is not self._heard:
            async with self._connection.using() as raw:
                await raw.add_listener(CHANNEL, self._told)
            self._heard = raw

    def _told(self, *about: object) -> None:
        what = str(about[-1])
        if what.isalpha():
            self._tell(what)
            return
        self._announced += [int(number) for number in what.split() if number.isdecimal()]
        self._bell.set()

    async def _load(self) -> None:
        for shard in list(self._shards.mine):
            if not self._owned.is_open(shard) and not self._shards.is_leaving(shard):
                await self._read(shard)

    async def _read(self, shard: int) -> None:
        epoch = self._shards.mine.get(shard)
        rows = await self._connection.fetch(statement("load"), *sessions_of(shard))
        if epoch is not None and self._shards.mine.get(shard) == epoch and not self._shards.is_leaving(shard):
            await self._add(rows)
            self._owned.open(shard)

    async def _sweep(self, open_shards: list[int], now_s: float) -> None:
        if not self._newest:
            newest = (await self._connection.fetch(statement("sweep"), 1 << 62, open_shards, ()))[0]["seq"]
            self._newest.append((0.0, newest - _FIRST_BACK))
        far = now_s - self._far_back_s >= _FAR_BACK_EVERY_S
        if far:
            self._far_back_s = now_s
        while len(self._newest) > 1 and self._newest[1][0] < now_s - _FAR_BACK_S:
            self._newest.popleft()
        while self._known and self._known[0][0] < now_s - 2 * _FAR_BACK_S:
            self._known.popleft()
        before = [number for at_s, number in self._newest if at_s < now_s - (_FAR_BACK_S if far else _BACK_S)]
        after = before[-1] if before else self._newest[0][1]
        known = [group for _, group in self._known if group >= after // _A_GROUP]
        rows = await self._connection.fetch(statement("sweep"), after, open_shards, known)
        self._newest.append((now_s, rows[0]["seq"]))
        await self._add(rows[1:])

    async def _add(self, rows: Iterable[asyncpg.Record]) -> None:
        """Those of shards that are leased from, or about to be."""
        unknown = {row["flow"] for row in rows if self._flows.target(row["flow"]) is None}
        if unknown:
            await self._flows.load(self._connection)
        mine = self._shards.mine
        heard: list[Heard] = []
        for row in rows:
            shard = shard_of(row["session"])
            if shard in mine and not self._shards.is_leaving(shard):
                target = self._flows.target(row["flow"]) or ""
                heard.append(Heard(row["seq"], row["session"], target, row["accepted_at_ms"], row["waiting"]))
        self._owned.add(heard)
