"""kill -9 at any moment and in each window a commit and a delivery have."""

import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.faults import deaths
from tests.faults.arena import Arena, arena
from tests.faults.windows import HAS_STRACE, Window

Deed = Callable[[Arena, random.Random], Coroutine[Any, Any, object]]

pytestmark = pytest.mark.timeout(180)
needs_strace = pytest.mark.skipif(not HAS_STRACE, reason="strace is not installed: scripts/install-test-tools")


async def at_a_sync(run: Arena, rng: random.Random) -> None:
    await deaths.kill_at_a_system_call(run, rng, "fdatasync")


async def until_met(run: Arena, window: Window, death: Deed, *, tries: int = 12) -> None:
    """Die in this way until the window is proven to have been met."""
    for _ in range(tries):
        if run.windows[window]:
            return
        await death(run, run.rng)
    assert run.windows[window], f"seed {run.seed}: {window} not met in {tries} tries"


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
        await until_met(run, Window.DRAIN, deaths.kill_while_draining)
        run.judge(await run.quiet())


@needs_strace
async def test_a_crash_in_each_window_of_a_commit_loses_nothing(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed) as run:
        run.driver.come()
        await deaths.kill_at_random(run, run.rng)
        await until_met(run, Window.BEFORE_WRITE, deaths.kill_before_a_write, tries=25)
        await until_met(run, Window.BEFORE_FSYNC, at_a_sync)
        await until_met(run, Window.BEFORE_ANSWER, deaths.kill_at_the_mark)
        await until_met(run, Window.VACUUM, deaths.kill_in_a_shrinking_file)
        run.judge(await run.quiet())
        assert run.driver.stored_unanswered, "no answer was lost after its events were stored"


async def test_a_crash_during_a_delivery_and_before_its_settle_repeats_it_and_loses_nothing(
    tmp_path: Path, seed: int
) -> None:
    async with arena(tmp_path, seed=seed) as run:
        run.driver.come()
        await until_met(run, Window.DELIVERY, deaths.kill_during_a_call)
        for _ in range(3):
            await deaths.kill_at_random(run, run.rng)
        verdict = await run.quiet()
        run.judge(verdict)
        assert verdict.repeats > 0
        assert run.windows[Window.BEFORE_SETTLE] > 0
