"""What is buried has bounds, over which a person is told."""

import logging
from pathlib import Path

import pytest
from msgspec.structs import replace

from relay.core.model import BuriedKept, Provenance
from relay.core.telemetry import Metrics
from relay.spool.contract import Burial
from relay.spool.schedule.buried_bounds import BuriedBounds
from relay.spool.sqlite.admin import buried_watch
from relay.spool.sqlite.admin.control_channel import Discard
from relay.spool.sqlite.spool import SqliteSpool
from relay.web.readiness import Readiness
from tests.spool.conftest import MAX_BYTES
from tests.spool.leases import balances, burial, pieces
from tests.spool.sqlite.files import sql
from tests.support.clock import FakeClock
from tests.support.records import new_record, new_records


async def bury(spool: SqliteSpool, count: int, start: int = 0) -> None:
    """Bury so many, and count what is buried."""
    await spool.append(new_records(count, f"session-{start:016}", start=start))
    for lease in await spool.lease(max_sessions=10):
        spool.settle(lease, buried=[Burial(one.seq, 0, "InvalidInputException", "no") for one in lease.records])
    await spool.work(lambda _: None)
    await spool.buried_watch.look()


async def test_how_much_is_buried_is_known_from_the_start(path: Path, clock: FakeClock) -> None:
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES) as spool:
        assert spool.stats().kept == BuriedKept(0, 0, None)
        await bury(spool, 3)
        clock.advance(100)
        await bury(spool, 2, 10)
        size = sum(len(new_record(f"e{number}").body) for number in (0, 1, 2, 10, 11))
        assert spool.stats().kept == BuriedKept(5, size, clock.now_ms() - 100_000)
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES) as spool:
        assert spool.stats().kept == BuriedKept(5, size, clock.now_ms() - 100_000)


async def test_many_are_counted_in_short_steps(path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buried_watch, "LOOKED_AT_ONCE", 3)
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES) as spool:
        await bury(spool, 10)
        assert spool.stats().kept.records == 10


@pytest.mark.parametrize(
    ("bounds", "name"),
    [
        (BuriedBounds(records=4), "RELAY_BURIED_WARN_RECORDS"),
        (BuriedBounds(bytes=300), "RELAY_BURIED_WARN_BYTES"),
        (BuriedBounds(age_s=50), "RELAY_BURIED_WARN_AGE_S"),
    ],
)
async def test_over_each_bound_a_person_is_told_at_most_once_a_minute(
    path: Path, clock: FakeClock, bounds: BuriedBounds, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES, bounds=bounds) as spool:
        await bury(spool, 1)
        assert spool.warnings() == []
        clock.advance(51)
        await bury(spool, 4, 10)
        (warning,) = spool.warnings()
        assert warning.startswith("buried: 5 records of ")
        assert name in warning
        assert caplog.text.count(name) == 1
        for _ in range(6):
            clock.advance(20)
            await spool.buried_watch.look()
        assert caplog.text.count(name) == 3
        assert [record.levelno for record in caplog.records if name in record.message] == [logging.WARNING] * 3
        await spool.commands.execute(Discard([1, 2, 3, 4, 5]))
        await spool.buried_watch.look()
        assert spool.warnings() == []


async def test_the_warning_stands_beside_a_relay_that_is_ready_and_in_its_metrics(path: Path, clock: FakeClock) -> None:
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES, bounds=BuriedBounds(records=1)) as spool:
        readiness = Readiness(
            stats=spool.stats,
            spool_max_bytes=MAX_BYTES,
            spool_problems=spool.problems,
            other_problems=spool.warnings,
            clock=clock,
        )
        await bury(spool, 2)
        clock.advance(7)
        report = readiness.report()
        assert (report.ready, report.reasons, len(report.problems)) == (True, [], 1)
        metrics = Metrics()
        metrics.watch_spool(spool.stats, clock)
        text = metrics.exposition().decode()
        assert "relay_buried_records 2.0" in text
        assert "relay_buried_oldest_seconds 7.0" in text
        assert f"relay_buried_bytes {float(spool.stats().kept.bytes)}" in text


async def test_past_the_bound_those_of_the_source_with_most_go_first(path: Path, clock: FakeClock) -> None:
    bounds = BuriedBounds(max_bytes=4000)
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES, bounds=bounds) as spool:
        for number in range(60):
            source = 7 if number % 6 else 1000 + number
            came = Provenance(source=source)
            await spool.append([replace(new_record(f"e{number}", f"session-{number:016}"), came=came)])
        while spool.stats().pending:
            for lease in await spool.lease(max_sessions=100):
                spool.settle(lease, buried=[burial(one) for one in pieces(lease)])
        await spool.work(lambda _: None)
        await spool.buried_watch.look()
        stats = spool.stats()
        assert 3000 < stats.kept.bytes <= 4000
        assert stats.discarded == 60 - stats.kept.records > 0
        assert balances(spool)
    sources = sql(path, "SELECT source, count(*) FROM buried GROUP BY source")
    assert sum(1 for source, _ in sources if source != 7) == 10, "others keep theirs"
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES) as spool:
        assert spool.stats().discarded == stats.discarded
        assert balances(spool)
