"""Everything at once, as `make soak` does it for as long as one likes."""

import time
from pathlib import Path

import pytest

from tests.faults.arena import arena
from tests.faults.report import lines
from tests.faults.soak import one_round

pytestmark = pytest.mark.timeout(180)

KILLS = 6


async def test_everything_at_once_loses_invents_alters_and_disorders_nothing(tmp_path: Path, seed: int) -> None:
    async with arena(tmp_path, seed=seed) as run:
        started = time.monotonic()
        verdict = await one_round(run, over=lambda: run.relay.kills >= KILLS and run.oracle.answered > 100)
        run.judge(verdict)
        printed = list(lines(run, verdict, seconds=time.monotonic() - started))
        assert "lost                     0" in printed
