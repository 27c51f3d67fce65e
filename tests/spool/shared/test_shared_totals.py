"""The totals of a shared spool are added up once a second: what is added up stays small for as long as it lives."""

from collections.abc import AsyncIterator

import pytest

from relay.spool.postgres.link import DatabaseLink, Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.postgres.statements import statement
from tests.spool.conftest import OpenPostgres
from tests.support.clock import FakeClock
from tests.support.records import new_record

HOUR_S = 3600


@pytest.fixture
async def link(database: str) -> AsyncIterator[DatabaseLink]:
    link = Server(database).connection("looks")
    yield link
    await link.close()


async def work(spool: PostgresSpool, clock: FakeClock, *, hours: int, name: str) -> int:
    """An event each half an hour, and now and then a look at all that a relay looks at; how many events that were."""
    for number in range(2 * hours):
        await spool.append([new_record(f"{name}-{number}", "session-0123456789")])
        if number % 10 == 9:
            await _look_at_all(spool)
        clock.advance(HOUR_S / 2)
    return 2 * hours


async def _look_at_all(spool: PostgresSpool) -> None:
    for _ in range(10):
        await spool.look()


async def test_years_of_minutes_are_few_rows_and_no_event_is_counted_twice(
    open_postgres: OpenPostgres, clock: FakeClock, link: DatabaseLink
) -> None:
    async with open_postgres() as first:
        accepted = 0
        for run in range(3):
            async with open_postgres() as second:
                accepted += await work(second, clock, hours=30, name=f"r{run}")
                accepted += await work(first, clock, hours=1, name=f"f{run}")
                await _look_at_all(first)
                await _look_at_all(second)
                assert (first.stats().accepted, second.stats().accepted) == (accepted, accepted)
        clock.advance(28 * HOUR_S)
        await _look_at_all(first)
        (row,) = await link.fetch("SELECT count(*) AS rows, sum(count)::int AS events FROM relay.ledger")
        assert (row["rows"], row["events"]) == (2, accepted)
        assert first.stats().accepted == accepted


async def test_the_last_hour_stays_minute_by_minute_and_the_last_day_hour_by_hour(
    open_postgres: OpenPostgres, clock: FakeClock, link: DatabaseLink
) -> None:
    async with open_postgres() as spool:
        await work(spool, clock, hours=48, name="e")
        now_s = clock.now_ms() // 1000
        day_s = now_s - now_s % HOUR_S - 24 * HOUR_S
        events = 48 + (now_s - day_s - 24 * HOUR_S) // (HOUR_S // 2)
        for start_s, count in ((now_s - HOUR_S, 2), (day_s, events)):
            rows = await link.fetch(statement("insight_ledger"), start_s // 60)
            assert {row["name"]: row["count"] for row in rows} == {"accepted": count}
