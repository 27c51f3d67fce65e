"""The shared spool seen from outside: statements of its own, beside the relays that are at work."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import asyncpg
import msgspec

from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import Operation, SessionKey, SpoolStats, bits, event_id_of
from relay.spool.administration import Buried, Kept, MoveSource, MoveTarget, Overview, Place, SpoolFindings, Waiting
from relay.spool.postgres.check import look_at
from relay.spool.postgres.flows import Flows
from relay.spool.postgres.link import DatabaseLink, Server
from relay.spool.postgres.migrate import migrate, version_of
from relay.spool.postgres.move_target import move_target
from relay.spool.postgres.rows import came_of, ends_of, text, untext
from relay.spool.postgres.statements import PARTS, statement
from relay.spool.postgres.totals import Totals
from relay.spool.postgres.write.announcer import ERASED
from relay.spool.postgres.write.buried_sources import discard
from relay.spool.postgres.write.claims import binding_of
from relay.spool.postgres.write.erasing import Erasing
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.ledger import ERASED as ERASED_EVENTS

_AT_ONCE: Final = 1_000
_NAME: Final = "administration"
"""In the ledger, where relays have theirs."""
_PASSWORD: Final = re.compile(r"(://[^/@:]*):[^/@]*@")
_NOTHING: Final = Overview(
    SpoolStats(accepted=0, delivered=0, buried={}, erased=0, pending=0, size_bytes=0, oldest_accepted_at_ms=None),
    (),
    {},
)


class PostgresAdministration:
    """See `relay.spool.administration.SpoolAdministration`."""

    def __init__(self, server: Server, *, clock: Clock) -> None:
        self._server = server
        self._clock = clock

    @property
    def name(self) -> str:
        """See `SpoolAdministration.name`."""
        return _PASSWORD.sub(r"\1@", self._server.url)

    async def is_there(self) -> bool:
        """See `SpoolAdministration.is_there`."""
        async with self._asking() as link:
            return await version_of(link) > 0

    async def migrate(self) -> bool:
        """See `SpoolAdministration.migrate`."""
        async with self._asking() as link:
            return bool(await migrate(link, now_ms=self._clock.now_ms()))

    async def check(self) -> SpoolFindings:
        """See `SpoolAdministration.check`."""
        async with self._asking() as link:
            return await look_at(link, self._clock)

    async def status(self) -> Overview:
        """See `SpoolAdministration.status`."""
        async with self._asking() as link:
            if not await version_of(link):
                return _NOTHING
            totals = Totals("")
            await totals.read_others(link)
            await totals.measure(link)
            await totals.count_buried(link)
            rows = await link.fetch(statement("waiting_now"))
            buried = {row["reason"]: row["count"] for row in await link.fetch(statement("buried_now"))}
        waiting = [Waiting(row["operation"], untext(row["target"]), row["pending"], row["oldest"]) for row in rows]
        return Overview(totals.stats(oldest_accepted_at_ms=None), waiting, buried)

    async def buried(self, *, limit: int = 100, after: int = 0) -> list[Buried]:
        """See `SpoolAdministration.buried`."""
        async with self._asking() as link:
            rows = await link.fetch(statement("list_buried"), after, limit)
        return [
            Buried(
                row["seq"], row["operation"], untext(row["target"]), untext(row["session_id"]),
                None if row["user_id"] is None else untext(row["user_id"]), event_id_of(row["body"]), row["body"],
                row["accepted_at_ms"], row["buried_at_ms"], row["reason"], row["message"], came_of(row["header"]),
            )
            for row in rows
        ]  # fmt: skip

    async def replay(self, numbers: Sequence[int] | None = None) -> int:
        """See `SpoolAdministration.replay`."""
        count = after = 0
        async with self._asking() as link:
            while True:
                last = await self._replay_some(link, after, numbers)
                if not last:
                    return count
                after, some = last
                count += some

    async def _replay_some(
        self, link: DatabaseLink, after: int, numbers: Sequence[int] | None
    ) -> tuple[int, int] | None:
        now_ms = self._clock.now_ms()
        async with link.transaction() as raw:
            part = await raw.fetchval("SELECT records_table FROM relay.meta")
            arguments = (after, numbers is None, list(numbers or ()), _AT_ONCE)
            rows = sorted(await raw.fetch(statement("unbury"), *arguments), key=lambda row: row["seq"])
            if not rows:
                return None
            never = [(came := came_of(row["header"])) is not None and came.never_bound for row in rows]
            columns = [[row[name] for row in rows] for name in ("session", "page", "flow")]
            more = [[row[name] for row in rows] for name in ("session_id", "user_id", "header", "body")]
            await raw.execute(statement("replay", records=part), now_ms, *columns, never, *more)
            await raw.execute(statement("count"), _NAME, now_ms // 60_000, ["accepted"], [len(rows)])
        return rows[-1]["seq"], len(rows)

    async def discard(self, numbers: Sequence[int]) -> int:
        """See `SpoolAdministration.discard`."""
        async with self._asking() as link, link.transaction() as raw:
            return await discard(raw, numbers, relay=_NAME, clock=self._clock)

    async def discard_waiting(self, target: str) -> int:
        """See `SpoolAdministration.discard_waiting`. What is appended meanwhile, or is under way, may stay or leave."""
        count = 0
        async with self._asking() as link:
            flows = [row["flow"] for row in await link.fetch(statement("flows_of"), text(target))]
            for part in range(PARTS):
                after: int | None = 0
                while after is not None:
                    after, some = await self._discard_some(link, part, after, flows)
                    count += some
        return count

    async def _discard_some(
        self, link: DatabaseLink, part: int, after: int, flows: Sequence[int]
    ) -> tuple[int | None, int]:
        async with link.transaction() as raw:
            rows = await raw.fetch(statement("discard_waiting", records=part), after, flows, _AT_ONCE)
            count = sum([row["waiting"].bit_count() for row in rows])
            if count:
                await raw.execute(statement("count"), _NAME, self._clock.now_ms() // 60_000, [ERASED_EVENTS], [count])
        return (max(row["seq"] for row in rows) if rows else None), count

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """See `SpoolAdministration.erase`: true at every relay that is alive."""
        async with self._asking() as link:
            await migrate(link, now_ms=self._clock.now_ms())
            flows = Flows()
            await flows.load(link)

            async def announce() -> None:
                await link.fetch(statement("announce"), ERASED)

            async def settled() -> None:
                """Nothing is settled here."""

            erasing = Erasing(
                link,
                relay=_NAME,
                salt=(await link.fetch("SELECT salt FROM relay.meta"))[0]["salt"],
                flows=flows,
                minute=lambda: self._clock.now_ms() // 60_000,
                settled=settled,
                announce=announce,
                removed=lambda _: None,
            )
            return await erasing.erase(user_id=user_id, session_id=session_id)

    async def targets(self, places: Sequence[Place]) -> set[str]:
        """See `SpoolAdministration.targets`."""
        found: set[str] = set()
        async with self._asking() as link:
            for place in places:
                rows = await link.fetch(statement(f"targets_{place}"))
                found |= {untext(row["target"]) for row in rows}
        return found

    async def events(self, target: str, place: Place) -> AsyncIterator[Sequence[Kept]]:
        """See `SpoolAdministration.events`."""
        after = 0
        async with self._asking() as link:
            while rows := await link.fetch(statement(f"events_{place}"), text(target), after, _AT_ONCE):
                after = rows[-1]["n"]
                yield [one for row in rows for one in _kept(target, row)]

    async def events_of(
        self, place: Place, *, session_id: str | None = None, user_id: str | None = None
    ) -> AsyncIterator[Sequence[Kept]]:
        """See `SpoolAdministration.events_of`: by the indexes an erasure goes by."""
        after = 0
        user = None if user_id is None else text(user_id)
        async with self._asking() as link:
            session, keys = await self._session(link, session_id)
            while rows := await link.fetch(statement(f"theirs_{place}"), after, keys, session, user, _AT_ONCE):
                after = rows[-1]["n"]
                yield [one for row in rows for one in _kept(untext(row["target"]), row)]

    async def _session(self, link: DatabaseLink, session_id: str | None) -> tuple[bytes | None, list[int]]:
        """A session as it stands in a row, and what it is found by."""
        if session_id is None:
            return None, []
        salt = (await link.fetch("SELECT salt FROM relay.meta"))[0]["salt"]
        flows = Flows()
        await flows.load(link)
        keys = [SessionKey(Operation.PUT_EVENTS, target, session_id) for _, target in flows.names]
        return text(session_id), [fingerprint(key, salt) for key in keys]

    async def sessions_of(self, user_id: str) -> Sequence[str]:
        """See `SpoolAdministration.sessions_of`."""
        async with self._asking() as link:
            rows = await link.fetch(statement("bindings_of_user"), self._clock.now_ms(), text(user_id))
        return sorted({binding_of(row).session_id for row in rows})

    async def users_of_sessions(self, target: str) -> Mapping[str, str]:
        """See `SpoolAdministration.users_of_sessions`."""
        async with self._asking() as link:
            rows = await link.fetch(statement("bindings"), self._clock.now_ms(), 2**31)
        found = [binding_of(row) for row in rows]
        return {one.session_id: one.user_id for one in found if one.target == target}

    async def retired(self) -> str | None:
        """See `SpoolAdministration.retired`: a shared spool never is."""
        return None

    def source(self) -> AbstractAsyncContextManager[MoveSource]:
        """See `SpoolAdministration.source`."""
        raise SpoolError("a shared spool is not moved: its relays would have to end first")

    def target(self) -> AbstractAsyncContextManager[MoveTarget]:
        """See `SpoolAdministration.target`: relays may be at work."""
        return self._target()

    @asynccontextmanager
    async def _target(self) -> AsyncGenerator[MoveTarget]:
        async with self._asking() as link, move_target(link, name=_NAME, clock=self._clock) as target:
            yield target

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[DatabaseLink]:
        link = self._server.connection("relay administration")
        try:
            yield link
        finally:
            await link.close()


def _kept(target: str, row: asyncpg.Record) -> list[Kept]:
    session_id = untext(row["session_id"])
    user_id = None if row["user_id"] is None else untext(row["user_id"])
    return [Kept(target, session_id, user_id, event_id_of(entry), entry) for entry in _entries(row)]


def _entries(row: asyncpg.Record) -> list[bytes]:
    """Those of a row that wait; of an archived batch all."""
    if row["header"] is None:
        return [bytes(entry) for entry in msgspec.json.decode(b"[%b]" % row["body"], type=list[msgspec.Raw])]
    ends, body = ends_of(row["header"]), row["body"]
    return [body[ends[place - 1] + 1 if place else 0 : ends[place]] for place in bits(row["waiting"])]
