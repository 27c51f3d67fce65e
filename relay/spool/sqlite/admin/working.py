"""How something is run on the committing thread, for those who are not it."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from relay.spool.sqlite.write.database import Database

T = TypeVar("T")


class Worker(Protocol):
    """Runs something on the committing thread, see `SqliteSpool.work`."""

    async def __call__(
        self, run: Callable[[Database], T], then: Callable[[T], object] | None = None, *, alone: bool = False
    ) -> T:
        """Run it inside a transaction; `then` gets the result on the loop."""
        ...
