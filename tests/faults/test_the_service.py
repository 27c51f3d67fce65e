"""The service throttles, breaks, lies and hangs; clients leave early; nobody restarts anything."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.arena import arena
from tests.faults.driver import Habits
from tests.faults.weather import SPELLS

pytestmark = pytest.mark.timeout(180)


async def test_every_kind_of_weather_passes_and_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed, habits=Habits(think_s=0.1)) as run:
        await run.relay.start()
        run.driver.come()
        for spell in SPELLS.values():
            await run.service.misbehave(**spell, seed=seed)
            await asyncio.sleep(0.6)
        verdict = await run.quiet()
        run.judge(verdict)
        struck = run.service.struck
        unmet = {"throttling", "server_error", "reset", "hang", "html", "redirect", "slow_body", "refused"} - set(
            struck
        )
        assert not unmet, f"{unmet} never struck: {struck}"
        assert verdict.repeats, "no call was spoiled after the service had taken it"
        assert verdict.buried, "no refused event was found among its neighbours"


async def test_clients_that_leave_in_the_middle_of_a_commit_take_nothing_with_them(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed, habits=Habits(goes_early=0.5)) as run:
        await run.relay.start()
        run.driver.come()
        await run.obligations(3000)
        run.judge(await run.quiet())
        assert run.driver.answers["closed by the client"] > 100
        assert "Traceback" not in run.relay.last_words()
