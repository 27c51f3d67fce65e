"""The service throttles, breaks, lies and hangs; clients leave early; nobody restarts anything."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.arena import Arena, arena
from tests.faults.driver import Habits
from tests.faults.weather import SPELLS

pytestmark = pytest.mark.timeout(180)


KINDS = {
    "throttling": "throttling",
    "500": "server_error",
    "503": "server_error",
    "reset before taken": "reset",
    "reset after taken": "reset",
    "hang": "hang",
    "hang after taken": "hang",
    "html": "html",
    "redirect": "redirect",
    "slow body": "slow_body",
    "500 after taken": "server_error",
    "expired token": "error",
}


async def struck(run: Arena, kind: str | None) -> None:
    """Wait until a fault of this kind has struck, half a second if there is none; a circuit may have to close first."""
    if kind is None:
        await asyncio.sleep(0.5)
        return
    before = run.service.struck[kind]
    async with asyncio.timeout(60):
        while run.service.struck[kind] == before:  # noqa: ASYNC110  the service is not asked to ring
            await asyncio.sleep(0.02)


async def test_every_kind_of_weather_passes_and_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed, habits=Habits(think_s=0.1)) as run:
        await run.relay.start()
        run.driver.come()
        for name, spell in SPELLS.items():
            await run.service.misbehave(**spell, seed=seed)
            await struck(run, KINDS.get(name))
        verdict = await run.quiet()
        run.judge(verdict)
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
