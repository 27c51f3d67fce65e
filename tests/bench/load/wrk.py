"""The load: wrk on its own CPU, beacons made by `beacon.lua`."""

import subprocess
from pathlib import Path

import msgspec

from tests.bench.machine import LOAD_CPU, cpu_s, written_bytes


class Round(msgspec.Struct, frozen=True):
    """One round of load against one server."""

    requests: int
    refused: int
    """Answers of 400 and above."""
    broken: int
    """Connections that failed."""
    wall_s: float
    cpu_s: float
    """CPU of the server and its children during the round, and until it was quiet where that was asked for."""
    p50_ms: float
    p99_ms: float
    written_bytes: int = 0
    """What the server and its children gave the disk during the round."""

    @property
    def requests_per_s(self) -> float:
        """Answers a second of wall time."""
        return self.requests / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Server CPU in microseconds a request."""
        return self.cpu_s / self.requests * 1e6


def wrk(
    url: str,
    pid: int,
    *,
    seconds: float,
    connections: int,
    token: str,
    sessions: int,
    shape: str,
    identities: Path | None = None,
) -> Round:
    """Load `url` for some seconds with one thread and that many keep-alive connections.

    Args:
        url: Of the route.
        pid: Of the server.
        seconds: For how long.
        connections: At once.
        token: In each beacon; `@FILE` for those of a file in turn, one a line.
        sessions: In turn; 0 for another one each time.
        shape: `beacon` or `peer`.
        identities: A file with identity tokens, one a line; each beacon brings one, in turn.
    """
    script = Path(__file__).with_name("beacon.lua")
    before_s, before_bytes = cpu_s(pid), written_bytes(pid)
    done = subprocess.run(
        [
            *("taskset", "-c", str(LOAD_CPU)),
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "20s", "-s", str(script), url),
            *("--", token, str(sessions), shape, *([] if identities is None else [str(identities)])),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    used_s, wrote = cpu_s(pid) - before_s, written_bytes(pid) - before_bytes
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    requests, duration_us, status, broken, p50_us, p99_us, _max_us, _bytes = (int(word) for word in line.split()[1:])
    return Round(
        requests=requests,
        refused=status,
        broken=broken,
        wall_s=duration_us / 1e6,
        cpu_s=used_s,
        p50_ms=p50_us / 1e3,
        p99_ms=p99_us / 1e3,
        written_bytes=wrote,
    )
