"""The file shrinks when it has emptied, and nobody waits for it."""

import asyncio
import time
from pathlib import Path

from relay.clock import SystemClock
from relay.spool.sqlite import SqliteSpool
from tests.support.records import new_record


async def fill_and_empty(spool: SqliteSpool, count: int) -> None:
    await asyncio.gather(
        *[spool.append([new_record("e" * 200, f"session-{number:016}", item_id="p" * 900)]) for number in range(count)]
    )
    while spool.stats().pending:
        for lease in await spool.lease(max_sessions=1000):
            spool.settle(lease, delivered=[record.seq for record in lease.records])


async def test_an_emptied_spool_gives_its_disk_space_back(path: Path) -> None:
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=100_000_000) as spool:
        await fill_and_empty(spool, 5000)
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=100_000_000) as spool:
        await spool.append([new_record("last")])
        for number in range(500):
            await spool.append([new_record(f"a{number}")])
            if spool.stats().size_bytes < 2_000_000:
                break
            await asyncio.sleep(0.01)
    assert path.stat().st_size < 4_000_000  # noqa: ASYNC240  nobody else is waiting


async def test_appends_hardly_wait_while_the_file_shrinks(path: Path) -> None:
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=100_000_000) as spool:
        await fill_and_empty(spool, 8000)
        waits: list[float] = []
        for number in range(200):
            started = time.perf_counter()
            await spool.append([new_record(f"a{number}")])
            waits.append(time.perf_counter() - started)
        waits.sort()
        assert waits[len(waits) * 9 // 10] < 0.05
