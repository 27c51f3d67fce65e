"""kill -9 at any moment and in each window a commit and a delivery have."""

from pathlib import Path

import pytest

from tests.faults import deaths
from tests.faults.arena import Arena, arena
from tests.faults.windows import HAS_STRACE, Window

pytestmark = pytest.mark.timeout(180)
needs_strace = pytest.mark.skipif(not HAS_STRACE, reason="strace is not installed: scripts/install-test-tools")


async def meet(run: Arena, window: Window) -> None:
    assert await deaths.until_met(run, window), f"seed {run.seed}: {window} not met"


async def test_kill_9_at_any_moment_loses_nothing(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed) as run:
        run.driver.come()
        for _ in range(8):
            await deaths.kill_at_random(run, run.rng)
        verdict = await run.quiet()
        run.judge(verdict)
        assert verdict.repeats, "no crash came between a delivery and its settle"
        assert run.driver.answers["202"] > 100


async def test_kill_9_at_start_and_in_a_drain_loses_nothing(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed) as run:
        run.driver.come()
        for _ in range(2):
            await deaths.kill_at_random(run, run.rng)
            await deaths.kill_while_starting(run, run.rng)
            await deaths.kill_while_draining(run, run.rng)
        await meet(run, Window.DRAIN)
        run.judge(await run.quiet())


@needs_strace
async def test_a_crash_in_each_window_of_a_commit_loses_nothing(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed) as run:
        run.driver.come()
        await deaths.kill_at_random(run, run.rng)
        await meet(run, Window.BEFORE_WRITE)
        await meet(run, Window.BEFORE_FSYNC)
        await meet(run, Window.BEFORE_ANSWER)
        await meet(run, Window.VACUUM)
        run.judge(await run.quiet())
        assert run.driver.stored_unanswered, "no answer was lost after its events were stored"


async def test_a_crash_during_a_delivery_and_before_its_settle_repeats_it_and_loses_nothing(
    tmp_path: Path, seed: int
) -> None:
    async with arena(tmp_path, seed=seed) as run:
        run.driver.come()
        await meet(run, Window.DELIVERY)
        for _ in range(3):
            await deaths.kill_at_random(run, run.rng)
        verdict = await run.quiet()
        run.judge(verdict)
        assert verdict.repeats > 0
        assert run.windows[Window.BEFORE_SETTLE] > 0
