"""A relay is killed, or stopped, and another one goes on: how long what it had waits, and what that takes.

1. Take-over: a relay with events waiting for it is killed (-9). Another, real one with a sink that takes notes gets
   its shards when the lease has run out, reads what waits, and delivers it: all of it, once, and in order.
2. Hand-over: one of two real relays gets SIGTERM while beacons come at a constant rate to the other.
"""

import asyncio
import subprocess
import time
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager

import asyncpg
import msgspec

from relay.spool.postgres.rows import SHARDS
from tests.bench.cluster.waiting import EVENTS as OF_A_SESSION
from tests.bench.contestants import SECRET, Contestant, relay
from tests.bench.load.cheap_sink import CheapSink
from tests.bench.load.constant_rate import Latencies
from tests.bench.machine import cpu_s, resident_bytes
from tests.bench.processes import ROOT, free_port, python
from tests.bench.ratios import Figure
from tests.bench.token import site_token
from tests.support.postgres import Cluster

WAITING = 200_000
FILL_S = 300.0
DELIVER_S = 180.0
RATE = 200.0
"""Beacons a second beside the hand-over."""
LOOK_S = 0.01
EMPTY = "DROP SCHEMA IF EXISTS relay CASCADE"
NAMES = "SELECT name FROM relay.relays"
OWNED = "SELECT count(*) FROM relay.shards WHERE owner = $1"
NOBODYS = "SELECT count(*) FROM relay.shards WHERE owner IS NULL"


class Call(msgspec.Struct):
    """Of PutEvents, as much as is looked at."""

    sessionId: str  # noqa: N815  as on the wire
    eventList: list[dict[str, object]]  # noqa: N815  as on the wire


class Noting(CheapSink):
    """Keeps every call, with its time."""

    calls: list[tuple[float, bytes]]

    def noted(self, body: bytes) -> None:
        """See `CheapSink.noted`."""
        self.calls.append((time.monotonic(), body))


@asynccontextmanager
async def noting_sink(port: int) -> AsyncGenerator[list[tuple[float, bytes]]]:
    """Calls that came, as they come."""
    calls: list[tuple[float, bytes]] = []

    def make() -> Noting:
        sink = Noting()
        sink.calls = calls
        return sink

    async with await asyncio.get_running_loop().create_server(make, "127.0.0.1", port):
        yield calls


def figure(name: str, unit: str, value: float) -> Figure:
    """One that is compared with nothing."""
    return Figure(name, "two relays", unit, value, None, None, None)


def take_over(cluster: Cluster) -> list[Figure]:
    """Seconds from the kill, and memory; raises where an event is lost, repeated or out of order."""
    port = free_port()
    cluster.sql(EMPTY)
    with relay(sink_url=f"http://127.0.0.1:{port}", extra={"RELAY_SPOOL_URL": cluster.url}) as survivor:
        return asyncio.run(_take_over(cluster, survivor, port))


async def _take_over(cluster: Cluster, survivor: Contestant, port: int) -> list[Figure]:
    async with noting_sink(port) as calls:
        command = python("-m", "tests.bench.cluster.waiting", cluster.url, str(WAITING))
        other = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        try:
            assert other.stdout is not None
            async with asyncio.timeout(FILL_S):
                waiting = int((await other.stdout.readline()).split()[1])
            if calls:
                raise RuntimeError(f"{len(calls)} calls before the kill")
            before_bytes, before_s, database_s = resident_bytes(survivor.pid), cpu_s(survivor.pid), cpu_s(cluster.pid)
            killed_s = time.monotonic()
        finally:
            other.kill()
        most_bytes = 0
        async with asyncio.timeout(DELIVER_S):
            while _events(calls) < waiting:
                most_bytes = max(most_bytes, resident_bytes(survivor.pid))
                await asyncio.sleep(LOOK_S)
    _check(calls, waiting)
    used_s, database_used_s = cpu_s(survivor.pid) - before_s, cpu_s(cluster.pid) - database_s
    at = f", {waiting:,} events waiting"
    return [
        figure(f"take-over: kill to first call{at}", "s", calls[0][0] - killed_s),
        figure(f"take-over: kill to last call{at}", "s", calls[-1][0] - killed_s),
        figure("take-over: CPU of the relay an event, delivery included", "us", used_s / waiting * 1e6),
        figure("take-over: CPU of the database an event, delivery included", "us", database_used_s / waiting * 1e6),
        figure("take-over: memory before", "MB", before_bytes / 1e6),
        figure("take-over: memory at most", "MB", most_bytes / 1e6),
    ]


def _events(calls: list[tuple[float, bytes]]) -> int:
    return sum([body.count(b'"eventId"') for _, body in calls])


def _check(calls: list[tuple[float, bytes]], waiting: int) -> None:
    sent: dict[str, list[str]] = {}
    for _, body in calls:
        call = msgspec.json.decode(body, type=Call)
        sent.setdefault(call.sessionId, []).extend([str(event["eventId"]) for event in call.eventList])
    for session, names in sent.items():
        if names != [f"{session}-{n // 3}-{n % 3}" for n in range(OF_A_SESSION)]:
            raise RuntimeError(f"session {session}: {names}")
    if OF_A_SESSION * len(sent) != waiting:
        raise RuntimeError(f"{len(sent)} sessions of {waiting / OF_A_SESSION:.0f}")


def hand_over(cluster: Cluster, *, seconds: float) -> list[Figure]:
    """Seconds from SIGTERM until others have every shard, and the longest that an event took meanwhile."""
    port = free_port()
    cluster.sql(EMPTY)
    shared = {"RELAY_SPOOL_URL": cluster.url, "RELAY_DRAIN_S": "20"}
    with ExitStack() as stack:
        leaving = stack.enter_context(ExitStack())
        leaving.enter_context(relay(sink_url=f"http://127.0.0.1:{port}", extra=shared))
        first = cluster.sql(NAMES)
        staying = stack.enter_context(relay(sink_url=f"http://127.0.0.1:{port}", extra=shared))
        return asyncio.run(_hand_over(cluster, leaving, staying, first=first, seconds=seconds, port=port))


async def _hand_over(
    cluster: Cluster, leaving: ExitStack, staying: Contestant, *, first: str, seconds: float, port: int
) -> list[Figure]:
    raw = await asyncpg.connect(cluster.admin_url)
    async with asyncio.timeout(DELIVER_S):
        while await raw.fetchval(OWNED, first) != SHARDS // 2:  # noqa: ASYNC110  it can only be asked about
            await asyncio.sleep(LOOK_S)
    load = python("-m", "tests.bench.load.constant_rate", staying.url, str(RATE), str(2 * seconds), "beacon")
    sending = await asyncio.create_subprocess_exec(
        *load, site_token(SECRET), str(port), cwd=ROOT, stdout=subprocess.PIPE
    )
    await asyncio.sleep(seconds)  # half of the load before it
    told_s = time.monotonic()
    ending = asyncio.create_task(asyncio.to_thread(leaving.close))
    nobodys_s = 0.0
    async with asyncio.timeout(DELIVER_S):
        while await raw.fetchval(OWNED, first) or await raw.fetchval(NOBODYS):
            nobodys_s += LOOK_S * bool(await raw.fetchval(NOBODYS))
            await asyncio.sleep(LOOK_S)
    over_s = time.monotonic() - told_s
    await ending
    said, _ = await sending.communicate()
    await raw.close()
    result = msgspec.json.decode(said, type=Latencies)
    if result.refused or result.delivered < result.answers:
        raise RuntimeError(f"{result.refused} refused, {result.answers - result.delivered} not delivered")
    return [
        figure("hand-over: SIGTERM to every shard owned by another", "s", over_s),
        figure("hand-over: some shard was nobody's", "s", nobodys_s),
        figure("hand-over: 202 to delivered p50, before and after it", "ms", result.delivered_p50_ms),
        figure("hand-over: 202 to delivered, the longest", "ms", result.delivered_max_ms),
    ]
