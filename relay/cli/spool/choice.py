"""Which buried records a command is about: by ID, by reason, or all of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Final

from relay.spool.administration import Buried, SpoolAdministration

_AT_ONCE: Final = 1000
"""Records in one step: so the relay at work is never kept from its own for long."""


async def first_buried(spool: SpoolAdministration, *, limit: int, after: int, reasons: Collection[str]) -> list[Buried]:
    """The first buried records above the ID `after`; of any reason where none is named."""
    found: list[Buried] = []
    async for page in _pages(spool, after=after, reasons=reasons, size=_AT_ONCE if reasons else limit):
        found += page
        if len(found) >= limit:
            break
    return found[:limit]


async def each_chunk(
    spool: SpoolAdministration,
    act: Callable[[Sequence[int]], Awaitable[int]],
    *,
    ids: Sequence[int],
    reasons: Collection[str],
) -> int:
    """Do something with the events of these IDs, or without any with all that are buried for these reasons.

    What is buried meanwhile is left alone, so that it ends.

    Returns:
        How many it was done with.
    """
    numbers = list(ids)
    if not numbers:
        numbers = [one.number async for page in _pages(spool, after=0, reasons=reasons, size=_AT_ONCE) for one in page]
    return sum([await act(numbers[start : start + _AT_ONCE]) for start in range(0, len(numbers), _AT_ONCE)])


async def _pages(
    spool: SpoolAdministration, *, after: int, reasons: Collection[str], size: int
) -> AsyncIterator[list[Buried]]:
    while page := await spool.buried(limit=size, after=after):
        yield [one for one in page if not reasons or one.reason in reasons]
        after = page[-1].number
