"""Forgetting a user or a session, at every relay.

Noted first, so that nothing more of them is taken; then removed; and once every relay that is alive has dropped what it
remembered, removed again, for what was under way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import asyncpg
import msgspec

from relay.core.model import Operation, SessionKey
from relay.spool.postgres.flows import Flows
from relay.spool.postgres.link import DatabaseLink, Raw
from relay.spool.postgres.owner.shards import LEASE_S
from relay.spool.postgres.rows import erased_key, text
from relay.spool.postgres.statements import PARTS, statement
from relay.spool.schedule.erased_users import about_whom
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.ledger import ERASED

_LOOK_AGAIN_S: Final = 0.05


class ErasedPass(msgspec.Struct, frozen=True):
    """What a pass removed."""

    pending: list[tuple[int, int]]
    """Session and seq of records."""
    events: int
    """That waited in them."""
    buried: int


class Erasing:
    """Removes, on a connection of its own."""

    def __init__(
        self,
        connection: DatabaseLink,
        *,
        relay: str,
        salt: bytes,
        flows: Flows,
        minute: Callable[[], int],
        settled: Callable[[], Awaitable[None]],
        announce: Callable[[], Awaitable[None]],
        removed: Callable[[ErasedPass], object],
    ) -> None:
        """Take what it works with.

        Args:
            connection: Its own.
            relay: The name of this relay.
            salt: Of the fingerprints of sessions.
            flows: Of all there are, each may hold the session.
            minute: Which one it is, for the ledger.
            settled: Waits until what this relay has settled is on disk, and so is not counted again.
            announce: Tells the others.
            removed: Told of each pass, once it is on disk.
        """
        self._connection = connection
        self._relay = relay
        self._salt = salt
        self._flows = flows
        self._minute = minute
        self._settled = settled
        self._announce = announce
        self._removed = removed

    async def note(self, *, user_id: str | None = None, session_id: str | None = None, refused: bool = True) -> int:
        """Note an erasure, or that a user may come back; its number. On disk on return."""
        if user_id is not None:
            about = ("user", erased_key(user_id), refused, text(user_id) if refused else None)
        else:
            about = ("session", erased_key(session_id or ""), False, text(session_id or ""))
        async with self._connection.transaction() as raw:
            await raw.execute("LOCK TABLE relay.erased IN SHARE ROW EXCLUSIVE MODE")  # numbers are seen in order
            number = int(await raw.fetchval(statement("note_erasure"), *about))
        await self._announce()
        return number

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """See `Spool.erase`.

        Raises:
            SpoolError: the database is away; erase again.
        """
        number = await self.note(user_id=user_id, session_id=session_id)
        count = await self._pass(user_id, session_id)
        if not await self._is_known(number):
            while not await self._is_known(number):  # noqa: ASYNC110  it happens in the database
                await asyncio.sleep(_LOOK_AGAIN_S)
            count += await self._pass(user_id, session_id)
        await self._connection.fetch(statement("forget_whom"), number)
        return count

    async def _is_known(self, number: int) -> bool:
        (row,) = await self._connection.fetch(statement("erasure_known"), number, LEASE_S, self._relay)
        return bool(row["known"])

    async def _pass(self, user_id: str | None, session_id: str | None) -> int:
        """Once. What is buried goes before and after what waits: events may be on their way, both ways."""
        if user_id is not None:
            waiting, buried = await self._about(user_id)
        else:
            waiting, buried = [], []
            await self._flows.load(self._connection)
        await self._settled()
        rows: list[asyncpg.Record] = []
        async with self._connection.transaction() as raw:
            if user_id is not None:
                bound = [row["session"] for row in await raw.fetch(statement("unbind_user"), text(user_id))]
                gone = await _count(raw, "erase_buried_user", text(user_id), buried)
                for part in range(PARTS):
                    rows += await raw.fetch(statement("erase_user", records=part), text(user_id), bound, waiting)
                gone += await _count(raw, "erase_buried_user", text(user_id), buried)
                gone += await _archived(raw, "erase_archive_user", text(user_id))
            else:
                sessions = self._sessions(session_id or "")
                await raw.execute(statement("unbind_session"), text(session_id or ""))
                gone = await _count(raw, "erase_buried_session", sessions)
                for part in range(PARTS):
                    rows += await raw.fetch(statement("erase_session", records=part), sessions)
                gone += await _count(raw, "erase_buried_session", sessions)
                gone += await _archived(raw, "erase_archive_session", sessions)
            events: int = sum([row["waiting"].bit_count() for row in rows])
            if events:
                await raw.execute(statement("count"), self._relay, self._minute(), [ERASED], [events])
        self._removed(ErasedPass([(row["session"], row["seq"]) for row in rows], events, gone))
        return events + gone

    async def _about(self, user_id: str) -> tuple[list[int], list[int]]:
        """Numbers of what is to be put about a user: of records that wait, of events that are buried."""
        waiting: list[int] = []
        buried: list[int] = []
        async with self._connection.transaction() as raw:
            async for row in raw.cursor(statement("about_users")):
                if about_whom(row["body"]) == user_id:
                    (buried if row["buried"] else waiting).append(row["seq"])
        return waiting, buried

    def _sessions(self, session_id: str) -> Sequence[int]:
        names = [(Operation.PUT_EVENTS, target) for _, target in self._flows.names] + self._flows.names
        keys = {SessionKey(operation, target, session_id) for operation, target in names}
        return [fingerprint(key, self._salt) for key in keys]


async def _count(raw: Raw, name: str, *arguments: object) -> int:
    return len(await raw.fetch(statement(name), *arguments))


async def _archived(raw: Raw, name: str, about: object) -> int:
    rows = [row for table in (0, 1) for row in await raw.fetch(statement(name, archive=table), about)]
    return sum([len(msgspec.json.decode(b"[%b]" % row["entries"], type=list[msgspec.Raw])) for row in rows])
