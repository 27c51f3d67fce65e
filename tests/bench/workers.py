"""Several cores: the same load on a relay that sends by itself and on ones with sender processes.

Here the relay may use both CPUs, and shares the second with load and sink. So on two cores the figure shows less than
there is: what `--workers` takes off the relay's own process is the row that scales further.
"""

import time
from contextlib import ExitStack
from functools import partial

import msgspec

from tests.bench.contestants import SECRET, Contestant, cheap_sink, relay
from tests.bench.deliver import CONNECTIONS, until_drained
from tests.bench.load.wrk import wrk
from tests.bench.machine import BOTH_CPUS, cpu_s, own_cpu_s
from tests.bench.ratios import Figure, alternate, figures
from tests.bench.token import site_token

COUNTS = (0, 1, 2)
REFERENCE = "--workers 0"


class Round(msgspec.Struct, frozen=True):
    """One round, until everything is delivered."""

    beacons: int
    wall_s: float
    cpu_s: float
    own_cpu_s: float


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Beacons delivered a second, and what they cost in CPU: all processes, and the one that listens."""
    token = site_token(SECRET)
    with ExitStack() as stack:
        sink = stack.enter_context(cheap_sink())
        contestants = [
            stack.enter_context(
                relay(sink_url=sink, name=f"--workers {count}", extra={"RELAY_WORKERS": str(count)}, cpu=BOTH_CPUS)
            )
            for count in COUNTS
        ]
        results = alternate({one.name: partial(_round, one, seconds, token) for one in contestants}, rounds=rounds)
    return [
        *figures("delivered beacons/s", "1/s", results, lambda r: r.beacons / r.wall_s, reference=REFERENCE),
        *figures("CPU a beacon", "us", results, lambda r: r.cpu_s / r.beacons * 1e6, reference=REFERENCE),
        *figures("of that: listening", "us", results, lambda r: r.own_cpu_s / r.beacons * 1e6, reference=REFERENCE),
    ]


def _round(one: Contestant, seconds: float, token: str) -> Round:
    before_s, own_before_s, started_s = cpu_s(one.pid), own_cpu_s(one.pid), time.monotonic()
    result = wrk(one.url, one.pid, seconds=seconds, connections=CONNECTIONS, token=token, sessions=0, shape=one.shape)
    if result.refused or result.broken or one.admin_url is None:
        raise RuntimeError(f"{one.name}: {result.refused} refusals, {result.broken} broken connections")
    until_drained(one.admin_url)
    return Round(
        beacons=result.requests,
        wall_s=time.monotonic() - started_s,
        cpu_s=cpu_s(one.pid) - before_s,
        own_cpu_s=own_cpu_s(one.pid) - own_before_s,
    )
