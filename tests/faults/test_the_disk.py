"""The disk fails to sync, has no space, or is full for good: no 202 that is not true, and all is well once it is."""

import asyncio
from pathlib import Path

import pytest

from tests.faults import deaths
from tests.faults.arena import Arena, arena
from tests.faults.driver import Habits
from tests.faults.process.small_disk import UNAVAILABLE, small_disk
from tests.faults.windows import HAS_STRACE, attach

pytestmark = pytest.mark.timeout(180)

needs_strace = pytest.mark.skipif(not HAS_STRACE, reason="strace is not installed: scripts/install-test-tools")
needs_root = pytest.mark.skipif(UNAVAILABLE is not None, reason=str(UNAVAILABLE))  # names the right that is missing


async def refusals(run: Arena, count: int) -> None:
    """Wait for so many more answers 503."""
    until = run.driver.answers["503"] + count
    async with asyncio.timeout(20):
        while run.driver.answers["503"] < until:  # noqa: ASYNC110  the driver is not asked to ring
            await asyncio.sleep(0.01)


async def not_ready(run: Arena) -> list[str]:
    """Why the relay says it is not ready."""
    answer = await run.http.get(f"{run.relay.admin_url}/readyz")
    assert answer.status_code == 503
    reasons: list[str] = answer.json()["reasons"]
    return reasons


async def nothing_is_acknowledged_until_it_ends(run: Arena, fault: str) -> None:
    """From the fault of its disk on, until it crashes."""
    await run.relay.start()
    run.driver.come()
    await run.obligations(200)
    tracer = await attach(run.relay, fault)
    await refusals(run, 30)
    assert await not_ready(run) == ["spool_unwritable"]
    answered = run.oracle.answered
    await refusals(run, 30)
    assert run.oracle.answered == answered
    await run.crash()
    await tracer.finished()


@needs_strace
async def test_after_one_failed_fsync_nothing_is_acknowledged_until_a_restart(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed) as run:
        await nothing_is_acknowledged_until_it_ends(run, "fdatasync:error=EIO:when=5")
        for _ in range(2):
            await deaths.fail_to_sync_once(run, run.rng)
            await deaths.fail_to_sync(run, run.rng)
        run.judge(await run.quiet())


@needs_strace
async def test_writes_without_space_are_refused_and_taken_once_there_is_space(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed) as run:
        await run.relay.start()
        run.driver.come()
        await run.obligations(200)
        tracer = await attach(run.relay, "pwrite64:error=ENOSPC:when=20..120")
        await refusals(run, 10)
        await run.obligations(200)
        await tracer.detach()
        run.judge(await run.quiet())


@needs_strace
async def test_on_a_disk_that_turns_read_only_nothing_is_acknowledged_and_nothing_is_lost(
    tmp_path: Path, seed: int
) -> None:
    """As a file system does after an error of its device."""
    async with arena(tmp_path, seed=seed) as run:
        await nothing_is_acknowledged_until_it_ends(run, "pwrite64:error=EROFS:when=20+")
        await run.relay.start()
        run.judge(await run.quiet())


@needs_root
async def test_a_disk_that_is_full_for_a_while_holds_up_nothing_for_good(tmp_path: Path, seed: int) -> None:
    """Full, it refuses with 503; what is on it is delivered; with space again, it takes again, without a restart."""
    async with (
        small_disk(tmp_path / "spool", megabytes=8) as disk,
        arena(tmp_path, seed=seed, disk=disk, habits=Habits(most_undelivered=100_000)) as run,
    ):
        await run.service.misbehave(server_error=1.0)
        await run.relay.start()
        run.driver.come()
        await run.obligations(500)
        disk.fill()
        await refusals(run, 30)
        assert await not_ready(run) == ["spool_full"]
        await run.service.misbehave()
        await refusals(run, 10)
        disk.clear()
        await run.obligations(500)
        run.judge(await run.quiet())


@needs_root
async def test_kill_9_on_a_full_disk_loses_nothing(tmp_path: Path, seed: int) -> None:
    async with (
        small_disk(tmp_path / "spool", megabytes=8) as disk,
        arena(tmp_path, seed=seed, disk=disk) as run,
    ):
        await run.relay.start()
        run.driver.come()
        await run.obligations(300)
        disk.fill(leave_bytes=40_000)
        await refusals(run, 10)
        await run.crash()
        await run.relay.start()
        await refusals(run, 10)
        await run.crash()
        disk.clear()
        await run.relay.start()
        run.judge(await run.quiet())
