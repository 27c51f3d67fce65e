"""The shared spool from outside: looked at, repaired and erased from while a relay has it open."""

import asyncio
from contextlib import AsyncExitStack

from msgspec.structs import replace

from relay.core.model import Provenance
from relay.spool.administration import Place
from relay.spool.postgres.administration import PostgresAdministration
from relay.spool.postgres.link import Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.schedule.buried_bounds import BuriedBounds
from tests.spool.conftest import MAX_BYTES, OpenPostgres
from tests.spool.leases import balances, burial, deliver_all, lease_all, lease_one, pieces
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
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


async def test_one_session_or_one_user_is_found_wherever_its_events_lie(
    open_postgres: OpenPostgres, database: str, clock: FakeClock
) -> None:
    outside = PostgresAdministration(Server(database), clock=clock)

    async def found(place: Place, **whom: str) -> list[str]:
        return [one.event_id async for some in outside.events_of(place, **whom) for one in some]

    async with open_postgres() as spool:
        await spool.append([beacon("a", "b"), new_record("c", target="tracker-2", user_id="anna")])
        await spool.append([new_record("d", SESSION + "-other", user_id="anna")])
        assert await found("pending", session_id=SESSION) == ["a", "b", "c"]
        assert await found("pending", user_id="anna") == ["c", "d"]
        assert await found("pending", session_id="nobody-knows-this-one") == []
        assert await outside.sessions_of("anna") == []
        for lease in await lease_all(spool):
            spool.settle(lease, buried=[burial(piece) for piece in pieces(lease)])
        await spool.look()
        assert await found("pending", session_id=SESSION) == []
        assert sorted(await found("buried", session_id=SESSION)) == ["a", "b", "c"]
        assert sorted(await found("buried", user_id="anna")) == ["c", "d"]
        assert await found("archived", session_id=SESSION) == []


async def test_who_is_erased_from_outside_is_erased_and_refused_at_a_relay_at_work(
    open_postgres: OpenPostgres, database: str, clock: FakeClock
) -> None:
    async with open_postgres() as spool:
        await spool.append([new_record("a", user_id="u1"), new_record("b", SESSION + "-other", user_id="u2")])
        assert await PostgresAdministration(Server(database), clock=clock).erase(user_id="u1") == 1
        assert "u1" in spool.erased
        await spool.look()
        assert await deliver_all(spool) == ["b"]


async def test_what_waits_for_a_tracking_id_is_discarded_and_the_rest_is_delivered(
    open_postgres: OpenPostgres, database: str, clock: FakeClock
) -> None:
    outside = PostgresAdministration(Server(database), clock=clock)
    async with open_postgres() as spool:
        for number in range(1_100):
            spool.append([new_record(f"wrong{number}", f"session-{number % 7:012}", target="tracker-wrong")])
        await spool.append([beacon("a", "b")])
        assert await outside.discard_waiting("tracker-nobody-has") == 0
        assert await outside.discard_waiting("tracker-wrong") == 1_100
        assert await outside.discard_waiting("tracker-wrong") == 0
        await spool.look()
        assert (spool.stats().erased, spool.stats().pending) == (1_100, 2)
        assert await deliver_all(spool) == ["a", "b"]
        await spool.look()
        assert balances(spool)


async def test_past_the_bound_those_of_the_source_with_most_go_first_however_many_relays_see_it(
    open_postgres: OpenPostgres, database: str, cluster: Cluster, clock: FakeClock
) -> None:
    async with open_postgres() as spool:
        for number in range(60):
            came = Provenance(source=7 if number % 6 else 1000 + number)
            await spool.append([replace(new_record(f"e{number}", f"session-{number:016}"), came=came)])
        for lease in await lease_all(spool):
            spool.settle(lease, buried=[burial(piece) for piece in pieces(lease)])
        await spool.look()
    assert cluster.sql("SELECT count(*) FROM relay.buried") == "60"

    def bounded() -> PostgresSpool:
        return PostgresSpool(Server(database), clock=clock, max_bytes=MAX_BYTES, bounds=BuriedBounds(max_bytes=4000))

    async with AsyncExitStack() as stack:
        relays = [bounded() for _ in range(3)]
        await asyncio.gather(*[stack.enter_async_context(relay) for relay in relays])
        async with asyncio.timeout(20):
            while any(relay.stats().kept.records != relays[0].stats().kept.records for relay in relays) or any(
                relay.stats().kept.bytes > 4000 for relay in relays
            ):
                await asyncio.gather(*[relay.look() for relay in relays])
        await asyncio.gather(*[relay.look() for relay in relays])
        for relay in relays:
            stats = relay.stats()
            assert 3000 < stats.kept.bytes <= 4000
            assert stats.discarded == 60 - stats.kept.records > 0
            assert balances(relay)
    assert cluster.sql("SELECT count(*) FROM relay.buried WHERE source <> 7") == "10", "others keep theirs"
