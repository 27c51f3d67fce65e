"""The real command in a process of its own, on a port that stays the same over all its lives."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from tests.faults.process.nursery import Nursery
from tests.faults.process.small_disk import SmallDisk
from tests.support.relay import ROOT, relay_environ

START_DEADLINE_S: Final = 180.0
"""Longer than a relay waits for a database that is away, and than a start takes where others have the processors."""


class NotStartedError(Exception):
    """The relay ended before it listened."""


class Life(Protocol):
    """A process that serves."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def banner(self) -> str:
        """Its first line; empty if it ends without one."""
        ...

    async def wait(self) -> int:
        """The exit code, once it has ended."""
        ...


class Command:
    """A life that began as the command itself."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = process.pid
        self.wait = process.wait

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    async def banner(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode()


def quiet_port(rng: random.Random) -> int:
    """A free port no outgoing connection can take: below the range the kernel chooses from.

    While a relay is down, a client that dials its port from that very port would be connected with itself.
    """
    for _ in range(200):
        port = rng.randrange(15_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port")


class RelayProcess:
    """One life of a relay after the other, all on the same spool."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        env: Mapping[str, str],
        settings: Mapping[str, str],
        disk: SmallDisk | None = None,
        forked: bool = False,
        nursery: str = "tests.faults.process.nursery_process",
    ) -> None:
        """Start nothing yet.

        Args:
            folder: Its working directory; the spool is `spool/relay.db` in it.
            port: Of the public listener.
            env: AWS variables, and others.
            settings: `drain_s="1"` is `RELAY_DRAIN_S=1`.
            disk: Mounted at `spool`, if the spool is to be on a disk of its own.
            forked: Whether lives are forked from a process that has imported the relay, where that can be.
            nursery: The module that bears them then.
        """
        self.folder = folder
        self.spool = folder / "spool" / "relay.db"
        self.spool.parent.mkdir(exist_ok=True)
        self.port = port
        self._settings = {"spool_url": f"sqlite:///{self.spool}", "port": str(port), **settings}
        self._env = env
        self._within = disk.within if disk else ()
        self._disk = disk
        self._process: Life | None = None
        self._forked = forked and disk is None
        self._module = nursery
        self._nursery: Nursery | None = None
        self._counted = True
        self.admin_url = ""
        self.starts = 0
        self.kills = 0
        """Lives that ended with SIGKILL, by whomever."""
        self.log = folder / "relay.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def spawn(self, extra_env: Mapping[str, str] | None = None) -> None:
        """Start it, and do not wait."""
        assert not self.is_up
        if self._forked and not extra_env:
            if self._nursery is None:
                self._nursery = Nursery(await self._execute(self._module))
            self._process = await self._nursery.bear()
        else:
            self._process = Command(await self._execute("relay", "serve", extra_env=extra_env))
        self.starts += 1
        self._counted = False

    @property
    def environ(self) -> dict[str, str]:
        """Variables of its processes, and of other commands that are to speak to it."""
        return os.environ | {"PYTHONPATH": str(ROOT)} | relay_environ(**self._settings) | dict(self._env)

    async def _execute(self, *module: str, extra_env: Mapping[str, str] | None = None) -> Process:
        with self.log.open("ab") as stderr:
            return await asyncio.create_subprocess_exec(
                *self._within,
                *(sys.executable, "-m", *module),
                cwd=self.folder,
                env=self.environ | dict(extra_env or {}),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
            )

    async def close(self) -> None:
        """Kill it, and what has borne it."""
        await self.kill()
        if self._nursery is not None:
            await self._nursery.close()

    async def listening(self) -> None:
        """Wait until it takes requests.

        Raises:
            NotStartedError: it has ended instead.
        """
        assert self._process is not None
        async with asyncio.timeout(START_DEADLINE_S):
            banner = await self._process.banner()
        if not banner.startswith("relay on "):
            await self._process.wait()
            raise NotStartedError(self.last_words())
        self.admin_url = banner.split()[-1]

    async def start(self, extra_env: Mapping[str, str] | None = None) -> None:
        """Start it and wait until it takes requests."""
        await self.spawn(extra_env)
        await self.listening()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.is_up:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and the news is still on the way
                os.kill(self.pid, number)

    async def kill(self) -> None:
        """Kill -9, now."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self, *, deadline_s: float = 40.0) -> int:
        """The exit code, once it has ended; negative: the signal that ended it."""
        if self._process is None:
            return 0
        async with asyncio.timeout(deadline_s):
            code = await self._process.wait()
        self.kills += not self._counted and code == -signal.SIGKILL
        self._counted = True
        return code

    def spool_at_rest(self) -> Path:
        """The spool's file for somebody who looks while the relay is down; a copy if its disk is not mounted here."""
        if self._disk is None:
            return self.spool
        for file in self._disk.root.glob(self.spool.name + "*"):
            if file.is_file():  # beside it is a folder, of snippets
                shutil.copy(file, self.folder / file.name)
        return self.folder / self.spool.name

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""
