"""Records of several events in the file: what has left stays gone, and a login reaches what is on its way."""

import asyncio
from collections import Counter
from itertools import product

import pytest

from relay.core.model import Binding
from tests.spool.conftest import OpenSqlite
from tests.spool.leases import burial, deliver_all, ids, lease_first, pieces
from tests.support.clock import FakeClock
from tests.support.records import SESSION, beacon


async def test_events_that_have_left_a_record_stay_gone_after_a_restart(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        await spool.append([beacon("a", "b", "c", "d"), beacon("e", "f")])
        lease = await lease_first(spool)
        each = pieces(lease)
        spool.settle(lease, delivered=[each[0], each[4]], buried=[burial(each[2])])
    async with open_sqlite() as spool:
        stats = spool.stats()
        assert (stats.accepted, stats.delivered, stats.pending) == (6, 2, 3)
        assert await spool.append([beacon("b", "g")]) == {(0, 0)}
        assert await deliver_all(spool) == ["b", "d", "f", "g"]


@pytest.mark.parametrize("ways", ["".join(ways) for ways in product("db", repeat=3)])
async def test_a_record_that_leaves_in_parts_within_one_commit_leaves_whole(open_sqlite: OpenSqlite, ways: str) -> None:
    """As a session's beacons do when the service answers quickly: `d` delivers the next event, `b` buries it."""
    async with open_sqlite() as spool:
        await spool.append([beacon("a", "b", "c"), beacon("d")])
        for way in ways:
            lease = await lease_first(spool)
            first = pieces(lease)[0]
            spool.settle(
                lease,
                delivered=[first] if way == "d" else [],
                buried=[burial(first)] if way == "b" else [],
            )
    async with open_sqlite() as spool:
        stats, left = spool.stats(), Counter(ways)
        assert (stats.delivered, stats.buried.get("InvalidInputException", 0)) == (left["d"], left["b"])
        assert (stats.accepted, stats.pending, stats.buried.get("corrupt")) == (4, 1, None)
        assert await deliver_all(spool) == ["d"]


async def test_an_erasure_while_a_part_is_settled_counts_each_event_once(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        await spool.append([beacon("a", "b", "c")])
        lease = await lease_first(spool)
        erasing = asyncio.create_task(spool.erase(session_id=SESSION))
        for _ in range(3):
            await asyncio.sleep(0)
        spool.settle(lease, delivered=pieces(lease)[:1])
        await erasing
        await spool.work(lambda _: None)
        stats = spool.stats()
        assert stats.accepted == stats.delivered + stats.erased == 3


async def test_a_login_reaches_what_is_on_its_way_from_memory_too(open_sqlite: OpenSqlite, clock: FakeClock) -> None:
    async with open_sqlite() as spool:
        binding = Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000)
        await asyncio.gather(*[spool.append([beacon(f"a{n}", f"b{n}")]) for n in range(3)], spool.append([], binding))
        lease = await lease_first(spool)
        assert (ids(lease), lease.records[0].user_id) == (["a0", "b0", "a1", "b1", "a2", "b2"], "u1")
    async with open_sqlite() as spool:
        assert (await lease_first(spool)).records[0].user_id == "u1"


async def test_a_record_may_leave_in_several_steps_before_the_disk_hears_of_any(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        await spool.append([beacon("a", "b", "c", "d", "e"), beacon("f", "g")])
        for step in ("deliver", "bury", "deliver", "deliver", "bury", "bury", "deliver"):
            lease = await lease_first(spool)
            first = pieces(lease)[0]
            if step == "deliver":
                spool.settle(lease, delivered=[first])
            else:
                spool.settle(lease, buried=[burial(first)])
        before = spool.stats()
    async with open_sqlite() as spool:
        stats = spool.stats()
        assert (stats.delivered, stats.buried, stats.pending) == (4, {"InvalidInputException": 3}, 0)
        assert (stats.delivered, stats.buried) == (before.delivered, before.buried)
        assert spool.stats().kept.records == 3
