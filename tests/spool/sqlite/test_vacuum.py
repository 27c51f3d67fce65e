"""The file shrinks when it has emptied, and nobody waits for it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.core.clock import SystemClock
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.database import VACUUM_STEP_PAGES, Database
from tests.spool.leases import whole
from tests.support.records import new_record

WITHIN_S = 10.0


def open_spool(path: Path) -> SqliteSpool:
    return SqliteSpool(path, clock=SystemClock(), max_bytes=100_000_000)


async def fill_and_empty(spool: SqliteSpool, count: int = 5000) -> None:
    """Some 7 MB for 5000 records."""
    for start in range(0, count, 1000):
        numbers = range(start, start + 1000)
        await spool.append([new_record("e" * 200, f"session-{n:016}", item_id="p" * 900) for n in numbers])
    while spool.stats().pending:
        for lease in await spool.lease(max_sessions=1000):
            spool.settle(lease, delivered=whole(lease))
    await spool.work(lambda _: None)


class Watched:
    """What the committing thread does: steps of shrinking, and commits, in their order."""

    def __init__(self, spool: SqliteSpool, monkeypatch: pytest.MonkeyPatch, after_first: Callable[[], None]) -> None:
        database = spool._database  # pyright: ignore[reportPrivateUsage]
        shrink, commit = database.shrink, database.commit
        self.done: list[str] = []
        self.pages: list[int] = []
        self.computing_s: list[float] = []

        def shrink_and_tell() -> bool:
            before, started_s = pages(database), time.thread_time()
            more = shrink()
            if more:
                self.computing_s.append(time.thread_time() - started_s)
                self.pages.append(before - pages(database))
                self.done.append("step")
                if len(self.pages) == 1:
                    after_first()
            return more

        def commit_and_tell(*args: object) -> None:
            commit(*args)  # type: ignore[arg-type]  # whatever it gets
            self.done.append("commit")

        monkeypatch.setattr(database, "shrink", shrink_and_tell)
        monkeypatch.setattr(database, "commit", commit_and_tell)


def pages(database: Database) -> int:
    count: int = database.sql.execute("PRAGMA page_count").fetchone()[0]
    return count


def wait_until(is_so: Callable[[], bool]) -> None:
    """On the committing thread."""
    until_s = time.monotonic() + WITHIN_S
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.001)
    assert is_so()


async def test_an_emptied_spool_gives_its_disk_space_back(path: Path) -> None:
    async with open_spool(path) as spool:
        await fill_and_empty(spool)
        async with asyncio.timeout(WITHIN_S):
            while path.stat().st_size > 4_000_000:  # noqa: ASYNC240  nobody else is waiting
                await spool.append([new_record(f"a{time.monotonic_ns()}")])


async def test_vacuum_blocks_accepts_for_one_step_at_most_which_takes_far_less_than_50_ms(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, shrinking = asyncio.get_running_loop(), asyncio.Event()
    async with open_spool(path) as spool:

        def let_somebody_append() -> None:
            loop.call_soon_threadsafe(shrinking.set)
            wait_until(lambda: bool(spool._committer._queue))  # pyright: ignore[reportPrivateUsage]

        watched = Watched(spool, monkeypatch, let_somebody_append)
        filling = asyncio.create_task(fill_and_empty(spool))
        async with asyncio.timeout(WITHIN_S):
            await shrinking.wait()
            await asyncio.gather(filling, spool.append([new_record("a")]))
        first = watched.done.index("step")
        assert watched.done[first + 1] == "commit"
    assert VACUUM_STEP_PAGES <= max(watched.pages) <= VACUUM_STEP_PAGES + 1, "one may be a page of pointers"
    assert min(watched.computing_s) < 0.025


async def test_a_relay_that_ends_does_not_wait_until_its_file_has_shrunk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, shrinking = asyncio.get_running_loop(), asyncio.Event()
    async with open_spool(path) as spool:

        def let_it_end() -> None:
            loop.call_soon_threadsafe(shrinking.set)
            wait_until(lambda: spool._committer._stopping)  # pyright: ignore[reportPrivateUsage]

        watched = Watched(spool, monkeypatch, let_it_end)
        await fill_and_empty(spool)
        async with asyncio.timeout(WITHIN_S):
            await shrinking.wait()
    assert watched.done.count("step") == 1
    async with open_spool(path) as spool, asyncio.timeout(WITHIN_S):
        while path.stat().st_size > 4_000_000:  # noqa: ASYNC240  nobody else is waiting
            await spool.append([new_record(f"a{time.monotonic_ns()}")])
