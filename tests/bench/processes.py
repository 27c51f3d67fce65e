"""Servers under measurement: started pinned to one CPU, waited for, stopped."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.bench.machine import SERVER_CPU

ROOT = Path(__file__).parents[2]
START_DEADLINE_S = 30.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str], *, ready_url: str, env: Mapping[str, str] | None = None, cpu: int | str = SERVER_CPU
) -> Iterator[int]:
    """Run a server pinned to one CPU, or a list of them, until the block ends.

    Yields its pid once `ready_url` answers below 500.
    """
    with tempfile.TemporaryFile() as said:  # a pipe that nobody reads would fill
        process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *command],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            _wait(process, ready_url, said)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def python(*args: str) -> list[str]:
    """A command line for this interpreter."""
    return [sys.executable, *args]


def _wait(process: subprocess.Popen[bytes], url: str, said: IO[bytes]) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        if process.poll() is not None:
            said.seek(0)
            words = said.read().decode(errors="replace")
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {words[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - a loopback URL made here
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not answer in {START_DEADLINE_S:.0f} s")
        time.sleep(0.05)  # between two tries to connect: that a server listens has no signal
