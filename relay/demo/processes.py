"""Runs the parts of the demo, and leaves none of them behind."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

import aiohttp

from relay.core.clock import Clock
from relay.core.errors import RelayError
from relay.demo.plan import Part, Plan, environment

READY_S: Final = 60.0
"""How long one part may take to answer."""
STOP_S: Final = 10.0
"""How long one part may take to end before it is killed; the relay drains for five."""
_POLL_S: Final = 0.05
_LAST_LINES: Final = 15


class DemoError(RelayError):
    """The demo cannot run."""


class Running:
    """The processes of a demo."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._processes: list[tuple[Part, asyncio.subprocess.Process]] = []

    async def until_one_ends(self) -> DemoError:
        """Wait, for ever if all goes well; what happened to the first part that ended by itself."""
        waits = {asyncio.ensure_future(process.wait()): part for part, process in self._processes}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._ended(waits[done.pop()])

    async def start(self, part: Part, http: aiohttp.ClientSession, clock: Clock) -> None:
        """Start a part and wait until it answers.

        Raises:
            DemoError: it ended instead, or did not answer in time; with the last lines of its log.
        """
        with self._log(part).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *part.argv,
                cwd=self._logs,  # no relay.toml of whoever starts the demo
                env=environment(part, os.environ),  # noqa: TID251 - handed on, not read
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone, and we stop them in order
            )
        self._processes.append((part, process))
        deadline_s = clock.monotonic_s() + READY_S
        while not await _answers(http, part.ready_url):
            if process.returncode is not None:
                raise self._ended(part)
            if clock.monotonic_s() > deadline_s:
                raise DemoError(f"{part.name} does not answer at {part.ready_url}\n{self._tail(part)}")
            await asyncio.sleep(_POLL_S)

    async def stop(self) -> None:
        """End every part, the last first: what is in the relay still reaches the emulator."""
        while self._processes:
            _, process = self._processes[-1]
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
                try:
                    async with asyncio.timeout(STOP_S):
                        await process.wait()
                except TimeoutError:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
            self._processes.pop()

    def _ended(self, part: Part) -> DemoError:
        return DemoError(f"{part.name} ended by itself\n{self._tail(part)}")

    def _log(self, part: Part) -> Path:
        return self._logs / f"{part.name}.log"

    def _tail(self, part: Part) -> str:
        lines = self._log(part).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])


@contextlib.asynccontextmanager
async def running(plan: Plan, clock: Clock) -> AsyncGenerator[Running]:
    """All parts, answering; on leaving, by whatever way, all are stopped.

    Raises:
        DemoError: a port is taken, or a part does not start.
    """
    _check_ports(plan)
    parts = Running(plan.logs)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            for part in plan.parts:
                await parts.start(part, http, clock)
        yield parts
    finally:
        await parts.stop()


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _check_ports(plan: Plan) -> None:
    taken: list[str] = []
    for port, name in plan.ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                taken.append(f"port {port}, for the {name}, cannot be used: {error.strerror}")
    if taken:
        raise DemoError("\n".join([*taken, "set DEMO_PORT to another one; it and the next three are used"]))
