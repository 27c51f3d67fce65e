"""What two relays count on one database, in its store: added up, nothing twice, bounded, and without the database."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from relay.insight.minute_rows import HOUR_S, MINUTE_S, OTHER, Coverage, RefusalRow
from relay.insight.shared_store import MOST_KEY_BYTES, MOST_KEYS, SharedStore
from relay.spool.postgres.administration import PostgresAdministration
from relay.spool.postgres.link import Server
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster

SEEN = ("list", "source", "home", "seen")


@asynccontextmanager
async def two_stores(database: str, clock: FakeClock) -> AsyncGenerator[tuple[SharedStore, SharedStore]]:
    """Of two relays, on a schema that is there."""
    await PostgresAdministration(Server(database), clock=clock).migrate()
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(SharedStore(Server(database).connection("counts"), clock=clock))
            for _ in range(2)
        ]
        yield one, other


def now_s(clock: FakeClock) -> int:
    return clock.now_ms() // 1000


async def test_each_gives_the_sums_of_both_and_nothing_twice(database: str) -> None:
    clock = FakeClock()
    at_ms = clock.now_ms()
    async with two_stores(database, clock) as (one, other):
        await one.add(
            now_s(clock),
            {SEEN: 3, ("call", "delivered", ""): 1},
            [RefusalRow(("a",), False, 2, at_ms + 10, at_ms + 20)],
        )
        await other.add(now_s(clock), {SEEN: 4}, [RefusalRow(("a",), True, 3, at_ms + 5, at_ms + 15)])
        for store in (one, other, one):
            assert await store.write()
        for store in (one, other):
            for unit_s in (MINUTE_S, HOUR_S):
                assert await store.since(unit_s, now_s(clock) - HOUR_S) == Counter(
                    {SEEN: 7, ("call", "delivered", ""): 1}
                )
            assert await store.refusals(10) == [RefusalRow(("a",), True, 5, at_ms + 5, at_ms + 20)]


async def test_what_is_written_again_since_nobody_knows_whether_it_arrived_is_counted_once(
    database: str, cluster: Cluster
) -> None:
    clock = FakeClock()
    async with two_stores(database, clock) as (one, other):
        await one.add(now_s(clock), {SEEN: 1}, [])
        assert await one.write()
        await one.add(now_s(clock), {SEEN: 1}, [])
        cluster.sql("ALTER TABLE relay.insight_counts RENAME TO elsewhere")
        assert not await one.write()
        await one.add(now_s(clock), {SEEN: 1}, [])
        cluster.sql("ALTER TABLE relay.elsewhere RENAME TO insight_counts")
        assert await one.write()
        assert await one.write()
        assert (await other.since(MINUTE_S, 0))[SEEN] == 3


async def test_rows_of_a_relay_that_has_ended_count_for_a_day_and_then_are_gone(
    database: str, cluster: Cluster
) -> None:
    clock = FakeClock()
    async with two_stores(database, clock) as (one, other):
        async with SharedStore(Server(database).connection("counts"), clock=clock) as third:
            await third.add(now_s(clock), {SEEN: 5}, [RefusalRow(("a",), True, 1, clock.now_ms(), clock.now_ms())])
        assert (await one.since(HOUR_S, now_s(clock) - 24 * HOUR_S))[SEEN] == 5
        clock.advance(27 * HOUR_S)
        await other.add(now_s(clock), {SEEN: 1}, [])
        assert await other.write()
        assert cluster.sql("SELECT sum(count) FROM relay.insight_counts") == "2", "a minute and an hour"
        assert [row.key for row in await one.refusals(10)] == [("a",)], "causes are kept for longer"
        clock.advance(7 * 24 * HOUR_S)
        async with SharedStore(Server(database).connection("counts"), clock=clock) as fourth:
            await fourth.add(now_s(clock), {SEEN: 1}, [])
        assert await one.refusals(10) == []


async def test_names_of_strangers_fill_neither_memory_nor_database(database: str, cluster: Cluster) -> None:
    clock = FakeClock()
    async with two_stores(database, clock) as (one, other):
        long = ("list", "source", "x" * MOST_KEY_BYTES, "seen")
        many: dict[tuple[str, ...], int] = {("property", "t", f"p{number}"): 1 for number in range(MOST_KEYS + 500)}
        at_ms = clock.now_ms()
        causes = [RefusalRow((str(number),), False, 1, at_ms, at_ms + number) for number in range(3000)]
        await one.add(now_s(clock), {long: 2} | many, causes)
        assert await one.write()
        found = await other.since(HOUR_S, 0)
        assert found["list", "source", OTHER, "seen"] == 2
        assert found["property", "t", OTHER] >= 500
        assert sum(found.values()) == 2 + MOST_KEYS + 500
        assert int(cluster.sql("SELECT count(*) FROM relay.insight_counts")) <= 2 * (MOST_KEYS + 2)
        later = [RefusalRow((f"later {number}",), False, 1, at_ms, at_ms + 9000 + number) for number in range(400)]
        await one.add(now_s(clock), {}, later)
        assert await one.write()
        assert cluster.sql("SELECT count(*) FROM relay.insight_causes") == "500"
        assert cluster.sql("SELECT min(last_ms) FROM relay.insight_causes") == str(at_ms + 2900)


async def test_text_of_any_kind_comes_back_as_it_was(database: str) -> None:
    clock = FakeClock()
    async with two_stores(database, clock) as (one, other):
        key = ("list", "source", "\x00 \ud800 \u202e 'x' \U0001f600", "seen")
        await one.add(now_s(clock), {key: 1}, [])
        assert await one.write()
        assert await other.since(HOUR_S, 0) == Counter({key: 1})


async def test_without_its_database_a_store_gives_its_own_and_says_so(database: str, cluster: Cluster) -> None:
    clock = FakeClock()
    async with two_stores(database, clock) as (one, other):
        await other.add(now_s(clock), {SEEN: 4}, [])
        assert await other.write()
        assert (await one.since(HOUR_S, 0))[SEEN] == 4
        cluster.crash()
        try:
            await one.add(now_s(clock), {SEEN: 3}, [RefusalRow(("a",), True, 1, 1, 1)])
            assert await one.since(HOUR_S, 0) == Counter({SEEN: 3})
            assert [row.key for row in await one.refusals(10)] == [("a",)]
            assert "database" in (await one.coverage()).away
            assert not await one.write()
        finally:
            cluster.start()
        assert await one.write(), "what could not be written is written later"
        assert (await one.since(HOUR_S, 0))[SEEN] == 7
        assert await one.coverage() == Coverage(is_shared=True)
