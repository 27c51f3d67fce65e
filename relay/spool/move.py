"""Everything of one spool into another, whatever backends they are: in which order, and where to go on.

First who was erased and whose session is whose, so that what comes after meets them; then what waits, in its order,
what is buried, and the totals of what has left. How far it is the target knows, so that a move that was killed is just
begun again.
"""

from collections.abc import Callable

import msgspec

from relay.spool.administration import MoveSource, MoveTarget


class MovedNow(msgspec.Struct):
    """What one run has moved."""

    erased_users: int = 0
    """Who are refused, told again by every run."""
    bindings: int = 0
    """The same."""
    pending: int = 0
    """Events."""
    left_out: int = 0
    """Of these: of users who are erased in the target."""
    buried: int = 0

    @property
    def anything(self) -> bool:
        """Whether there was something to move that had not been moved before."""
        return bool(self.pending or self.buried)


async def move(source: MoveSource, target: MoveTarget, *, told: Callable[[MovedNow], object]) -> MovedNow:
    """Move what has not been moved; the source stays as it is, until somebody retires it.

    Args:
        source: Open; nobody else has it.
        target: Open.
        told: Called after each step that is durable.
    """
    now = MovedNow()
    before = await target.moved(source.id)
    async for fingerprints in source.erased():
        await target.refuse(fingerprints)
        now.erased_users += len(fingerprints)
        told(now)
    async for bindings in source.bindings():
        await target.bind(bindings)
        now.bindings += len(bindings)
        told(now)
    async for records in source.records(before.seq):
        now.left_out += await target.take(source.id, records)
        now.pending += sum([record.size for record in records])
        told(now)
    async for buried in source.buried(before.buried):
        await target.bury(source.id, buried)
        now.buried += len(buried)
        told(now)
    more = {name: count - before.totals.get(name, 0) for name, count in source.totals.items()}
    await target.count(source.id, {name: count for name, count in more.items() if count})
    told(now)
    return now
