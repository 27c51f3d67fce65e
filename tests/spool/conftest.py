"""Spools of every kind, empty, on a clock that stands still."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from relay.spool.memory import MemorySpool
from relay.spool.postgres.link import Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.shared.pgbouncer import Bouncer, running_pgbouncer
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster

MAX_BYTES = 10_000_000
AnySpool = MemorySpool | SqliteSpool | PostgresSpool
OpenSqlite = Callable[[], AbstractAsyncContextManager[SqliteSpool]]
OpenPostgres = Callable[[], AbstractAsyncContextManager[PostgresSpool]]


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


@pytest.fixture
def open_postgres(database: str, clock: FakeClock) -> OpenPostgres:
    """Opens one relay's end of the test's database, and another, and another."""
    return lambda: PostgresSpool(Server(database), clock=clock, max_bytes=MAX_BYTES)


@pytest.fixture(scope="session")
def bouncer(cluster: Cluster) -> Iterator[Bouncer]:
    """A pooler in transaction mode before it."""
    with tempfile.TemporaryDirectory(prefix="relay-pgbouncer-") as folder:
        try:
            with running_pgbouncer(cluster, Path(folder) / "bouncer") as bouncer:
                yield bouncer
        except LookupError as why:
            pytest.skip(str(why))  # it cannot be had here: it says how to get it


@pytest.fixture
def open_pooled(database: str, bouncer: Bouncer, clock: FakeClock) -> OpenPostgres:
    """The same through a pooler in transaction mode; both lead to one spool."""
    assert database
    return lambda: PostgresSpool(Server(bouncer.url, pooled=True), clock=clock, max_bytes=MAX_BYTES)


@pytest.fixture(params=["memory", "sqlite", "postgres", "pooled"])
async def spool(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[AnySpool]:
    """Each kind in turn: the suite is the contract of `relay.spool.contract`."""
    if request.param == "memory":
        opened: AbstractAsyncContextManager[AnySpool] = MemorySpool(clock=clock, max_bytes=MAX_BYTES)
    else:
        opened = request.getfixturevalue(f"open_{request.param}")()
    async with opened as spool:
        yield spool
