"""What is buried in the shared spool is known all the time, and costs nothing while nothing happens to it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from relay.core.model import BuriedKept
from relay.spool.postgres.administration import PostgresAdministration
from relay.spool.postgres.link import DatabaseLink, Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.postgres.statements import statement
from relay.spool.postgres.totals import Totals
from tests.spool.conftest import OpenPostgres
from tests.spool.leases import burial, lease_all, pieces
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
from tests.support.records import new_record


@pytest.fixture
async def link(database: str) -> AsyncIterator[DatabaseLink]:
    link = Server(database).connection("looks")
    yield link
    await link.close()


async def bury(spool: PostgresSpool, count: int, user_id: str | None = None) -> None:
    for number in range(count):
        await spool.append([new_record(f"e{number}", f"session-{user_id}-{number:09}", user_id=user_id)])
    for lease in await lease_all(spool):
        spool.settle(lease, buried=[burial(one) for one in pieces(lease)])
    await spool.look()


async def summed(link: DatabaseLink) -> BuriedKept:
    """What the sums say; they must be what is there."""
    by_sum, counted = Totals("somebody"), Totals("somebody")
    await by_sum.look_at_buried(link)
    await counted.count_buried(link)
    assert by_sum.kept == counted.kept
    return by_sum.kept


async def test_what_is_kept_is_right_after_all_that_may_happen_to_it(
    open_postgres: OpenPostgres, database: str, clock: FakeClock, link: DatabaseLink
) -> None:
    outside = PostgresAdministration(Server(database), clock=clock)
    async with open_postgres() as spool:
        assert await summed(link) == BuriedKept()
        await bury(spool, 3)
        first = await summed(link)
        assert (first.records, first.oldest_at_ms) == (3, clock.now_ms())
        clock.advance(7200)
        await bury(spool, 2, "u1")
        assert (await summed(link)).records == 5
        await link.fetch(statement("fold_sums"))
        assert await summed(link) == BuriedKept(5, (await summed(link)).bytes, first.oldest_at_ms)
        oldest = await outside.buried()
        assert await outside.discard([one.number for one in oldest[:3]]) == 3
        assert (await summed(link)).oldest_at_ms == clock.now_ms()
        await spool.erase(user_id="u1")
        assert await summed(link) == BuriedKept()
        await bury(spool, 4, "u2")
        assert await outside.replay() == 4
        assert await summed(link) == BuriedKept()
        await link.fetch(statement("fold_sums"))
        assert not await link.fetch("SELECT FROM relay.buried_sums")


async def test_looking_reads_nothing_that_is_buried_and_the_sums_stay_few(
    open_postgres: OpenPostgres, cluster: Cluster, link: DatabaseLink
) -> None:
    async with open_postgres() as spool:
        for round_ in range(5):
            await bury(spool, 2, f"u{round_}")
        hand = await asyncpg.connect(cluster.admin_url)
        totals = Totals("somebody")
        async with hand.transaction():
            await hand.execute("LOCK TABLE relay.buried IN ACCESS EXCLUSIVE MODE")
            await totals.look_at_buried(link)
        assert totals.kept.records == 10
        await link.fetch(statement("fold_sums"))
        assert len(await link.fetch("SELECT FROM relay.buried_sums")) == 1
        async with hand.transaction():
            await hand.execute("SELECT FROM relay.buried_sums FOR UPDATE")
            await link.fetch(statement("fold_sums"))
        assert (await summed(link)).records == 10, "two who fold at once do not count twice"
        await hand.close()


async def test_what_was_buried_before_there_were_sums_is_in_them(
    open_postgres: OpenPostgres, database: str, clock: FakeClock, link: DatabaseLink
) -> None:
    async with open_postgres() as spool:
        await bury(spool, 3)
    for line in (
        "DROP TABLE relay.buried_sums",
        "DROP FUNCTION relay.sum_buried CASCADE",
        "ALTER TABLE relay.relays DROP COLUMN leaving",
    ):
        await link.fetch(line)
    await link.fetch("UPDATE relay.meta SET version = 3")
    assert (await PostgresAdministration(Server(database), clock=clock).status()).buried, "the version before is read"
    async with open_postgres():
        assert (await summed(link)).records == 3
