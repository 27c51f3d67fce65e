"""What is on its way while somebody is erased, and gets there after the erasure was answered."""

import asyncio

import asyncpg

from relay.core.model import Operation
from relay.spool.postgres.statements import statement
from tests.spool.conftest import OpenPostgres
from tests.spool.leases import burial, lease_one, pieces, whole
from tests.spool.shared.test_shared_traps import APPENDING, WAITING, until
from tests.support.postgres import Cluster
from tests.support.records import key, new_record, single


async def test_what_is_to_be_put_about_a_user_and_commits_after_the_erasure_is_not_sent(
    open_postgres: OpenPostgres, cluster: Cluster
) -> None:
    hand, eye = await asyncpg.connect(cluster.admin_url), await asyncpg.connect(cluster.admin_url)
    users = key("", target="arn:aws:personalize:::dataset/g/USERS", operation=Operation.PUT_USERS)
    odd = rb'{"userId":"u3","properties":"\ud800"}'
    about = [single(users, None, "", body) for body in (b'{"userId":"u1"}', b'{"userId":"u2"}', odd)]
    async with open_postgres() as spool:
        await spool.append([new_record("e1")])
        async with hand.transaction():
            await hand.execute("SELECT FROM relay.ledger FOR UPDATE")
            slow = spool.append(about)
            await until(eye, APPENDING)
            assert await spool.erase(user_id="u1") == 0
        await slow
        async with asyncio.timeout(30):
            delivered: list[bytes] = []
            while spool.stats().pending:
                for lease in await spool.lease(max_sessions=100):
                    delivered += [record.body for record in lease.records]
                    spool.settle(lease, delivered=whole(lease))
        assert sorted(delivered) == sorted([new_record("e1").body, about[1].body, odd])
        await spool.look()
        assert (spool.stats().erased, spool.stats().delivered) == (1, 3)
        assert cluster.sql("SELECT count(*) FROM relay.records") == "0"
    await hand.close()
    await eye.close()


async def test_what_is_being_replayed_while_its_session_is_erased_is_erased(
    open_postgres: OpenPostgres, cluster: Cluster
) -> None:
    hand, eye = await asyncpg.connect(cluster.admin_url), await asyncpg.connect(cluster.admin_url)
    async with open_postgres() as spool:
        await spool.append([new_record("e1")])
        lease = await lease_one(spool)
        assert spool.settle(lease, buried=[burial(one) for one in pieces(lease)])
        await spool.look()
        async with hand.transaction():
            numbers = await hand.fetch(statement("unbury"), 0, True, [], 10)
            columns = [[row[name] for row in numbers] for name in ("session", "page", "flow")]
            more = [[row[name] for row in numbers] for name in ("session_id", "user_id", "header", "body")]
            await hand.execute(statement("replay", records=0), 0, *columns, [False], *more)
            erasing = asyncio.create_task(spool.erase(session_id=lease.key.session_id))
            await until(eye, WAITING + "'% watch'")
        assert await erasing == 1
        assert cluster.sql("SELECT count(*) FROM relay.records") == "0"
    await hand.close()
    await eye.close()
