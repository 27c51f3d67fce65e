"""Pages that come from a spool, one event after the other, for those who write a file."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def each(runner: asyncio.Runner, pages: AsyncIterator[Sequence[T]]) -> Iterator[T]:
    """What is on the pages; the next page is asked for when the last one has been read."""

    async def next_page() -> Sequence[T] | None:
        return await anext(pages, None)

    while (page := runner.run(next_page())) is not None:
        yield from page
