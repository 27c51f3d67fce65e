"""End to end: a beacon in, PutEvents out to the same cheap sink; nothing merges, every beacon is another session."""

import time
import urllib.request
from contextlib import ExitStack
from functools import partial

import msgspec

from tests.bench.contestants import SECRET, Contestant, cheap_sink, fastify_peer, relay, uvicorn_peer
from tests.bench.load.wrk import Round, wrk
from tests.bench.machine import cpu_s
from tests.bench.ratios import Figure, alternate, figures
from tests.bench.token import site_token

CONNECTIONS = 64
REFERENCE = "FastAPI + boto3 in threads"
DRAIN_DEADLINE_S = 120.0


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Beacons a second of server CPU, the relay's with its drain, against peers that store nothing."""
    token = site_token(SECRET)
    with ExitStack() as stack:
        sink = stack.enter_context(cheap_sink())
        contestants = [
            stack.enter_context(uvicorn_peer(REFERENCE, "fastapi_boto3", sink_url=sink)),
            stack.enter_context(uvicorn_peer("FastAPI + aioboto3", "fastapi_aioboto3", sink_url=sink)),
            stack.enter_context(fastify_peer(sink_url=sink)),
            stack.enter_context(relay(sink_url=sink)),
        ]
        results = alternate({one.name: partial(one_round, one, seconds, token) for one in contestants}, rounds=rounds)
    return [
        *figures("beacons a CPU second", "1/s", results, lambda r: r.requests / r.cpu_s, reference=REFERENCE),
        *figures("CPU a beacon", "us", results, lambda r: r.cpu_us, reference=REFERENCE),
        *figures("answer p50", "ms", results, lambda r: r.p50_ms, reference=REFERENCE),
    ]


def one_round(one: Contestant, seconds: float, token: str) -> Round:
    """A closed loop, until everything is delivered."""
    before_s = cpu_s(one.pid)
    result = wrk(one.url, one.pid, seconds=seconds, connections=CONNECTIONS, token=token, sessions=0, shape=one.shape)
    if result.refused or result.broken:
        raise RuntimeError(f"{one.name}: {result.refused} refusals, {result.broken} broken connections")
    if one.admin_url is not None:
        until_drained(one.admin_url)
    return msgspec.structs.replace(result, cpu_s=cpu_s(one.pid) - before_s)


def until_drained(admin_url: str) -> None:
    """Wait until the relay has nothing pending."""
    deadline = time.monotonic() + DRAIN_DEADLINE_S
    while True:
        with urllib.request.urlopen(f"{admin_url}/metrics") as answer:  # noqa: S310 - a loopback URL made here
            lines = answer.read().decode().splitlines()
        pending = next(float(line.split()[1]) for line in lines if line.startswith("relay_events_pending "))
        if pending == 0:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{pending:.0f} events still pending after {DRAIN_DEADLINE_S:.0f} s")
        time.sleep(0.1)  # between two looks at another process, whose end of work has no signal
