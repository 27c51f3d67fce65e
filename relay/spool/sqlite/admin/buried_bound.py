"""What is buried has a bound of its own: what a stranger can make the service refuse must not stop intake.

Past it events are discarded, those of the source first that has most of them: the address network or the session they
came from. So who floods pays first, and what others have buried stays for a person to look at.
"""

import logging
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from relay.spool.sqlite.admin.buried import discard
from relay.spool.sqlite.read.reader import Reader
from relay.spool.sqlite.write.database import Database

DOWN_TO: Final = 0.9
"""Of the bound: so much is left, so that not every burial costs a look at all of them."""
LOOKED_AT_ONCE: Final = 20_000
"""Rows, before another reader gets its turn."""
AT_ONCE: Final = 500
"""Rows discarded in one transaction."""
_WHO: Final = "CASE source WHEN 0 THEN session ELSE source END"
_SIZES: Final = (
    f"SELECT max(number), who, sum(size) FROM (SELECT number, {_WHO} AS who, length(body) AS size FROM buried"  # noqa: S608  constants
    " WHERE number > ? ORDER BY number LIMIT ?) GROUP BY who"
)
_THEIRS: Final = (
    f"SELECT number, length(body) FROM buried WHERE number > ? AND {_WHO} = ? ORDER BY number LIMIT {AT_ONCE}"  # noqa: S608  the same
)
_logger = logging.getLogger(__name__)

Do = Callable[[Callable[[Database], int]], Awaitable[int]]
"""Runs a step on the committing thread; how many events it discarded."""


async def keep_within(max_bytes: int, *, reader: Reader, do: Do) -> int:
    """Discard what is too much; how many events.

    Args:
        max_bytes: Of bodies.
        reader: Finds them.
        do: Discards them.
    """
    sizes = await _sizes(reader)
    too_much = sum(sizes.values()) - max_bytes
    if too_much <= 0:
        return 0
    left = sum(sizes.values()) - int(max_bytes * DOWN_TO)
    count = 0
    for who, size in sizes.most_common():
        if left <= 0:
            break
        after, goal = 0, min(size, left)
        while goal > 0 and (rows := await reader.run(partial(_theirs, who=who, after=after))):
            numbers: list[int] = []
            for number, length in rows:
                if goal <= 0:
                    break
                numbers.append(number)
                goal, left = goal - length, left - length
            after = rows[-1][0]
            count += await do(partial(discard, numbers=numbers))
    _logger.warning("buried: %d events of the sources with most of them are discarded, past %d bytes", count, max_bytes)
    return count


async def _sizes(reader: Reader) -> Counter[int]:
    sizes: Counter[int] = Counter()
    after = 0
    while rows := await reader.run(partial(_some_sizes, after=after)):
        for _, who, size in rows:
            sizes[who] += size
        after = max(number for number, _, _ in rows)
    return sizes


def _some_sizes(sql: sqlite3.Connection, *, after: int) -> list[tuple[int, int, int]]:
    return sql.execute(_SIZES, (after, LOOKED_AT_ONCE)).fetchall()


def _theirs(sql: sqlite3.Connection, *, who: int, after: int) -> list[tuple[int, int]]:
    return sql.execute(_THEIRS, (after, who)).fetchall()
