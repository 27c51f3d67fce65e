"""What is buried in the shared spool, by who sent it: `BuriedSources`. One relay at a time looks after its bound."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from relay.core.clock import Clock
from relay.spool.postgres.link import DatabaseLink, Raw
from relay.spool.postgres.statements import statement
from relay.spool.schedule.buried_excess import AT_ONCE, keep_within
from relay.spool.schedule.ledger import DISCARDED

_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('relay buried'))"


class PostgresBuriedSources:
    """See `BuriedSources`: inside one transaction."""

    def __init__(self, raw: Raw, *, relay: str, clock: Clock) -> None:
        self._raw = raw
        self._relay = relay
        self._clock = clock

    async def sizes(self) -> Counter[int]:
        """See `BuriedSources.sizes`."""
        return Counter({row["who"]: row["bytes"] for row in await self._raw.fetch(statement("sizes_by_source"))})

    async def some_of(self, who: int, after: int) -> Sequence[tuple[int, int]]:
        """See `BuriedSources.some_of`."""
        rows = await self._raw.fetch(statement("some_of_source"), after, who, AT_ONCE)
        return [(row["seq"], row["bytes"]) for row in rows]

    async def discard(self, numbers: Sequence[int]) -> int:
        """See `BuriedSources.discard`."""
        return await discard(self._raw, numbers, relay=self._relay, clock=self._clock)


async def discard(raw: Raw, numbers: Sequence[int], *, relay: str, clock: Clock) -> int:
    """Inside a transaction: forget buried events for good; how many, counted for a relay."""
    count = len(await raw.fetch(statement("discard"), list(numbers)))
    if count:
        await raw.execute(statement("count"), relay, clock.now_ms() // 60_000, [DISCARDED], [count])
    return count


async def keep_buried_within(max_bytes: int, connection: DatabaseLink, *, relay: str, clock: Clock) -> int:
    """Discard what is too much, unless another relay is at it; how many events.

    Raises:
        SpoolError: not now; nothing was discarded.
    """
    async with connection.transaction() as raw:
        if not await raw.fetchval(_LOCK):
            return 0
        return await keep_within(max_bytes, PostgresBuriedSources(raw, relay=relay, clock=clock))
