"""Which ranges of sessions are this relay's to deliver: rows with a lease and an epoch, renewed by a heartbeat.

1. Time is the database's; a relay only measures how long ago, by the monotonic clock of its loop, it asked for what
   it was granted.
2. The heartbeat has a connection of its own and waits for nothing else. A connection that was lost loses every shard:
   what was settled just before may be back, so all is taken anew, with a new epoch, and read anew.
3. Each relay that is alive has its fair share; who has more gives back, once nothing of it is in flight.
   Who is about to end steps aside: its share is nothing, as long as somebody goes on.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

import asyncpg

from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.rows import SHARDS
from relay.spool.postgres.statements import statement

LEASE_S: Final = 10.0
BEAT_S: Final = 2.0
MARGIN_S: Final = 2.0
"""A lease is taken to end this long before it does: what is sent in its last moment is answered within it."""
_ANSWER_S: Final = 4.0
_logger = logging.getLogger(__name__)


class Holder(Protocol):
    """Who delivers what is owned."""

    def drop(self, shards: Collection[int]) -> None:
        """Everything remembered about these is worth nothing any more."""
        ...

    def leave(self, shards: Collection[int]) -> None:
        """Lease nothing more of these."""
        ...

    def busy(self) -> Collection[int]:
        """Those of which something is in flight or still to be settled."""
        ...


class Shards:
    """Shards of this relay, with their epochs."""

    def __init__(self, connection: DatabaseLink, *, name: str, version: str, holder: Holder) -> None:
        self._connection = connection
        self._name = name
        self._version = version
        self._holder = holder
        self._lost = 0
        self._leaving: set[int] = set()
        self._valid_until_s = 0.0
        self._steps_aside = False
        self.mine: dict[int, int] = {}
        """Shard → epoch."""
        self.relays = 1
        """That are alive, this one too."""
        self.others_stay = False
        """Whether one of the others is alive and not about to end."""

    @property
    def is_valid(self) -> bool:
        """Whether what is owned may be sent: the lease has not run out."""
        return _now_s() < self._valid_until_s

    @property
    def is_anything_leaving(self) -> bool:
        """Whether something is about to be given back."""
        return bool(self._leaving)

    def is_leaving(self, shard: int) -> bool:
        """Whether it is about to be given back."""
        return shard in self._leaving

    def step_aside(self) -> None:
        """This relay is about to end: from the next beat on it gives back what others can have."""
        self._steps_aside = True

    async def beat(self, *, erased_seen: int) -> None:
        """Renew what is mine, find out what is not any more, take what is free.

        Raises:
            SpoolError: not now; what is owned stays valid until its lease has run out.
        """
        await self._connection.open()
        if self._connection.lost != self._lost:
            self._lost = self._connection.lost
            self._forget(list(self.mine))
        asked_s, leaving = _now_s(), self._steps_aside
        mine = (list(self.mine), list(self.mine.values()))
        arguments = (self._name, erased_seen, self._version, LEASE_S, *mine, leaving)
        kept = {row["shard"] for row in await self._ask("beat", *arguments)}
        self._forget(self.mine.keys() - kept)
        self._valid_until_s = asked_s + LEASE_S - MARGIN_S
        fair = await self._fair_share(leaving=leaving)
        self._leave(sorted(self.mine.keys() - self._leaving)[fair:])
        await self._give_back(sorted(self._leaving.difference(self._holder.busy())))
        if len(self.mine) < fair:
            await self._take(fair - len(self.mine))

    async def hand_over(self) -> None:
        """Give back everything, at the end of this relay.

        Raises:
            SpoolError: then the others take it when the leases run out.
        """
        await self._give_back(list(self.mine))
        await self._ask("leave", self._name)

    async def _fair_share(self, *, leaving: bool) -> int:
        (row,) = await self._ask("alive", LEASE_S)
        self.relays = row["alive"]
        self.others_stay = row["staying"] > (not leaving)
        return 0 if leaving and self.others_stay else -(-SHARDS // max(1, row["staying"]))

    async def _take(self, most: int) -> None:
        for row in await self._ask("take", self._name, LEASE_S, most, list(self.mine)):
            self.mine[row["shard"]] = row["epoch"]

    def _leave(self, shards: Collection[int]) -> None:
        if shards:
            self._leaving.update(shards)
            self._holder.leave(shards)

    async def _give_back(self, shards: list[int]) -> None:
        if shards:
            await self._ask("give_back", self._name, shards, [self.mine[shard] for shard in shards])
            self._forget(shards)

    def _forget(self, shards: Iterable[int]) -> None:
        dropped = set(shards)
        for shard in dropped:
            del self.mine[shard]
        self._leaving -= dropped
        if dropped:
            self._holder.drop(dropped)

    async def _ask(self, name: str, *arguments: object) -> Sequence[asyncpg.Record]:
        return await self._connection.fetch(statement(name), *arguments, timeout_s=_ANSWER_S)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
