"""`make profile`: flame graphs of the relay under load, accept path and delivery, into build/profile/.

py-spy looks at the relay from outside, 500 times a second; only threads that use a CPU are counted. Where a process may
not look at another one (kernel.yama.ptrace_scope), it has to be root.
"""

import subprocess
from contextlib import ExitStack
from pathlib import Path

import click

from tests.bench.contestants import SECRET, Contestant, cheap_sink, relay
from tests.bench.load.wrk import wrk
from tests.bench.machine import LOAD_CPU
from tests.bench.processes import ROOT
from tests.bench.token import site_token

FOLDER = ROOT / "build/profile"
RATE = 500
CONNECTIONS = 64


@click.command()
@click.option("--seconds", default=10, show_default=True, help="How long each path is watched.")
@click.option("--raw", is_flag=True, help="Also write the stacks as text.")
def main(seconds: int, raw: bool) -> None:
    """Write accept.svg and deliver.svg."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    token = site_token(SECRET)
    with relay(sink_url=None) as one:
        watch(one, "accept", seconds=seconds, raw=raw, token=token)
    with ExitStack() as stack:
        sink = stack.enter_context(cheap_sink())
        watch(stack.enter_context(relay(sink_url=sink)), "deliver", seconds=seconds, raw=raw, token=token)


def watch(one: Contestant, name: str, *, seconds: int, raw: bool, token: str) -> None:
    """Load a relay and write what it does meanwhile."""
    forms = {FOLDER / f"{name}.svg": "flamegraph"} | ({FOLDER / f"{name}.txt": "raw"} if raw else {})
    for file, form in forms.items():
        _record(one, file, form, seconds=seconds, token=token)
        click.echo(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def _record(one: Contestant, file: Path, form: str, *, seconds: int, token: str) -> None:
    command = ["py-spy", "record", "--pid", str(one.pid), "--duration", str(seconds), "--rate", str(RATE)]
    spy = subprocess.Popen(
        ["taskset", "-c", str(LOAD_CPU), *command, "--threads", "--format", form, "--output", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wrk(one.url, one.pid, seconds=seconds, connections=CONNECTIONS, token=token, sessions=0, shape=one.shape)
    _, said = spy.communicate(timeout=60)
    if spy.returncode:
        raise click.ClickException(said.strip() or f"py-spy ended with {spy.returncode}")


if __name__ == "__main__":
    main()
