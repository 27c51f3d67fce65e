"""A user is forgotten in a spool that is large and at work, and nobody who appends notices."""

import asyncio
import time
from pathlib import Path

import pytest

from relay.core.clock import SystemClock
from relay.core.model import Binding
from relay.spool.contract import Burial
from relay.spool.sqlite.file import binding_table
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import OpenSqlite
from tests.spool.sqlite.files import sql
from tests.support.clock import FakeClock
from tests.support.records import new_record


async def fill(spool: SqliteSpool, records: int) -> None:
    """One in ten belongs to `u`."""
    for start in range(0, records, 2000):
        await spool.append(
            [
                new_record(f"e{n}", f"session-{n // 10:016}", user_id="u" if n % 10 == 0 else f"other{n}")
                for n in range(start, start + 2000)
            ]
        )


@pytest.mark.cost
async def test_appends_hardly_wait_while_a_user_is_erased_from_a_large_spool(path: Path) -> None:
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=1_000_000_000) as spool:
        await fill(spool, 60_000)
        erasing = asyncio.create_task(spool.erase(user_id="u"))
        waits: list[float] = []
        while not erasing.done() or len(waits) < 20:
            started = time.perf_counter()
            await spool.append([new_record(f"a{len(waits)}")])
            waits.append(time.perf_counter() - started)
        waits.sort()
        assert await erasing == 6000
        assert waits[len(waits) * 9 // 10] < 0.05
        stats = spool.stats()
        assert (stats.erased, stats.pending) == (6000, 54_000 + len(waits))
    assert sql(path, "SELECT count(*) FROM records WHERE user_id = 'u'") == [(0,)]


async def test_what_comes_while_a_user_is_erased_is_erased_too(open_sqlite: OpenSqlite, clock: FakeClock) -> None:
    """Records appended, records that get the user by a binding, and buried ones that are brought back."""
    async with open_sqlite() as spool:
        await spool.append([new_record("anonymous", "session-anonymous")])
        (lease,) = await spool.lease(max_sessions=1)
        spool.settle(lease, retry_after_s=1000)
        await fill(spool, 4000)
        erasing = asyncio.create_task(spool.erase(user_id="u"))
        binding = Binding("tracker-1", "session-anonymous", "u", clock.now_ms() + 10_000)
        await asyncio.sleep(0)
        await spool.append([new_record("late", "session-late-0000", user_id="u")], binding)
        assert await erasing == 402
        assert await spool.bindings() == []
        assert spool.stats().erased == 402


async def test_buried_records_of_theirs_go_and_those_of_others_stay(open_sqlite: OpenSqlite, path: Path) -> None:
    async with open_sqlite() as spool:
        await fill(spool, 2000)
        for _ in range(2):  # the first record of a session is of `u`, the second is not
            for lease in await spool.lease(max_sessions=100):
                (record,) = lease.records
                spool.settle(lease, buried=[Burial(record.seq, 0, "InvalidInputException", "no")])
        assert await spool.erase(user_id="u") == 200
        stats = spool.stats()
        assert (stats.erased, stats.buried, stats.pending) == (100, {"InvalidInputException": 200}, 1700)
    assert sql(path, "SELECT count(*), sum(user_id = 'u') FROM buried") == [(100, 0)]


async def test_bindings_of_theirs_go_wherever_they_are_and_whenever_they_come(
    open_sqlite: OpenSqlite, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding_table, "_LOOKED_AT_ONCE", 7)
    async with open_sqlite() as spool:
        for number in range(60):
            session, user = f"session-{number:016}", "u" if number % 3 == 0 else "other"
            await spool.append([], Binding("tracker-1", session, user, clock.now_ms() + 60_000))
        erasing = asyncio.create_task(spool.erase(user_id="u"))
        late = [spool.append([], Binding("tracker-1", f"late-{n:016}", "u", clock.now_ms() + 60_000)) for n in range(5)]
        await asyncio.gather(*late)
        await erasing
        kept = await spool.bindings()
        assert [one.user_id for one in kept] == ["other"] * 40
        assert await spool.work(lambda database: database.bindings.count) == 40
