"""The memory of event ids is switched while much waits, and nobody waits for that."""

import asyncio
from typing import Final

import asyncpg
import pytest

from relay.spool.postgres.link import Server
from relay.spool.postgres.statements import PARTS, statement
from relay.spool.postgres.write import turns
from relay.spool.schedule.dedup_window import REMEMBERED_S
from tests.spool.conftest import OpenPostgres
from tests.spool.leases import deliver_all
from tests.spool.shared.test_shared_traps import WAITING, until
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
from tests.support.records import new_record

CARRYING: Final = WAITING + "'% watch'"


async def test_appends_go_on_while_event_ids_are_carried_over(
    open_postgres: OpenPostgres, cluster: Cluster, clock: FakeClock
) -> None:
    hand, eye = await asyncpg.connect(cluster.admin_url), await asyncpg.connect(cluster.admin_url)
    async with open_postgres() as spool:
        await spool.append([new_record("e0", "first")])
        clock.advance(REMEMBERED_S)
        await spool.look()  # what was written is now the older one
        clock.advance(REMEMBERED_S)
        known = await hand.fetchrow("SELECT session, event, by FROM relay.seen_0")
        assert known is not None
        async with hand.transaction():
            await hand.execute("INSERT INTO relay.seen_1 VALUES ($1, $2, $3)", *known)
            looking = asyncio.create_task(spool.look())
            await until(eye, CARRYING)
            assert not await spool.append([new_record("e1", "second")])
        await looking
        assert await spool.append([new_record("e0", "first")]) == {(0, 0)}
        assert sorted(await deliver_all(spool)) == ["e0", "e1"]
    await hand.close()
    await eye.close()


async def test_what_waits_is_remembered_over_every_switch_however_many_ids_there_are(
    open_postgres: OpenPostgres, cluster: Cluster, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "CARRIED_AT_ONCE", 3)
    names = [f"e{number}" for number in range(8)]
    async with open_postgres() as spool:
        await spool.append([new_record(name, f"session-of-{name}") for name in names])
        for written in (1, 0, 1):
            clock.advance(REMEMBERED_S)
            for _ in range(4):
                await spool.look()
            assert cluster.sql("SELECT seen_table FROM relay.meta") == str(written)
        repeated = await spool.append([new_record(name, f"session-of-{name}") for name in names])
        assert repeated == {(number, 0) for number in range(8)}
        assert sorted(await deliver_all(spool)) == names
        for _ in range(2):
            clock.advance(REMEMBERED_S)
            for _ in range(4):
                await spool.look()
        assert cluster.sql("SELECT count(*) FROM relay.seen_0") == "0"
        assert cluster.sql("SELECT count(*) FROM relay.seen_1") == "0", "of what has left nothing is kept"


async def test_what_waits_is_found_by_its_indexes_when_event_ids_are_carried_over(
    open_postgres: OpenPostgres, database: str
) -> None:
    """Each id beside each record is a square: of 20,000 that wait it had taken longer than any statement may."""
    async with open_postgres():
        link = Server(database).connection("plan")
        query = statement("keep_seen", seen=0, other=1).replace("$1", "0").replace("$2", "0").replace("$3", "9")
        plan = "\n".join([row[0] for row in await link.fetch("EXPLAIN " + query)])
        assert "Seq Scan on records" not in plan
        for column in ("session", "page"):
            assert plan.count(f"Index Cond: ({column} = looked_at") == PARTS, plan
        await link.close()
