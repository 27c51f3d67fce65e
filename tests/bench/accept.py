"""Accept path: a 3-event beacon, checked and fsynced before 202, against a bare Starlette route that keeps nothing."""

from contextlib import ExitStack
from functools import partial

from tests.bench.contestants import SECRET, Contestant, relay, uvicorn_peer
from tests.bench.load.wrk import Round, wrk
from tests.bench.ratios import Figure, alternate, figures
from tests.bench.token import site_token

CONNECTIONS = 64
SESSIONS = 2000
REFERENCE = "bare Starlette"


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Requests a second, CPU a request and latency, relay over bare route."""
    token = site_token(SECRET)
    with ExitStack() as stack:
        bare = stack.enter_context(uvicorn_peer(REFERENCE, "starlette_bare", sink_url=""))
        ours = stack.enter_context(relay(sink_url=None))
        results = alternate({one.name: partial(_round, one, seconds, token) for one in (bare, ours)}, rounds=rounds)
    return [
        *figures("requests/s", "1/s", results, lambda r: r.requests_per_s, reference=REFERENCE),
        *figures("CPU a request", "us", results, lambda r: r.cpu_us, reference=REFERENCE),
        *figures("latency p99", "ms", results, lambda r: r.p99_ms, reference=REFERENCE),
    ]


def _round(one: Contestant, seconds: float, token: str) -> Round:
    result = wrk(
        one.url,
        one.pid,
        seconds=seconds,
        connections=CONNECTIONS,
        token=token,
        sessions=SESSIONS,
        shape=one.shape,
    )
    if result.refused or result.broken:
        raise RuntimeError(f"{one.name}: {result.refused} refusals, {result.broken} broken connections")
    return result
