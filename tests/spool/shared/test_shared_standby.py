"""A commit that waits for a synchronous standby, and is cut off there, is seen by all and is on one machine only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count

import pytest

from relay.spool.postgres.spool import PostgresSpool
from relay.spool.receipt import NOTHING_REPEATED, Repeated
from tests.spool.conftest import OpenPostgres
from tests.support.browser import until
from tests.support.postgres import Cluster
from tests.support.records import new_record

WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE '% append'"


class Standby:
    """One that every commit waits for; it may be away."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def is_away(self) -> None:
        await self._ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        await self._ask("SELECT pg_reload_conf()")

    async def has_all(self) -> None:
        await self._ask("ALTER SYSTEM RESET synchronous_standby_names")
        await self._ask("SELECT pg_reload_conf()")

    async def waiting(self) -> int:
        """Appends that wait for it."""
        return int(await self._ask(f"SELECT count(*) {WAITING}"))

    async def end_waits(self, function: str) -> int:
        """How many waits for it were ended, by `pg_terminate_backend` or `pg_cancel_backend`."""
        return int(await self._ask(f"SELECT count({function}(pid)) {WAITING}"))

    async def _ask(self, sql: str) -> str:
        return await asyncio.to_thread(self._cluster.sql, sql)


@pytest.fixture
async def standby(cluster: Cluster) -> AsyncIterator[Standby]:
    standby = Standby(cluster)
    yield standby
    await standby.has_all()


@pytest.mark.parametrize("function", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_what_was_cut_off_before_the_standby_had_it_is_answered_only_when_it_has(
    open_postgres: OpenPostgres, standby: Standby, function: str
) -> None:
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(open_postgres()) for _ in range(2)]
        for number, spool in enumerate((first, second)):
            await spool.append([new_record(f"before-{number}")])
        await standby.is_away()

        for number in count():  # the database takes its time to know
            tried_again = asyncio.create_task(answer(first, number))
            await wait_or_end(standby, tried_again, 1)
            if not tried_again.done():
                break
        await until(lambda: standby.end_waits(function))
        await wait_or_end(standby, tried_again, 1)
        assert not tried_again.done()

        sent_again = asyncio.create_task(answer(second, number))
        await wait_or_end(standby, sent_again, 2)
        assert not sent_again.done()
        assert not tried_again.done()

        await standby.has_all()
        assert await tried_again == NOTHING_REPEATED
        assert await sent_again == {(0, 0)}


async def answer(spool: PostgresSpool, number: int) -> Repeated:
    return await spool.append([new_record(f"event-{number}")])


async def wait_or_end(standby: Standby, answered: asyncio.Task[Repeated], waiting: int) -> None:
    async def enough() -> bool:
        return answered.done() or await standby.waiting() == waiting

    await until(enough)
