"""Latency at half load: how long a page waits for its 202, and an event from there to the sink's answer.

Half load is half of what the relay's core gets done, delivery included, in a closed loop of the same beacons. The bare
route gets the same number of requests.
"""

import subprocess
from contextlib import ExitStack
from functools import partial

import msgspec

from tests.bench.contestants import SECRET, Contestant, cheap_sink, relay, uvicorn_peer
from tests.bench.deliver import one_round as closed_loop
from tests.bench.load.constant_rate import Latencies
from tests.bench.machine import LOAD_CPU
from tests.bench.processes import ROOT, free_port, python
from tests.bench.ratios import Figure, alternate, figures
from tests.bench.token import site_token

REFERENCE = "bare Starlette"
PART = 0.5


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Milliseconds at the half, of answers and of deliveries."""
    token = site_token(SECRET)
    with ExitStack() as stack:
        with cheap_sink() as sink, relay(sink_url=sink) as one:
            closed_loop(one, 1.0, token)
            full = closed_loop(one, seconds, token)
        rate = PART * full.requests / full.cpu_s
        port = free_port()
        bare = stack.enter_context(uvicorn_peer(REFERENCE, "starlette_bare", sink_url=""))
        ours = stack.enter_context(relay(sink_url=f"http://127.0.0.1:{port}"))
        results = alternate(
            {one.name: partial(one_round, one, rate, seconds, token, port) for one in (bare, ours)}, rounds=rounds
        )
    delivered = {"relay": results["relay"]}
    return [
        Figure("load", "both", "1/s", rate, None, None, None),
        *figures("answer p50", "ms", results, lambda r: r.answer_p50_ms, reference=REFERENCE),
        *figures("answer p99", "ms", results, lambda r: r.answer_p99_ms, reference=REFERENCE),
        *figures("202 to delivered p50", "ms", delivered, lambda r: r.delivered_p50_ms, reference="relay"),
        *figures("202 to delivered p99", "ms", delivered, lambda r: r.delivered_p99_ms, reference="relay"),
    ]


def one_round(one: Contestant, rate: float, seconds: float, token: str, port: int) -> Latencies:
    """Beacons at that many a second, until the last is delivered to the sink at that port."""
    command = python("-m", "tests.bench.load.constant_rate", one.url, f"{rate:.1f}", f"{seconds:.1f}", one.shape, token)
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CPU), *command, str(port)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    result = msgspec.json.decode(done.stdout, type=Latencies)
    missing = result.answers - result.delivered if one.shape == "beacon" else 0
    if result.refused or missing or result.answers < int(rate * seconds):
        raise RuntimeError(f"{one.name}: {result.refused} refused, {missing} not delivered")
    return result
