"""Looking and repairing from outside, with and without a relay at work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relay.core.clock import SystemClock
from relay.core.errors import SpoolError
from relay.core.model import event_id_of
from relay.spool.sqlite.admin.administration import SqliteAdministration
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import MAX_BYTES
from tests.spool.leases import burial, pieces, whole
from tests.support.records import SESSION, new_records


@asynccontextmanager
async def buried_three(path: Path) -> AsyncIterator[SqliteSpool]:
    """A spool of five records, three of them buried, one delivered, one pending."""
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=MAX_BYTES) as spool:
        await spool.append(new_records(5, user_id="u"))
        (lease,) = await spool.lease(max_sessions=1)
        each = pieces(lease)
        spool.settle(
            lease,
            delivered=each[:1],
            buried=[burial(one, message=f"no {one.record.seq}") for one in each[1:4]],
        )
        await spool.work(lambda _: None)  # on disk
        yield spool


@pytest.fixture(params=["running", "stopped"])
async def repair(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[SqliteAdministration]:
    made = SqliteAdministration(path, clock=SystemClock())
    if request.param == "running":
        async with buried_three(path):
            yield made
    else:
        async with buried_three(path):
            pass
        yield made


async def test_the_ledger_can_be_read(repair: SqliteAdministration) -> None:
    stats = (await repair.status()).stats
    assert (stats.accepted, stats.delivered, stats.buried, stats.pending) == (5, 1, {"InvalidInputException": 3}, 1)


async def test_the_size_is_what_the_bound_counts_with_what_is_only_in_the_wal(path: Path) -> None:
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=MAX_BYTES) as spool:
        await spool.append(new_records(200))
        stats = (await SqliteAdministration(path, clock=SystemClock()).status()).stats
        in_file = path.stat().st_size  # noqa: ASYNC240  takes a microsecond
        assert in_file < stats.size_bytes, "most is in the WAL"
        assert abs(stats.size_bytes - spool.stats().size_bytes) < stats.size_bytes / 2
        assert stats.pending == 200


async def test_buried_records_are_listed_with_reason_and_message(repair: SqliteAdministration) -> None:
    first, *rest = await repair.buried()
    assert (first.event_id, first.reason, first.message) == ("e1", "InvalidInputException", "no 2")
    assert (first.session_id, first.user_id, first.operation) == (SESSION, "u", "PutEvents")
    assert b'"eventId":"e1"' in first.body
    assert [one.number for one in await repair.buried(limit=1, after=first.number)] == [rest[0].number]


async def test_replayed_records_wait_again_and_count_as_accepted(repair: SqliteAdministration) -> None:
    assert await repair.replay([2, 4]) == 2
    stats = (await repair.status()).stats
    assert (stats.accepted, stats.pending, sum(stats.buried.values())) == (7, 3, 3)
    assert [one.event_id for one in await repair.buried()] == ["e2"]
    assert await repair.replay() == 1
    assert await repair.replay() == 0


async def test_discarded_records_are_gone_and_the_ledger_stays(repair: SqliteAdministration) -> None:
    assert await repair.discard([2, 3, 99]) == 2
    assert [one.event_id for one in await repair.buried()] == ["e3"]
    assert (await repair.status()).stats.buried == {"InvalidInputException": 3}


async def test_a_user_can_be_erased_from_outside(repair: SqliteAdministration) -> None:
    assert await repair.erase(user_id="u") == 4
    stats = (await repair.status()).stats
    assert (stats.erased, stats.pending) == (1, 0)
    assert await repair.buried() == []


async def test_what_a_running_relay_replays_is_leased_at_the_end_of_its_session(path: Path) -> None:
    async with buried_three(path) as spool:
        await SqliteAdministration(path, clock=SystemClock()).replay()
        (lease,) = await asyncio.wait_for(spool.lease(max_sessions=1), 5)
        assert [event_id_of(record.body) for record in lease.records] == ["e4", "e1", "e2", "e3"]
        spool.settle(lease, delivered=whole(lease))
        stats = spool.stats()
        assert (stats.accepted, stats.delivered, stats.pending, sum(stats.buried.values())) == (8, 5, 0, 3)


async def test_a_damaged_record_stays_buried(path: Path) -> None:
    async with buried_three(path) as spool:
        damage = "UPDATE buried SET body = x'7b7d' WHERE number = 2"
        await spool.work(lambda database: database.sql.execute(damage).rowcount)
        assert await SqliteAdministration(path, clock=SystemClock()).replay() == 2


async def test_a_relay_that_does_not_answer_is_an_error_and_the_order_is_taken_back(path: Path) -> None:
    class Hours(SystemClock):
        hours = 0.0

        def monotonic_s(self) -> float:
            self.hours += 10.0
            return self.hours

    async with buried_three(path) as spool:
        with pytest.raises(SpoolError, match="does not answer"):
            await SqliteAdministration(path, clock=Hours(), sleep=lambda _: asyncio.sleep(0)).discard([2])
        left = await spool.work(lambda database: database.sql.execute("SELECT count(*) FROM orders").fetchone()[0])
        assert left == 0


def test_a_spool_that_is_not_there_is_not_made(path: Path, tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="no spool"):
        asyncio.run(SqliteAdministration(path, clock=SystemClock()).status())
    assert list(tmp_path.iterdir()) == []
