"""`make bench ARGS=attack`: what good visitors notice of fifty hostile connections of each kind, and what it costs.

The relay runs on the first CPU, with its own limits; attackers, visitors and the sink on the second, the attackers
behind the others there. Each attacker and each visitor has an address of its own; in the last rounds all of them come
through one trusted proxy.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console

from tests.attack.hostile import KINDS
from tests.attack.visitors import Visits
from tests.bench import machine
from tests.bench.contestants import SECRET, relay
from tests.bench.processes import ROOT, free_port, python, running
from tests.bench.token import site_token

DRAIN_S: Final = 5
MANY: Final = 50
RATE: Final = 100.0
_LIMITS: Final = {"RELAY_RATE_LIMIT_IP": "50/s", "RELAY_PUT_EVENTS_PER_S": "1000", "RELAY_DRAIN_S": str(DRAIN_S)}
_BEHIND: Final = ("chrt", "--idle", "0")
"""Attackers get all of the load's CPU that visitors leave, and no visitor waits for them there."""
_PROXY: Final = {"RELAY_CLIENT_IP_HEADER": "X-Forwarded-For", "RELAY_TRUSTED_PROXIES": "127.0.0.1/32"}


class Siege(msgspec.Struct):
    """What came of one."""

    name: str
    quiet: Visits
    attacked: Visits
    grown_mb: float
    """Memory at most, over that in the quiet."""
    ended_s: float
    """From SIGTERM, the attack going on."""
    exit_code: int


def run(console: Console, *, seconds: float) -> None:
    """Each kind by itself, all together, and all of them through one proxy; printed as it comes."""
    console.print(f"{MANY} connections of each kind for {seconds:.0f} s; visitors: {RATE:.0f} beacons a second")
    for kind in KINDS:
        show(besiege(kind, [kind], seconds=seconds), console)
    show(besiege("all together", list(KINDS), seconds=seconds), console)
    show(besiege("all through one proxy", list(KINDS), seconds=seconds, forwarded=True), console)


def show(siege: Siege, console: Console) -> None:
    """One line."""
    ratios = ", ".join(
        f"p{part * 100:g} {siege.attacked.quantile_ms(part):.1f} ms"
        f" ({siege.attacked.quantile_ms(part) / max(0.01, siege.quiet.quantile_ms(part)):.1f} x quiet)"
        for part in (0.5, 0.99, 1.0)
    )
    refused = ", ".join(f"{count} x {why}" for why, count in siege.attacked.refused.items()) or "0"
    console.print(
        f"[bold]{siege.name}[/]: {ratios}; refused {refused} of {len(siege.attacked.waits_s)}, late"
        f" {siege.attacked.late}; memory {siege.grown_mb:+.0f} MB; SIGTERM {siege.ended_s:.1f} s,"
        f" exit {siege.exit_code}",
        soft_wrap=True,
        highlight=False,
    )


def besiege(name: str, kinds: Sequence[str], *, seconds: float, forwarded: bool = False) -> Siege:
    """A quiet round, the same under attack, and the end."""
    token = site_token(SECRET)
    port = free_port()
    sink = f"http://127.0.0.1:{port}"
    rounds = [3.0, min(20.0, max(5.0, seconds / 2)), seconds]  # the first is to warm up
    with (
        running(python("-m", "tests.attack.refusing_sink", str(port)), ready_url=f"{sink}/", cpu=machine.LOAD_CPU),
        relay(sink_url=sink, extra={**_LIMITS, **(_PROXY if forwarded else {})}) as one,
    ):
        base = one.url.removesuffix("/r/e")
        through = str(int(forwarded))
        visitors = python("-m", "tests.attack.visitors", base, token, sink, through, str(RATE), *map(str, rounds))
        attackers = python("-m", "tests.attack.hostile", base, token, str(MANY), through, *kinds)
        with _beside(visitors) as visiting:
            _result(visiting)
            quiet = _result(visiting)
            before_mb = _memory_mb(one.pid, "VmRSS")
            Path(f"/proc/{one.pid}/clear_refs").write_text("5")  # the peak is counted from here on
            with _beside([*_BEHIND, *attackers]):
                attacked = _result(visiting)
                most_mb = _memory_mb(one.pid, "VmHWM")
                ended_s, exit_code = _ended(one.pid)
    return Siege(name, quiet, attacked, most_mb - before_mb, ended_s, exit_code)


@contextmanager
def _beside(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process on the load's CPU, until the block ends."""
    where = ["taskset", "-c", str(machine.LOAD_CPU)]
    with subprocess.Popen([*where, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _result(visiting: "subprocess.Popen[str]") -> Visits:
    assert visiting.stdout is not None
    return msgspec.json.decode(visiting.stdout.readline(), type=Visits)


def _memory_mb(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def _ended(pid: int) -> tuple[float, int]:
    """Ask it to end: after how long it has, and how. A minute at most."""
    began_s = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    while time.monotonic() < began_s + 60:
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is not None:
            return time.monotonic() - began_s, found.si_status
        time.sleep(0.02)  # between two looks whether it has ended: waitid has no time limit of its own
    return 60.0, -1


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="Of each attack.")
@click.option("--kind", type=click.Choice([*KINDS, "all"]), help="Only this one.")
@click.option("--proxy", is_flag=True, help="Through one trusted proxy.")
def main(*, seconds: float, kind: str | None, proxy: bool) -> None:
    """One siege, or all."""
    if kind is None:
        run(Console(), seconds=seconds)
    else:
        show(besiege(kind, list(KINDS) if kind == "all" else [kind], seconds=seconds, forwarded=proxy), Console())


if __name__ == "__main__":
    main()
