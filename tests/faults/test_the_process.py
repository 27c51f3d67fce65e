"""What happens to a process that nobody kills: it is frozen, told to go, set to another time."""

import asyncio
from pathlib import Path

import pytest

from tests.faults import deaths
from tests.faults.arena import arena
from tests.faults.clock import LIBFAKETIME, SteppedClock
from tests.faults.driver import Habits

pytestmark = pytest.mark.timeout(180)


async def test_a_relay_that_is_frozen_and_thawed_loses_nothing(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed) as run:
        run.driver.come()
        for _ in range(3):
            await deaths.freeze(run, run.rng)
        run.judge(await run.quiet())


async def test_restarts_by_sigterm_under_load_lose_and_repeat_nothing(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed, habits=Habits(goes_early=0)) as run:
        run.driver.come()
        for _ in range(5):
            await deaths.terminate(run, run.rng)
        verdict = await run.quiet()
        run.judge(verdict)
        assert not verdict.repeats, "a relay that stops in order settles what it has delivered"


@pytest.mark.skipif(LIBFAKETIME is None, reason="faketime is not installed: scripts/install-test-tools")
@pytest.mark.parametrize("steps_s", [(30, -30, 0), (3600, -3600, 0)], ids=["half a minute", "an hour"])
async def test_a_clock_that_is_set_loses_and_mixes_nothing(tmp_path: Path, seed: int, steps_s: tuple[int, ...]) -> None:
    """Half a minute is within every leeway; an hour breaks signatures and tokens until the clock is right again."""
    habits = Habits(think_s=0.1, seconds=0, erases=False)
    async with arena(tmp_path, seed=seed, clock_slack_s=max(steps_s), habits=habits) as run:
        clock = SteppedClock(tmp_path)
        await run.relay.start(clock.env)
        run.driver.come()
        for step_s in steps_s:
            clock.step(step_s)
            await asyncio.sleep(1.7)
        await run.relay.kill()
        await run.relay.start(clock.env)
        run.judge(await run.quiet())
