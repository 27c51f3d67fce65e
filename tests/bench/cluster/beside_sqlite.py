"""What a shared spool takes beside a file of one's own, in the same run; and what a second relay brings.

1. Appends alone, 64 at a time: CPU of the relay's process, and of every process of PostgreSQL.
2. Beacons over HTTP, accepted and kept: CPU of the relay, and of PostgreSQL.
3. Beacons at a constant rate, each another session: from the 202 until the sink has answered.
4. One relay, and two, in a closed loop, delivery included. How much two get done beside one is told by their CPU a
   beacon: with a core each, a relay gets done what a core's second has room for. Wall time says the same only where
   there are cores for relays, database, load and sink: on two it says nothing, and is not shown.
"""

import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from tests.bench.accept import SESSIONS
from tests.bench.cluster.appends import Appends
from tests.bench.cluster.take_over import EMPTY
from tests.bench.contestants import SECRET, Contestant, cheap_sink, relay
from tests.bench.deliver import until_drained
from tests.bench.latency import one_round as at_a_rate
from tests.bench.load.wrk import Round, wrk
from tests.bench.machine import BOTH_CPUS, cpu_s
from tests.bench.processes import ROOT, free_port, python
from tests.bench.ratios import Figure, alternate, figures
from tests.bench.token import site_token
from tests.support.postgres import Cluster

SQLITE = "SQLite, one relay"
SHARED = "PostgreSQL, one relay"
TWO = "PostgreSQL, two relays"
AT_ONCE = 64
APPENDS_A_SECOND = 3000
"""Of the time that was asked for."""
RATE = 200.0
MANY_CORES = 6


class Shared(msgspec.Struct, frozen=True):
    """A round of load, and what the database did for it."""

    relays: Round
    """Of all relays together."""
    database_us: float
    """CPU a beacon."""


def appends(cluster: Cluster, *, rounds: int, seconds: float) -> list[Figure]:
    """See 1."""
    count = str(int(APPENDS_A_SECOND * seconds))

    def one(url: str, *pid: str) -> Appends:
        command = python("-m", "tests.bench.cluster.appends", url, count, str(AT_ONCE), *pid)
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300)
        return msgspec.json.decode(done.stdout, type=Appends)

    def to_a_file() -> Appends:
        with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
            return one(f"sqlite:///{Path(folder) / 'spool.db'}")

    def to_the_database() -> Appends:
        cluster.sql(EMPTY)
        return one(cluster.url, str(cluster.pid))

    results = alternate({SQLITE: to_a_file, SHARED: to_the_database}, rounds=rounds)
    both = {
        "the relay": [one.relay_us for one in results[SHARED]],
        "the database": [one.database_us for one in results[SHARED]],
    }
    return [
        *figures("append: CPU of the relay", "us", results, lambda r: r.relay_us, reference=SQLITE),
        *figures("append in groups of 64: CPU beside the relay's", "us", both, float, reference="the relay"),
    ]


def accepts(cluster: Cluster, *, rounds: int, seconds: float) -> list[Figure]:
    """See 2."""
    token = site_token(SECRET)
    cluster.sql(EMPTY)
    with ExitStack() as stack:
        contestants = [
            stack.enter_context(relay(sink_url=None, name=SQLITE)),
            stack.enter_context(relay(sink_url=None, name=SHARED, extra={"RELAY_SPOOL_URL": cluster.url})),
        ]
        turns = {one.name: partial(loaded, cluster, [one], seconds, token, SESSIONS) for one in contestants}
        results = alternate(turns, rounds=rounds)
    shared = {SHARED: results[SHARED]}
    return [
        *figures("accept: CPU of the relay a beacon", "us", results, lambda r: r.relays.cpu_us, reference=SQLITE),
        *figures("accept: CPU of the database a beacon", "us", shared, lambda r: r.database_us, reference=SHARED),
    ]


def deliveries(cluster: Cluster, *, rounds: int, seconds: float) -> list[Figure]:
    """See 3."""
    token, port = site_token(SECRET), free_port()
    sink = f"http://127.0.0.1:{port}"
    cluster.sql(EMPTY)
    with ExitStack() as stack:
        contestants = [
            stack.enter_context(relay(sink_url=sink, name=SQLITE)),
            stack.enter_context(relay(sink_url=sink, name=SHARED, extra={"RELAY_SPOOL_URL": cluster.url})),
        ]
        turns = {one.name: partial(at_a_rate, one, RATE, seconds, token, port) for one in contestants}
        results = alternate(turns, rounds=rounds)
    more = {
        SHARED: [
            shared.delivered_p50_ms - own.delivered_p50_ms
            for shared, own in zip(results[SHARED], results[SQLITE], strict=True)
        ]
    }
    return [
        *figures("202 to delivered p50", "ms", results, lambda r: r.delivered_p50_ms, reference=SQLITE),
        *figures("202 to delivered p50, more than SQLite's", "ms", more, float, reference=SHARED),
        *figures("answer p50", "ms", results, lambda r: r.answer_p50_ms, reference=SQLITE),
    ]


def two(cluster: Cluster, *, rounds: int, seconds: float) -> list[Figure]:
    """See 4."""
    token = site_token(SECRET)

    def run(count: int) -> Shared:
        cluster.sql(EMPTY)
        with ExitStack() as stack:
            sink = stack.enter_context(cheap_sink())
            extra = {"RELAY_SPOOL_URL": cluster.url}
            relays = [
                stack.enter_context(relay(sink_url=sink, extra=extra, cpu=BOTH_CPUS if few() else all_cpus()))
                for _ in range(count)
            ]
            loaded(cluster, relays, 1.0, token, 0)
            return loaded(cluster, relays, seconds, token, 0)

    results = alternate({SHARED: partial(run, 1), TWO: partial(run, 2)}, rounds=rounds)
    capacity = {
        SHARED: [1e6 / one.relays.cpu_us for one in results[SHARED]],
        TWO: [2e6 / one.relays.cpu_us for one in results[TWO]],
    }
    wall = [] if few() else figures(
        "beacons a second, by the clock", "1/s", results, lambda r: r.relays.requests_per_s, reference=SHARED
    )  # fmt: skip
    return [
        *figures("beacons a second, by CPU, a core a relay", "1/s", capacity, float, reference=SHARED),
        *figures("CPU of the relays a beacon, delivered", "us", results, lambda r: r.relays.cpu_us, reference=SHARED),
        *figures("CPU of the database a beacon, delivered", "us", results, lambda r: r.database_us, reference=SHARED),
        *wall,
    ]


def few() -> bool:
    """Whether everything shares a few cores."""
    return (os.cpu_count() or 1) < MANY_CORES


def all_cpus() -> str:
    """Where relays run that have room."""
    return f"0-{(os.cpu_count() or 1) - 1}"


def loaded(cluster: Cluster, relays: list[Contestant], seconds: float, token: str, sessions: int) -> Shared:
    """A closed loop at each, until everything that has a sink is delivered."""
    before_s = [cpu_s(one.pid) for one in relays]
    database_s = cpu_s(cluster.pid)

    def load(one: Contestant) -> Round:
        at_once = AT_ONCE // len(relays)
        return wrk(
            one.url, one.pid, seconds=seconds, connections=at_once, token=token, sessions=sessions, shape=one.shape
        )

    with ThreadPoolExecutor() as pool:
        rounds = list(pool.map(load, relays))
    if any(one.refused or one.broken for one in rounds):
        raise RuntimeError("beacons were refused")
    if not sessions:
        for one in relays:
            until_drained(one.admin_url or "")
    used_s = sum(cpu_s(one.pid) for one in relays) - sum(before_s)
    requests = sum(one.requests for one in rounds)
    together = msgspec.structs.replace(rounds[0], requests=requests, cpu_s=used_s)
    return Shared(together, (cpu_s(cluster.pid) - database_s) / requests * 1e6)
