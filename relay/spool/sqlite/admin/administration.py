"""A spool file from outside: `SpoolAdministration` for SQLite, whether or not a relay has the file open."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Final

from relay.archive.segments import ToForget, folder_of, segments
from relay.archive.segments import events as archived_events
from relay.archive.segments import events_of as archived_of
from relay.archive.segments import targets as archived_targets
from relay.core.clock import Clock
from relay.core.errors import SpoolError, SpoolLockedError
from relay.spool.administration import Buried, Kept, MoveSource, MoveTarget, Overview, Place, SpoolFindings
from relay.spool.schedule.ledger import Ledger
from relay.spool.sqlite.admin.buried import list_buried
from relay.spool.sqlite.admin.control_channel import (
    POLL_S,
    Command,
    CommandAnswer,
    Discard,
    DiscardWaiting,
    Erase,
    Replay,
    answer_to,
    leave,
    take_back,
)
from relay.spool.sqlite.admin.finding import find, sessions_of_user
from relay.spool.sqlite.admin.inspection import (
    Table,
    buried_now,
    events,
    explained,
    reading,
    targets_of_events,
    used_bytes,
    users_of_sessions,
    waiting,
)
from relay.spool.sqlite.admin.move_source import move_source, retired_name
from relay.spool.sqlite.admin.move_target import move_target
from relay.spool.sqlite.file.connection import connect
from relay.spool.sqlite.file.opening import VERSION
from relay.spool.sqlite.file.rows import pending_events, read_totals
from relay.spool.sqlite.spool import SqliteSpool

ANSWER_WITHIN_S: Final = 30.0
"""A relay that has not answered by then hangs, or is older than these commands."""
_AT_ONCE: Final = 1000
_TABLES: Final[Mapping[Place, Table]] = {"buried": "buried", "pending": "records"}


class SqliteAdministration:
    """See `SpoolAdministration`. Reads the file directly; changes are made by the relay that has it open, or else here.

    Args:
        path: The spool's file.
        clock: For deadlines and times.
        sleep: How to wait for a relay's answer.
    """

    def __init__(self, path: Path, *, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._path = path
        self._clock = clock
        self._sleep = sleep

    @property
    def name(self) -> str:
        """See `SpoolAdministration.name`."""
        return str(self._path)

    async def is_there(self) -> bool:
        """See `SpoolAdministration.is_there`."""
        return self._path.exists()

    async def check(self) -> SpoolFindings:
        """See `SpoolAdministration.check`: a file is looked at by its folder."""
        return SpoolFindings()

    async def status(self) -> Overview:
        """See `SpoolAdministration.status`: as it is on disk."""
        return await asyncio.to_thread(self._status)

    async def buried(self, *, limit: int = 100, after: int = 0) -> list[Buried]:
        """See `SpoolAdministration.buried`."""
        return await asyncio.to_thread(self._buried, limit, after)

    async def replay(self, numbers: Sequence[int] | None = None) -> int:
        """See `SpoolAdministration.replay`."""
        return await self._do(Replay(numbers))

    async def discard(self, numbers: Sequence[int]) -> int:
        """See `SpoolAdministration.discard`."""
        return await self._do(Discard(numbers))

    async def discard_waiting(self, target: str) -> int:
        """See `SpoolAdministration.discard_waiting`."""
        return await self._do(DiscardWaiting(target))

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """See `SpoolAdministration.erase`."""
        return await self._do(Erase(user_id, session_id))

    async def targets(self, places: Sequence[Place]) -> set[str]:
        """See `SpoolAdministration.targets`."""
        found: set[str] = set()
        if "archived" in places:
            found |= archived_targets(folder_of(self._path))
        tables: list[Table] = [_TABLES[place] for place in places if place in _TABLES]
        return found.union(targets_of_events(self._path, tables)) if tables else found

    async def events(self, target: str, place: Place) -> AsyncIterator[Sequence[Kept]]:
        """See `SpoolAdministration.events`."""
        if place == "archived":
            archived = archived_events(folder_of(self._path), target)
            while some := list(itertools.islice(archived, _AT_ONCE)):
                yield [Kept(target, one.session_id, one.user_id, one.event_id, one.body) for one in some]
            return
        for page in events(self._path, target, _TABLES[place]):
            yield page

    async def events_of(
        self, place: Place, *, session_id: str | None = None, user_id: str | None = None
    ) -> AsyncIterator[Sequence[Kept]]:
        """See `SpoolAdministration.events_of`: on a thread, in steps."""
        if place == "archived":
            whom = ToForget(user_id, session_id)
            for path in await asyncio.to_thread(segments, folder_of(self._path)):
                if some := await asyncio.to_thread(archived_of, path, whom):
                    yield [Kept(one.target, one.session_id, one.user_id, one.event_id, one.body) for one in some]
            return
        upto: int | None = 0
        while upto is not None:
            step = await asyncio.to_thread(
                find, self._path, _TABLES[place], upto, session_id=session_id, user_id=user_id
            )
            if step.found:
                yield step.found
            upto = step.upto

    async def sessions_of(self, user_id: str) -> Sequence[str]:
        """See `SpoolAdministration.sessions_of`."""
        return await asyncio.to_thread(sessions_of_user, self._path, user_id, self._clock.now_ms())

    async def users_of_sessions(self, target: str) -> Mapping[str, str]:
        """See `SpoolAdministration.users_of_sessions`."""
        return await asyncio.to_thread(users_of_sessions, self._path, target, self._clock.now_ms())

    async def migrate(self) -> bool:
        """See `SpoolAdministration.migrate`."""
        if self._path.exists():
            with reading(self._path, of_any_version=True) as sql:
                if sql.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                    return False
        with explained(self._path):
            async with SqliteSpool(self._path, clock=self._clock, max_bytes=0):
                return True

    async def retired(self) -> str | None:
        """See `SpoolAdministration.retired`."""
        left = retired_name(self._path)
        return str(left) if left.exists() and not self._path.exists() else None

    def source(self) -> AbstractAsyncContextManager[MoveSource]:
        """See `SpoolAdministration.source`."""
        return move_source(self._path, clock=self._clock)

    def target(self) -> AbstractAsyncContextManager[MoveTarget]:
        """See `SpoolAdministration.target`."""
        return move_target(self._path, clock=self._clock)

    async def _do(self, command: Command) -> int:
        with reading(self._path, of_any_version=True):
            pass  # it is a spool, of a version that can be brought up here
        with explained(self._path):
            try:
                async with SqliteSpool(self._path, clock=self._clock, max_bytes=0) as spool:
                    return (await spool.commands.execute(command)).count
            except SpoolLockedError:
                given = await self._ask(command)
        if given.error is not None:
            raise SpoolError(given.error)
        return given.count

    async def _ask(self, command: Command) -> CommandAnswer:
        with closing(connect(self._path)) as sql:
            number = leave(sql, command)
            until_s = self._clock.monotonic_s() + ANSWER_WITHIN_S
            try:
                while self._clock.monotonic_s() < until_s:
                    given = answer_to(sql, number)
                    if given is not None:
                        return given
                    await self._sleep(POLL_S / 2)
                raise SpoolError(f"the relay that uses {self._path} does not answer")
            finally:
                take_back(sql, number)

    def _status(self) -> Overview:
        with reading(self._path) as sql:
            sql.execute("BEGIN")  # one snapshot for all
            oldest = sql.execute("SELECT accepted_at_ms FROM records ORDER BY seq LIMIT 1").fetchone()
            stats = Ledger(read_totals(sql)).stats(
                pending=pending_events(sql),
                size_bytes=used_bytes(sql),
                oldest_accepted_at_ms=oldest[0] if oldest else None,
            )
            return Overview(stats, waiting(sql), buried_now(sql))

    def _buried(self, limit: int, after: int) -> list[Buried]:
        with reading(self._path) as sql:
            return list_buried(sql, after=after, limit=limit)
