"""Whatever happens, by chance: nobody is told a wrong user, and nobody who is remembered is lost."""

from pathlib import Path

import pytest

from tests.spool.bindings.lives import Lives


@pytest.mark.parametrize("seed", range(12))
async def test_no_life_of_a_spool_tells_a_wrong_user(tmp_path: Path, seed: int) -> None:
    lives = Lives(tmp_path, seed)
    await lives.live(60)
    assert lives.told > 10


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_no_life_of_hundreds_tells_a_wrong_user(tmp_path: Path) -> None:
    for seed in range(1000, 1300):
        await Lives(tmp_path / str(seed), seed).live(90)
