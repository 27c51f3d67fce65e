"""A million events wait: how long the relay takes to start with them, and how much memory it holds.

    python -m tests.bench.pending [--events 1000000] [--sessions 200000]

Ends with 1 if the start takes 3 s or more, or the process 150 MB or more. Linux only: memory is read from /proc.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import click

from relay.core.clock import SystemClock
from relay.emulator import SECRET
from relay.spool.sqlite.spool import SqliteSpool
from tests.support.emulator import TRACKING_ID
from tests.support.records import new_record
from tests.support.relay import ROOT, relay_environ

MOST_START_S: Final = 3.0
MOST_RSS_MB: Final = 150.0
WATCHED_S: Final = 10.0
"""How long it is watched while it tries in vain to deliver."""
_AT_ONCE: Final = 2000


async def fill(path: Path, *, events: int, sessions: int) -> None:
    """Put so many events into a spool, the sessions taking turns."""
    records = (
        new_record(f"event-{number:032}", f"session-{number % sessions:024}", target=TRACKING_ID)
        for number in range(events)
    )
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=10 * 2**30) as spool:
        while some := list(islice(records, _AT_ONCE)):
            await spool.append(some)


class Started(NamedTuple):
    """A relay that found a full spool."""

    seconds: float
    """From the command to its listening: the interpreter, all imports, the check of the file, and the loading."""
    cpu_s: float
    """Spent computing until then, on all cores: what the start would take on one that does nothing else, about."""
    memory_mb: float
    most_memory_mb: float


def start(folder: Path, spool: Path, *, watched_s: float = WATCHED_S) -> Started:
    """Start `personalize-relay serve` on it, with the service out of reach, and watch it for a while."""
    environ = relay_environ(spool_url=f"sqlite:///{spool}", spool_max_bytes=str(10 * 2**30), drain_s="0.1")
    aws = {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": "http://127.0.0.1:9",
    }
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "relay", "serve"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environ | aws,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        banner = process.stdout.readline().split()
        seconds = time.monotonic() - started
        try:
            at_start = _memory_mb(process.pid, "VmRSS")
            ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
            cpu_s = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            while time.monotonic() < started + seconds + watched_s:
                with urllib.request.urlopen(f"{banner[-1]}/metrics", timeout=5) as answer:  # noqa: S310  loopback
                    answer.read()
                time.sleep(0.5)  # between two scrapes: memory is watched over time
            return Started(seconds, cpu_s, at_start, _memory_mb(process.pid, "VmHWM"))
        finally:
            process.terminate()


def _memory_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise ValueError(name)


@click.command()
@click.option("--events", default=1_000_000, show_default=True)
@click.option("--sessions", default=200_000, show_default=True)
def main(events: int, sessions: int) -> None:
    """Fill, start, watch, print."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "spool.db"
        asyncio.run(fill(spool, events=events, sessions=sessions))
        size_mb = spool.stat().st_size / 2**20
        empty = start(Path(folder), Path(folder) / "empty.db", watched_s=0)
        relay = start(Path(folder), spool)
    sys.stdout.write(
        f"{events} events of {sessions} sessions wait ({size_mb:.0f} MB on disk):"
        f" start {relay.seconds:.2f} s (< {MOST_START_S:g}), computing {relay.cpu_s:.2f} s on all cores;"
        f" with an empty spool {empty.seconds:.2f} s, computing {empty.cpu_s:.2f} s;"
        f" memory {relay.memory_mb:.0f} MB then, {relay.most_memory_mb:.0f} MB at most (< {MOST_RSS_MB:g})\n"
    )
    sys.exit(0 if relay.seconds < MOST_START_S and relay.most_memory_mb < MOST_RSS_MB else 1)


if __name__ == "__main__":
    main()
