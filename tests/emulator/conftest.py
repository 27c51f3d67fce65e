"""One emulator for the tests of a file that do not care what came before them."""

from collections.abc import AsyncGenerator

import pytest

from tests.emulator.raw_client import RawClient, raw_client
from tests.support.emulator import running_emulator


@pytest.fixture(scope="module")
async def raw() -> AsyncGenerator[RawClient]:
    async with running_emulator(state_seconds=0, quotas={}) as running, raw_client(running) as client:
        yield client
