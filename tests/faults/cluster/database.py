"""The database of a run: one server, or two of which one follows; killed, and replaced by the other."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.support.postgres import Cluster, running_cluster


class Database:
    """Who answers now is `primary`."""

    def __init__(self, primary: Cluster, standby: Cluster | None) -> None:
        self.primary = primary
        self._standby = standby

    @property
    def has_standby(self) -> bool:
        return self._standby is not None

    async def sql(self, text: str) -> list[str]:
        """Lines that psql prints of a statement."""
        return (await asyncio.to_thread(self.primary.sql, text)).splitlines()

    async def crash(self) -> None:
        """Kill -9 of every process."""
        await asyncio.to_thread(self.primary.crash)

    async def start(self) -> None:
        """Again, after a crash."""
        await asyncio.to_thread(self.primary.start)

    async def fail_over(self) -> int:
        """Kill the primary and let the standby take its place; the port where it now is."""
        assert self._standby is not None
        await self.crash()
        await asyncio.to_thread(self._standby.promote)
        self.primary, self._standby = self._standby, self.primary
        return self.primary.port

    async def follow(self) -> None:
        """The one that was killed follows the other from now on."""
        assert self._standby is not None
        await asyncio.to_thread(self._standby.follow, self.primary)


@asynccontextmanager
async def running_database(*, standby: bool) -> AsyncGenerator[Database]:
    """A server of its own, with another that follows it synchronously.

    Raises:
        LookupError: PostgreSQL is not installed, with what to do.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-postgres-")))
        primary = await asyncio.to_thread(stack.enter_context, running_cluster(folder / "one"))
        other = Cluster(folder / "two") if standby else None
        if other is not None:
            stack.callback(other.crash)
        database = Database(primary, other)
        if other is not None:
            await database.follow()
        yield database
