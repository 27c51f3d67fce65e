"""Everything of one spool into another: nothing lost, nothing twice, whatever stops it in between."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from relay.core.errors import SpoolLockedError
from relay.core.model import Binding, Operation, Provenance, SessionKey, SpoolStats
from relay.spool.administration import MoveTarget, SpoolAdministration
from relay.spool.move import MovedNow, move
from relay.spool.postgres.administration import PostgresAdministration
from relay.spool.postgres.link import Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.sqlite.admin import move_source as move_source_module
from relay.spool.sqlite.admin.administration import SqliteAdministration
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import MAX_BYTES
from tests.spool.leases import balances, burial, lease_all, pass_time, pieces, whole
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
from tests.support.records import SESSION, Event, beacon, events_of, new_record, single

OTHER = "ffff1234567890ab"
LATER = "eeee1234567890ab"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return tmp_path / "old.db"


class Place(NamedTuple):
    """Where a spool is: a file, or a database."""

    where: Path | str

    def opened(self, clock: FakeClock) -> SqliteSpool | PostgresSpool:
        if isinstance(self.where, Path):
            return opened(self.where, clock)
        return PostgresSpool(Server(self.where), clock=clock, max_bytes=MAX_BYTES)

    def outside(self, clock: FakeClock) -> SpoolAdministration:
        if isinstance(self.where, Path):
            return SqliteAdministration(self.where, clock=clock)
        return PostgresAdministration(Server(self.where, pooled=True), clock=clock)


@pytest.fixture(params=["sqlite", "postgres"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Place]:
    """Places with nothing in them; of a database each is the end of the one before."""
    if request.param == "sqlite":
        return lambda: Place(Path(tempfile.mkdtemp(dir=tmp_path)) / "new.db")
    cluster: Cluster = request.getfixturevalue("cluster")

    def emptied() -> Place:
        cluster.sql("DROP SCHEMA IF EXISTS relay CASCADE")
        return Place(cluster.url)

    return emptied


@pytest.fixture
def new(another: Callable[[], Place]) -> Place:
    return another()


def opened(path: Path, clock: FakeClock) -> SqliteSpool:
    return SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES)


async def fill(path: Path, clock: FakeClock) -> SpoolStats:
    """Some of all there may be: delivered, buried, erased, pending in part, bound and not, of users and of none."""
    async with opened(path, clock) as spool:
        await spool.append([new_record("gone", LATER, user_id="u9")])
        await spool.erase(user_id="u9")
        await spool.append([beacon("a0", "a1", "a2", "a3", user_id="u1")])
        (lease,) = await lease_all(spool)
        each = pieces(lease)
        spool.settle(lease, delivered=[each[0]], buried=[burial(each[2], message="why not")])
        clock.advance(5)
        about = SessionKey(Operation.PUT_USERS, "arn:aws:personalize:::dataset/g/USERS", "")
        kept = msgspec.structs.replace(
            new_record("b1", OTHER), came=Provenance(never_bound=True, beacon_seq=7, source=3)
        )
        await spool.append([new_record("b0", OTHER), kept, single(about, None, "", b'{"userId":"u4"}')])
        await spool.append(
            [beacon("a4", "a5", user_id="u1")], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 9000)
        )
        await spool.work(lambda _: None)
        return spool.stats()


async def moved(old: Path, new: Place, clock: FakeClock) -> MovedNow:
    source, target = SqliteAdministration(old, clock=clock), new.outside(clock)
    async with source.source() as from_it, target.target() as into_it:
        done = await move(from_it, into_it, told=lambda _: None)
        from_it.retire()
    return done


async def content(place: Place, clock: FakeClock) -> tuple[SpoolStats, list[Event], list[Binding], list[object]]:
    """What a spool holds, without the numbers of its own."""
    buried = [(msgspec.structs.replace(one, number=0, came=None)) for one in await place.outside(clock).buried()]
    async with place.opened(clock) as spool:
        assert balances(spool)
        assert "u9" in spool.erased
        stats = spool.stats()
        events = [event for lease in await lease_all(spool) for event in events_of(lease.records)]
        return (
            msgspec.structs.replace(stats, size_bytes=0),
            sorted(events, key=lambda one: (one.key, one.accepted_at_ms)),
            sorted(await spool.bindings(), key=lambda one: one.session_id),
            list(buried),
        )


async def test_all_of_it_is_in_the_other_spool_as_it_was(old: Path, new: Place, clock: FakeClock) -> None:
    stats = await fill(old, clock)
    before = await content(Place(old), clock)
    assert stats.pending == len(before[1]) == 7
    done = await moved(old, new, clock)
    assert (done.pending, done.buried, done.bindings, done.erased_users, done.left_out) == (7, 1, 1, 1, 0)
    assert await content(new, clock) == before
    async with new.opened(clock) as spool:
        kept = [record for lease in await lease_all(spool) for record in lease.records if record.came is not None]
        assert [record.came for record in kept] == [Provenance(never_bound=True, beacon_seq=7, source=3)]
        assert await spool.append([new_record("b0", OTHER)]) == {(0, 0)}, "a page that repeats it is known"


async def test_what_was_moved_lies_where_no_relay_opens_it(old: Path, new: Place, clock: FakeClock) -> None:
    await fill(old, clock)
    await moved(old, new, clock)
    there = SqliteAdministration(old, clock=clock)
    assert not await there.is_there()
    assert await there.retired() == f"{old}.moved"
    assert sorted(path.name for path in old.parent.iterdir() if path.name.startswith("old")) == ["old.db.moved"]


async def test_relays_of_a_shared_spool_deliver_what_is_moved_into_it(
    old: Path, database: str, clock: FakeClock
) -> None:
    await fill(old, clock)
    new = Place(database)
    async with new.opened(clock) as spool:
        await spool.append([new_record("here", OTHER)])
        assert await spool.append([new_record("b0", OTHER)]) == frozenset(), "the page came again, here"
        await moved(old, new, clock)
        await pass_time(spool, clock, 1)
        delivered: list[Event] = []
        async with asyncio.timeout(20):
            while len(delivered) < 8:
                for lease in await lease_all(spool):
                    delivered += events_of(lease.records)
                    spool.settle(lease, delivered=whole(lease))
        await pass_time(spool, clock, 1)
        assert balances(spool)
        assert spool.stats().pending == 0
    by_session = [[one.event_id for one in delivered if one.key == key] for key in {one.key for one in delivered}]
    assert sorted(by_session) == [[""], ["a1", "a3", "a4", "a5"], ["here", "b0", "b1"]]


async def test_a_relay_at_work_is_not_moved_and_a_file_it_has_is_not_moved_into(
    old: Path, tmp_path: Path, clock: FakeClock
) -> None:
    await fill(old, clock)
    new = Place(tmp_path / "new.db")
    async with opened(old, clock):
        with pytest.raises(SpoolLockedError):
            await moved(old, new, clock)
    async with new.opened(clock):
        with pytest.raises(SpoolLockedError, match="stop the relay"):
            await moved(old, new, clock)
    assert await SqliteAdministration(old, clock=clock).is_there()


class StoppedError(Exception):
    """As a kill would: nothing more is done."""


class StopsAfter:
    """A target that is there for so many steps; the last one is durable, and nobody is told."""

    def __init__(self, target: MoveTarget, steps: int) -> None:
        self._target = target
        self._steps = steps

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def step(*given: object) -> object:
            result = await getattr(self._target, name)(*given)
            self._steps -= 1
            if self._steps < 0:
                raise StoppedError
            return result

        return step


async def test_wherever_it_is_stopped_the_next_run_goes_on_and_nothing_is_twice(
    old: Path, another: Callable[[], Place], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_source_module, "AT_ONCE", 1)
    await fill(old, clock)
    before = await content(Place(old), clock)
    source, steps, stopped = SqliteAdministration(old, clock=clock), 0, True
    while stopped:
        new = another()
        target = new.outside(clock)
        try:
            async with source.source() as from_it, target.target() as into_it:
                await move(from_it, StopsAfter(into_it, steps), told=lambda _: None)  # type: ignore[arg-type]  # by name
            stopped = False
        except StoppedError:
            steps += 1
        runs: list[MovedNow] = []
        for _ in range(2):
            async with source.source() as from_it, target.target() as into_it:
                runs.append(await move(from_it, into_it, told=lambda _: None))
        assert not runs[1].anything
        assert await content(new, clock) == before
    assert steps > 8


async def test_what_the_old_relay_took_after_a_move_that_was_stopped_comes_too(
    old: Path, new: Place, clock: FakeClock
) -> None:
    await fill(old, clock)
    source, target = SqliteAdministration(old, clock=clock), new.outside(clock)
    async with source.source() as from_it, target.target() as into_it:
        await move(from_it, into_it, told=lambda _: None)
    async with opened(old, clock) as spool:
        await spool.append([new_record("late", LATER)])
    done = await moved(old, new, clock)
    assert (done.pending, done.buried) == (1, 0)
    _, events, _, _ = await content(new, clock)
    assert [one.event_id for one in events].count("late") == 1
    assert len(events) == 8


async def test_what_the_target_knows_holds_for_what_comes(old: Path, new: Place, clock: FakeClock) -> None:
    """Whose session it is there it stays, its user is given to what has none, and who is erased there is left out."""
    await fill(old, clock)
    until_ms = clock.now_ms() + 60_000
    async with new.opened(clock) as spool:
        await spool.append([new_record("n0", user_id="u2")], Binding("tracker-1", SESSION, "u2", until_ms))
        await spool.append([], Binding("tracker-1", OTHER, "u3", until_ms))
        await spool.erase(user_id="u4")
    done = await moved(old, new, clock)
    assert done.left_out == 1
    async with new.opened(clock) as spool:
        assert balances(spool)
        users: dict[str, set[str | None]] = {}
        pages: set[str | None] = set()
        while spool.stats().pending:
            for lease in await lease_all(spool):
                users.setdefault(lease.key.session_id, set()).update({one.user_id for one in lease.records})
                pages |= {one.came.page_session for one in lease.records if one.came is not None}
                spool.settle(lease, delivered=whole(lease))
        own = next(session for session in users if session.startswith("moved~"))
        assert users == {SESSION: {"u2"}, OTHER: {"u3", None}, own: {"u1"}}
        bound = {one.session_id: one.user_id for one in await spool.bindings()}
        assert bound == {SESSION: "u2", OTHER: "u3"}
        assert SESSION in pages, "erasing the session takes it along"


async def test_several_spools_go_into_one(old: Path, new: Place, tmp_path: Path, clock: FakeClock) -> None:
    async def simple(path: Path, name: str) -> None:
        async with opened(path, clock) as spool:
            await spool.append([new_record(f"{name}{number}", f"{name}-session-0123456") for number in range(3)])

    for name in ("x", "y"):
        await simple(tmp_path / f"{name}.db", name)
        await moved(tmp_path / f"{name}.db", new, clock)
    async with new.opened(clock) as spool:
        assert (spool.stats().accepted, spool.stats().pending) == (6, 6)


async def test_a_damaged_record_stays_and_the_rest_goes(
    old: Path, new: Place, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(old, clock) as spool:
        await spool.append([new_record("e0"), new_record("e1"), new_record("e2")])
        await spool.work(lambda database: database.sql.execute("UPDATE records SET crc = 1 WHERE seq = 2").rowcount)
    assert (await moved(old, new, clock)).pending == 2
    assert "1 records are not moved" in caplog.text
    async with new.opened(clock) as spool:
        assert balances(spool)
