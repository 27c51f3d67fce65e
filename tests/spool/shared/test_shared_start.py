"""A relay that is started before its database."""

import asyncio
import logging

import pytest

from relay.spool.postgres import parts
from relay.spool.postgres.link import DatabaseAwayError, Server
from relay.spool.postgres.spool import PostgresSpool
from tests.spool.conftest import MAX_BYTES
from tests.spool.leases import deliver_all
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
from tests.support.records import new_records
from tests.support.relay import until
from tests.support.tcp_proxy import TcpProxy, tcp_proxy


def spool_behind(wire: TcpProxy, clock: FakeClock) -> PostgresSpool:
    server = Server(f"postgresql://relay@127.0.0.1:{wire.port}/relay")
    return PostgresSpool(server, clock=clock, max_bytes=MAX_BYTES)


@pytest.mark.usefixtures("database")
async def test_it_says_so_once_and_begins_when_the_database_is_there(
    cluster: Cluster, clock: FakeClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_AGAIN_S", 0.01)

    async def work(spool: PostgresSpool) -> list[str]:
        async with spool:
            await spool.append(new_records(3))
            return await deliver_all(spool)

    async with tcp_proxy(cluster.port) as wire:
        wire.refuse()
        with caplog.at_level(logging.WARNING):
            working = asyncio.create_task(work(spool_behind(wire, clock)))
            await until(lambda: "not started yet" in caplog.text)
            wire.heal()
            assert await working == ["e0", "e1", "e2"]
    assert caplog.text.count("not started yet, tried for 30 s: the database cannot be reached: ") == 1


async def test_one_that_does_not_come_ends_the_start_with_what_is_wrong(
    cluster: Cluster, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_START_S", 0)
    async with tcp_proxy(cluster.port) as wire:
        wire.refuse()
        with pytest.raises(DatabaseAwayError, match="the database cannot be reached: "):
            await spool_behind(wire, clock).__aenter__()
