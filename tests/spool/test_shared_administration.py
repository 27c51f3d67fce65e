"""The shared spool from outside: looked at, repaired and erased from while a relay has it open."""

import asyncio

from relay.spool.postgres.administration import PostgresAdministration
from relay.spool.postgres.link import Server
from tests.spool.conftest import OpenPostgres
from tests.spool.leases import burial, deliver_all, lease_one, pieces
from tests.support.clock import FakeClock
from tests.support.records import SESSION, beacon, new_record


async def test_what_is_in_it_is_seen_and_what_is_buried_comes_back(
    open_postgres: OpenPostgres, database: str, clock: FakeClock
) -> None:
    outside = PostgresAdministration(Server(database), clock=clock)
    assert not await outside.is_there()
    assert await outside.migrate()
    assert not await outside.migrate()
    async with open_postgres() as spool:
        await spool.append([beacon("a", "b"), new_record("c", user_id="u1")])
        assert [kept.event_id async for some in outside.events("tracker-1", "pending") for kept in some] == [
            "a",
            "b",
            "c",
        ]
        lease = await lease_one(spool)
        spool.settle(lease, buried=[burial(one) for one in pieces(lease)])
        await spool.look()
        overview = await outside.status()
        assert (overview.stats.accepted, overview.stats.pending, overview.buried) == (
            3,
            1,
            {"InvalidInputException": 2},
        )
        a, b = await outside.buried()
        assert [a.event_id, b.event_id] == ["a", "b"]
        assert await outside.discard([a.number]) == 1
        assert await outside.replay() == 1
        await spool.look()
        async with asyncio.timeout(20):
            assert await deliver_all(spool) == ["c", "b"]
        await spool.look()
        assert await outside.targets(["pending", "buried", "archived"]) == set()


async def test_who_is_erased_from_outside_is_erased_and_refused_at_a_relay_at_work(
    open_postgres: OpenPostgres, database: str, clock: FakeClock
) -> None:
    async with open_postgres() as spool:
        await spool.append([new_record("a", user_id="u1"), new_record("b", SESSION + "-other", user_id="u2")])
        assert await PostgresAdministration(Server(database), clock=clock).erase(user_id="u1") == 1
        assert "u1" in spool.erased
        await spool.look()
        assert await deliver_all(spool) == ["b"]
