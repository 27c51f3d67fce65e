"""Fixtures for pytest: name this module in `pytest_plugins` of the root conftest.py.

`personalize_emulator` is fresh for every test. Override `personalize_emulator_options` in a conftest.py or a test file
to start it otherwise:

    @pytest.fixture
    def personalize_emulator_options(tmp_path):
        return {"s3_dir": tmp_path, "state_seconds": 0.1}
"""

from collections.abc import Generator
from typing import Any

import pytest

from relay.testing.emulator import PersonalizeEmulator


@pytest.fixture
def personalize_emulator_options() -> dict[str, Any]:
    """Arguments of `PersonalizeEmulator`; none by default."""
    return {}


@pytest.fixture
def personalize_emulator(personalize_emulator_options: dict[str, Any]) -> Generator[PersonalizeEmulator, None, None]:
    """A running `PersonalizeEmulator`, stopped when the test is over."""
    with PersonalizeEmulator(**personalize_emulator_options) as emulator:
        yield emulator
