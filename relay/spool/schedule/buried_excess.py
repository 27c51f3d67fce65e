"""What is buried has a bound of its own: what a stranger can make the service refuse must not stop intake.

Past it events are discarded, those of the source first that has most of them: the address network or the session they
came from. So who floods pays first, and what others have buried stays for a person to look at.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

DOWN_TO: Final = 0.9
"""Of the bound: so much is left, so that not every burial costs a look at all of them."""
AT_ONCE: Final = 500
"""Rows discarded in one transaction."""
_logger = logging.getLogger(__name__)


class BuriedSources(Protocol):
    """What is buried, by who sent it."""

    async def sizes(self) -> Counter[int]:
        """Bytes of bodies by source, or by session where no source is known."""
        ...

    async def some_of(self, who: int, after: int) -> Sequence[tuple[int, int]]:
        """Number and size of the next `AT_ONCE` of one of them, numbered above `after`, in order."""
        ...

    async def discard(self, numbers: Sequence[int]) -> int:
        """Forget these, counted as discarded; how many."""
        ...


async def keep_within(max_bytes: int, buried: BuriedSources) -> int:
    """Discard what is more than so many bytes of bodies; how many events."""
    sizes = await buried.sizes()
    total = sum(sizes.values())
    if total <= max_bytes:
        return 0
    left = total - int(max_bytes * DOWN_TO)
    count = 0
    for who, size in sizes.most_common():
        if left <= 0:
            break
        after, goal = 0, min(size, left)
        while goal > 0 and (rows := await buried.some_of(who, after)):
            numbers: list[int] = []
            for number, length in rows:
                if goal <= 0:
                    break
                numbers.append(number)
                goal, left = goal - length, left - length
            after = rows[-1][0]
            count += await buried.discard(numbers)
    _logger.warning("buried: %d events of the sources with most of them are discarded, past %d bytes", count, max_bytes)
    return count
