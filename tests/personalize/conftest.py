"""A real emulator over HTTP, and a connection to it made the way a user's is: from AWS variables."""

from collections.abc import AsyncGenerator

import pytest

from relay.personalize.connection import Connection, connect
from tests.support.emulator import RunningEmulator, running_emulator


@pytest.fixture
async def emulator(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[RunningEmulator]:
    async with running_emulator(state_seconds=0.15) as running:
        for name, value in running.env.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
async def connection(emulator: RunningEmulator) -> AsyncGenerator[Connection]:
    async with connect() as opened:
        yield opened
