"""The demo as a user starts it: one command, four ports."""

import asyncio
import os
import random
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec

READY: Final = b"Ctrl-C stops everything."
STOPPED: Final = "Everything has stopped."


@dataclass(frozen=True)
class RunningDemo:
    """A demo that serves."""

    process: asyncio.subprocess.Process
    port: int
    said: str
    """What it printed until it was ready."""

    @property
    def relay(self) -> str:
        return self._url(0)

    @property
    def admin(self) -> str:
        return self._url(1)

    @property
    def emulator(self) -> str:
        return self._url(2)

    @property
    def shop(self) -> str:
        return self._url(3)

    def _url(self, offset: int) -> str:
        return f"http://127.0.0.1:{self.port + offset}"

    async def calls(self) -> list[Any]:
        """Every PutEvents the emulator took, in order: the body of each."""
        text = await self.text(f"{self.emulator}/_emulator/calls?operation=PutEvents")
        calls = [msgspec.json.decode(line) for line in text.splitlines()]
        return [call["body"] for call in calls if call["taken"]]

    async def events(self) -> list[dict[str, Any]]:
        """Every event of those calls, each with its call's sessionId, and userId if it has one."""
        return [
            {name: body[name] for name in ("sessionId", "userId") if name in body} | event
            for body in await self.calls()
            for event in body["eventList"]
        ]

    async def pending(self) -> int:
        """Events the relay has accepted and not delivered."""
        text = await self.text(f"{self.admin}/metrics")
        found = re.search(r"^relay_events_pending (\S+)$", text, re.MULTILINE)
        assert found
        return int(float(found[1]))

    async def text(self, url: str) -> str:
        async with httpx2.AsyncClient() as http:
            response = await http.get(url)
            response.raise_for_status()
            return response.text


def free_ports(count: int) -> int:
    """The first of so many free ports in a row, below those the system gives out by itself."""
    for _ in range(100):
        first = random.randrange(20_000, 30_000)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError("no free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@asynccontextmanager
async def running_demo(
    *options: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> AsyncGenerator[RunningDemo]:
    """Start the demo, wait until it serves, and stop it with Ctrl-C, which must leave it in good order."""
    port = free_ports(4)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "demo", *options),
        env={**os.environ, "DEMO_PORT": str(port), **(env or {})},
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(40):
            said = await process.stdout.readuntil(READY)
        yield RunningDemo(process, port, said.decode())
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            rest = (await process.stdout.read()).decode()
            assert await process.wait() == 0
        assert STOPPED in rest
        assert "Traceback" not in rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
