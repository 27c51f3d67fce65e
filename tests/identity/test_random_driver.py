"""Random visitors, backends and thieves on real relays that are killed: every delivered row is as the rules have it.

`IDENTITY_SEED=n` is one run of that seed; `make soak-identity MINUTES=n` is one after the other.
"""

import os
from pathlib import Path

import pytest

from tests.identity.chance.stage import running_world

SECONDS = 5.0
SEEDS = [int(seed) for seed in os.environ.get("IDENTITY_SEED", "2 5 6 11").split()]


@pytest.mark.faults
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_happens_every_event_goes_out_once_in_order_and_as_whom_the_rules_say(
    tmp_path: Path, seed: int
) -> None:
    async with running_world(tmp_path, seed) as world:
        await world.run(SECONDS)
    assert not world.ledger.wrongs, world.story()
    assert world.ledger.seen["ok"]
