"""The shared spool takes what others had, beside the relays that are at work: `MoveTarget`.

Each step is one transaction, with how far it is. It takes a lock first, so that one whose mover was killed while it
was being committed has ended before the next mover asks how much is there.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from relay.core.clock import Clock
from relay.core.model import KEPT_MS, Binding, NewRecord, Operation, Record, SessionKey
from relay.spool.administration import Buried, Moved
from relay.spool.postgres.flows import Flows
from relay.spool.postgres.link import DatabaseLink, Raw
from relay.spool.postgres.migrate import migrate
from relay.spool.postgres.rows import Arriving, alone, arguments_of, text, untext
from relay.spool.postgres.statements import statement
from relay.spool.postgres.write.appender import nonce
from relay.spool.postgres.write.claims import claim_arguments
from relay.spool.schedule.erased_users import ErasedUsers, is_about
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.ledger import BURIED_PREFIX, ERASED
from relay.spool.schedule.moved_in import as_it_is_here
from relay.spool.schedule.pieces import page_key

_SEQ: Final = "seq"
_BURIED: Final = "number of buried"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


class PostgresMoveTarget:
    """See `MoveTarget`. What comes is found by the relays with their next look."""

    def __init__(self, link: DatabaseLink, *, name: str, salt: bytes, flows: Flows, clock: Clock) -> None:
        """Take what it works with.

        Args:
            link: Its own connection.
            name: In the ledger, where relays have theirs.
            salt: Of the fingerprints of sessions.
            flows: Operations and targets by number.
            clock: What time it is.
        """
        self._link = link
        self._name = name
        self._salt = salt
        self._flows = flows
        self._clock = clock
        self._erased = ErasedUsers()
        self._erasures_seen = 0

    async def moved(self, source: str) -> Moved:
        """See `MoveTarget.moved`."""
        async with self._step(source) as raw:
            rows = {row["name"]: row["count"] for row in await raw.fetch(statement("moved"), source)}
        return Moved(rows.pop(_SEQ, 0), rows.pop(_BURIED, 0), rows)

    async def refuse(self, fingerprints: Sequence[str]) -> None:
        """See `MoveTarget.refuse`."""
        async with self._link.transaction() as raw:
            await raw.execute("LOCK TABLE relay.erased IN SHARE ROW EXCLUSIVE MODE")  # numbers are seen in order
            await raw.execute(statement("refuse"), [bytes.fromhex(one) for one in set(fingerprints)])

    async def bind(self, bindings: Sequence[Binding]) -> None:
        """See `MoveTarget.bind`."""
        await self._link.fetch(statement("claim"), *claim_arguments(bindings, self._salt, self._clock.now_ms()))

    async def take(self, source: str, records: Sequence[Record]) -> int:
        """See `MoveTarget.take`. What a page has sent here meanwhile, too, is not taken again."""
        flows = {record.key[:2]: await self._flows.number(record.key, self._link) for record in records}
        left_out = 0
        async with self._step(source) as raw:
            refused = await self._refused(raw)
            owners = await self._owners(raw, [record.key for record in records])
            arriving: list[tuple[NewRecord, int]] = []
            for record in records:
                if record.user_id in refused or is_about(record.key.operation, record.body, refused):
                    left_out += record.size
                    continue
                owner = owners.get(self._session(record.key))
                new = as_it_is_here(record, owner, now_ms=self._clock.now_ms())
                arriving.append((new, record.accepted_at_ms))
            if arriving:
                await self._store(raw, arriving, [flows[new.key[:2]] for new, _ in arriving])
            await self._count(raw, {"accepted": left_out, ERASED: left_out})
            await _note(raw, source, {_SEQ: records[-1].seq})
        return left_out

    async def bury(self, source: str, buried: Sequence[Buried]) -> None:
        """See `MoveTarget.bury`."""
        keys = [SessionKey(Operation(one.operation), one.target, one.session_id) for one in buried]
        flows = [await self._flows.number(key, self._link) for key in keys]
        rows: list[tuple[object, ...]] = []
        counts: dict[str, int] = {}
        async with self._step(source) as raw:
            refused = await self._refused(raw)
            for one, key, flow in zip(buried, keys, flows, strict=True):
                if one.user_id in refused or is_about(key.operation, one.body, refused):
                    continue
                session, page = fingerprint(key, self._salt), fingerprint(page_key(key, one.came), self._salt)
                rows.append((
                    session, None if page == session else page, flow, one.accepted_at_ms, text(one.session_id),
                    None if one.user_id is None else text(one.user_id), alone(one.body, one.came), one.body, one.reason,
                    one.message, one.buried_at_ms, 0 if one.came is None else one.came.source,
                ))  # fmt: skip
                for name in ("accepted", BURIED_PREFIX + one.reason):
                    counts[name] = counts.get(name, 0) + 1
            if rows:
                columns = [list(column) for column in zip(*rows, strict=True)]
                await raw.execute(statement("bury_moved"), *columns)
            await self._count(raw, counts)
            await _note(raw, source, {_BURIED: buried[-1].number})

    async def count(self, source: str, totals: Mapping[str, int]) -> None:
        """See `MoveTarget.count`."""
        async with self._step(source) as raw:
            before = {row["name"]: row["count"] for row in await raw.fetch(statement("moved"), source)}
            await self._count(raw, totals)
            await _note(raw, source, {name: before.get(name, 0) + count for name, count in totals.items()})

    @asynccontextmanager
    async def _step(self, source: str) -> AsyncGenerator[Raw]:
        async with self._link.transaction() as raw:
            await raw.execute(_LOCK, source)
            yield raw

    async def _store(self, raw: Raw, arriving: Sequence[tuple[NewRecord, int]], flows: Sequence[int]) -> None:
        """As a relay appends, and then with the times at which they were accepted."""
        records = [Arriving(new, self._session(new.key)) for new, _ in arriving]
        columns = arguments_of(records, flows, self._salt, nonce)
        now_ms = self._clock.now_ms()
        turn = await raw.fetchrow("SELECT records_table, seen_table FROM relay.meta")
        assert turn is not None  # noqa: S101  `migrate` has made the row
        part, seen = turn["records_table"], turn["seen_table"]
        query = statement("append", records=part, seen=seen, other=1 - seen)
        more = (self._name, now_ms // 60_000)
        rows = await raw.fetch(query, *columns.events, nonce(), now_ms, *columns.records, *more)
        seq: int = rows[-1]["first"]
        seqs: list[int] = []
        for new, _ in arriving:
            seqs.append(seq)
            seq += len(new.ends)
        await raw.execute(statement("accepted_at", records=part), seqs, [at_ms for _, at_ms in arriving])

    async def _refused(self, raw: Raw) -> ErasedUsers:
        for row in await raw.fetch(statement("erased"), self._erasures_seen):
            if row["kind"] == "user":
                self._erased.note(row["fingerprint"].hex(), refused=row["refused"])
            self._erasures_seen = row["n"]
        return self._erased

    async def _owners(self, raw: Raw, keys: Iterable[SessionKey]) -> dict[int, tuple[str, int]]:
        sessions = list({self._session(key) for key in keys if key.session_id})
        rows = await raw.fetch(statement("owners"), sessions, self._clock.now_ms() - KEPT_MS)
        return {row["session"]: (untext(row["user_id"]), row["expires_at_ms"]) for row in rows}

    async def _count(self, raw: Raw, counts: Mapping[str, int]) -> None:
        some = {name: count for name, count in counts.items() if count}
        if some:
            minute = self._clock.now_ms() // 60_000
            await raw.execute(statement("count"), self._name, minute, list(some), list(some.values()))

    def _session(self, key: SessionKey) -> int:
        return fingerprint(key, self._salt)


@asynccontextmanager
async def move_target(link: DatabaseLink, *, name: str, clock: Clock) -> AsyncGenerator[PostgresMoveTarget]:
    """See `SpoolAdministration.target`: the schema is made if there is none; relays may be at work."""
    await migrate(link, now_ms=clock.now_ms())
    flows = Flows()
    await flows.load(link)
    salt = (await link.fetch("SELECT salt FROM relay.meta"))[0]["salt"]
    yield PostgresMoveTarget(link, name=name, salt=salt, flows=flows, clock=clock)


async def _note(raw: Raw, source: str, counts: Mapping[str, int]) -> None:
    if counts:
        await raw.execute(statement("note_moved"), source, list(counts), list(counts.values()))
