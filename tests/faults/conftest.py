"""Every test here injects faults for a while; `FAULTS_SEED=n` chooses what the visitors do and when faults strike."""

import os
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
DEFAULT_SEED: Final = 20_261


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("FAULTS_SEED", DEFAULT_SEED))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.faults)
