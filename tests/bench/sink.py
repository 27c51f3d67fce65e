"""Sink path: CPU of one PutEvents call of ten events, each contestant in a process of its own.

The children are `python -m tests.bench.sink_calls WHO URL CALLS`, which print their CPU in microseconds a call.
"""

import os
import subprocess
from functools import partial

from tests.bench.contestants import AWS, cheap_sink
from tests.bench.machine import SERVER_CPU
from tests.bench.processes import ROOT, python
from tests.bench.ratios import Figure, alternate, figures

REFERENCE = "aioboto3 as it comes"
CALLS = 1500
WHO = {
    REFERENCE: "aioboto3",
    "boto3 in threads": "boto3",
    "hand-signed over aiohttp": "floor",
    "relay's client, as anybody calls it": "client",
    "relay's sink, bodies as stored": "relay",
}


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """CPU a call; `seconds` is not used, a round is a number of calls."""
    del seconds
    with cheap_sink() as url:
        results = alternate({name: partial(_cpu_us, who, url) for name, who in WHO.items()}, rounds=rounds)
    return figures("CPU a PutEvents call", "us", results, lambda us: us, reference=REFERENCE)


def _cpu_us(who: str, url: str) -> float:
    command = ["taskset", "-c", str(SERVER_CPU), *python("-m", "tests.bench.sink_calls", who, url, str(CALLS))]
    env = {**os.environ, **AWS, "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": url}
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return float(done.stdout)
