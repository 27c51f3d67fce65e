"""An account for each flow."""

from collections.abc import Generator
from pathlib import Path

import pytest

from relay.testing import PersonalizeEmulator
from tests.emulator.flows.account import Account


@pytest.fixture
def account(tmp_path: Path) -> Generator[Account]:
    with PersonalizeEmulator(s3_dir=tmp_path) as emulator:
        yield Account(emulator, tmp_path)
