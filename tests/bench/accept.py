"""Accept path: a 3-event beacon, checked and fsynced before 202, against a bare Starlette route that keeps nothing.

Floors measured once, as parts of the bare route's CPU, for those who ask what is left to gain: 0.67 for all of the
relay's work in lean Python with nothing stored, 0.58 with parse, check, encode and the search for repeats in C and a
log on disk, 0.39 for all of it in C, which is what the kernel takes. End to end, all in C: 0.13 of the relay's CPU
before one record was one beacon.
"""

from contextlib import ExitStack
from functools import partial

from tests.bench.contestants import SECRET, Contestant, lean_floor, relay, uvicorn_peer
from tests.bench.load.wrk import Round, wrk
from tests.bench.ratios import Figure, alternate, figures
from tests.bench.token import site_token

CONNECTIONS = (8, 64)
EVENTS = 3
SESSIONS = 2000
REFERENCE = "bare Starlette"


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Requests a second, CPU a request and latency, relay over bare route."""
    token = site_token(SECRET)
    with ExitStack() as stack:
        bare = stack.enter_context(uvicorn_peer(REFERENCE, "starlette_bare", sink_url=""))
        floor = stack.enter_context(lean_floor())
        ours = stack.enter_context(relay(sink_url=None))
        made: list[Figure] = []
        for connections in CONNECTIONS:
            turns = {one.name: partial(one_round, one, seconds, token, connections) for one in (bare, floor, ours)}
            results = alternate(turns, rounds=rounds)
            at = f", {connections} connections"
            made += [
                *figures(f"requests/s{at}", "1/s", results, lambda r: r.requests_per_s, reference=REFERENCE),
                *figures(f"CPU a request{at}", "us", results, lambda r: r.cpu_us, reference=REFERENCE),
                *figures(f"latency p99{at}", "ms", results, lambda r: r.p99_ms, reference=REFERENCE),
                *figures(
                    f"bytes written an event{at}",
                    "B",
                    {ours.name: results[ours.name]},
                    lambda r: r.written_bytes / (EVENTS * r.requests),
                    reference=ours.name,
                ),
            ]
    return made


def one_round(one: Contestant, seconds: float, token: str, connections: int) -> Round:
    """A closed loop; nothing is refused."""
    result = wrk(
        one.url,
        one.pid,
        seconds=seconds,
        connections=connections,
        token=token,
        sessions=SESSIONS,
        shape=one.shape,
    )
    if result.refused or result.broken:
        raise RuntimeError(f"{one.name}: {result.refused} refusals, {result.broken} broken connections")
    return result
