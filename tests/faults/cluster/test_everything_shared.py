"""Three relays on one database and everything at once, as `make soak-cluster` does it for as long as one likes."""

from pathlib import Path

import pytest

from tests.faults.cluster.soak import one_seed

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


async def test_several_relays_and_everything_at_once_lose_invent_alter_and_disorder_nothing(
    tmp_path: Path, seed: int
) -> None:
    verdict, lines = await one_seed(tmp_path, seed=seed, seconds=20, visitors=12)
    assert verdict.is_good, "\n".join([f"FAULTS_SEED={seed}", *lines, *verdict.stories])
    assert verdict.answered > 100
