"""Spools of every kind, empty, on a clock that stands still."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from relay.spool.memory import MemorySpool
from relay.spool.sqlite.spool import SqliteSpool
from tests.support.clock import FakeClock

MAX_BYTES = 10_000_000
AnySpool = MemorySpool | SqliteSpool
OpenSqlite = Callable[[], AbstractAsyncContextManager[SqliteSpool]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def open_sqlite(path: Path, clock: FakeClock) -> OpenSqlite:
    """Opens the test's one spool file, again and again."""
    return lambda: SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES)


@pytest.fixture(params=["memory", "sqlite"])
async def spool(request: pytest.FixtureRequest, clock: FakeClock, open_sqlite: OpenSqlite) -> AsyncIterator[AnySpool]:
    """Each kind in turn: the suite is the contract of `relay.spool.contract`."""
    if request.param == "memory":
        async with MemorySpool(clock=clock, max_bytes=MAX_BYTES) as memory:
            yield memory
    else:
        async with open_sqlite() as sqlite:
            yield sqlite
