"""Relays behind a real PgBouncer in transaction mode: three connections for all, nothing prepared, nobody listens.

What one relay's end of the spool does is in the contract's tests, which run through it, too; here are several.
"""

import asyncio

from relay.core.model import Binding
from relay.spool.postgres.administration import PostgresAdministration
from relay.spool.postgres.link import Server
from relay.spool.postgres.rows import SHARDS
from relay.spool.postgres.spool import PostgresSpool
from tests.spool.conftest import OpenPostgres
from tests.spool.leases import burial, deliver_all, ids, lease_all, lease_one, pieces, whole
from tests.spool.shared.pgbouncer import POOL, Bouncer
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
from tests.support.records import SESSION, new_record

SESSIONS = [f"session-{number:016}" for number in range(40)]
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'relay'"


async def test_two_relays_deliver_everything_once_and_in_order_and_the_last_one_has_every_shard(
    open_pooled: OpenPostgres, cluster: Cluster
) -> None:
    delivered: dict[str, list[str]] = {name: [] for name in SESSIONS}

    async def deliver(spool: PostgresSpool) -> None:
        while True:
            for lease in await spool.lease(max_sessions=8):
                delivered[lease.key.session_id] += ids(lease)
                spool.settle(lease, delivered=whole(lease))

    async def visit(relays: list[PostgresSpool], name: str) -> None:
        for number in range(6):
            await relays[number % 2].append([new_record(f"{name}-{number}", name)])

    async with open_pooled() as first:
        async with open_pooled() as second:
            await until_shared(first, second)
            delivering = [asyncio.create_task(deliver(one)) for one in (first, second)]
            await asyncio.gather(*[visit([first, second], name) for name in SESSIONS])
            assert int(cluster.sql(CONNECTIONS)) <= POOL
            async with asyncio.timeout(30):
                while int(cluster.sql("SELECT count(*) FROM relay.records")):
                    await asyncio.gather(first.look(), second.look())
            for one in delivering:
                one.cancel()
            await asyncio.wait(delivering)
            await first.append([new_record("last", SESSIONS[0])])
        await first.look()
        assert len(first.shards) == SHARDS, "nobody said that they are free, and nobody waited for a lease to run out"
        assert ids(await lease_one(first)) == ["last"]
    assert delivered == {name: [f"{name}-{number}" for number in range(6)] for name in SESSIONS}


async def until_shared(*relays: PostgresSpool) -> None:
    async with asyncio.timeout(30):
        while sum(len(one.shards) for one in relays) < SHARDS or not all(one.shards for one in relays):
            for one in relays:
                await one.look()


async def test_who_logs_in_or_is_erased_at_one_relay_has_at_the_other(
    open_pooled: OpenPostgres, clock: FakeClock
) -> None:
    async with open_pooled() as first, open_pooled() as second:
        await until_shared(first, second)
        for number, name in enumerate(SESSIONS):
            await first.append([new_record(f"e{number}", name)])
            binding = Binding("tracker-1", name, f"user-{number}", clock.now_ms() + 10**9)
            await second.append([], binding)
        assert await second.erase(user_id="user-0") == 1
        assert "user-0" in first.erased
        found: dict[str, str | None] = {}

        async def take(spool: PostgresSpool) -> None:
            while True:
                for lease in await spool.lease(max_sessions=100):
                    found.update({ids(lease)[0]: lease.records[0].user_id})

        taking = [asyncio.create_task(take(one)) for one in (first, second)]
        async with asyncio.timeout(30):
            while len(found) < len(SESSIONS) - 1:
                await asyncio.gather(first.look(), second.look())
        for one in taking:
            one.cancel()
        await asyncio.wait(taking)
        assert found == {f"e{number}": f"user-{number}" for number in range(1, len(SESSIONS))}


async def test_a_pooler_that_is_started_anew_loses_nothing(open_pooled: OpenPostgres, bouncer: Bouncer) -> None:
    async with open_pooled() as spool:
        await spool.append([new_record("e1")])
        lease = await lease_one(spool)
        bouncer.stop()
        waits = spool.append([new_record("e2", SESSION + "-too")])
        assert spool.settle(lease, delivered=whole(lease))
        await asyncio.to_thread(bouncer.start)
        await waits
        async with asyncio.timeout(30):
            delivered = [name for name in await deliver_all(spool) if name != "e1"]
        assert delivered == ["e2"], "e1 perhaps again, for what the settle did is not known"


async def test_it_is_looked_after_from_outside(open_pooled: OpenPostgres, bouncer: Bouncer, clock: FakeClock) -> None:
    outside = PostgresAdministration(Server(bouncer.url, pooled=True), clock=clock)
    async with open_pooled() as spool:
        await spool.append([new_record("e1"), new_record("e2", SESSION + "-too")])
        for lease in await lease_all(spool):
            assert spool.settle(lease, buried=[burial(one) for one in pieces(lease)])
        await spool.look()
        assert (await outside.status()).buried == {"InvalidInputException": 2}
        one, _ = await outside.buried()
        assert await outside.discard([one.number]) == 1
        assert await outside.replay() == 1
        await spool.look()
        assert len(await deliver_all(spool)) == 1
