"""Lives of a relay without the second it takes to import one: forked from a process that has done that.

Each is a process of its own like any other, to be traced, stopped and killed; more of them fit into an hour.
"""

import asyncio
import os
import signal
from asyncio.subprocess import Process


class Born:
    """A life that was forked. What `tests.faults.process.relay_process.Life` asks for."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.dead = asyncio.Event()

    async def banner(self) -> str:
        """Its first line; empty if it ends without one."""
        return await self.said.get()

    async def wait(self) -> int:
        """The exit code, once it has ended."""
        await self.dead.wait()
        assert self.returncode is not None
        return self.returncode


class Nursery:
    """Bears one life at a time."""

    def __init__(self, process: Process) -> None:
        """Take a process that runs `tests.faults.process.nursery_process`, with pipes for stdin and stdout."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._in, self._out = process, process.stdin, process.stdout
        self._born: asyncio.Queue[Born] = asyncio.Queue()
        self._closing = False
        self._listening = asyncio.create_task(self._listen())

    async def bear(self) -> Born:
        """A new life; the one before must have ended."""
        self._in.write(b"\n")
        async with asyncio.timeout(60):
            return await self._born.get()

    async def close(self) -> None:
        """End it, once its last life has ended; one that nobody waited for any more is killed."""
        self._closing = True
        self._in.close()
        while not self._born.empty():
            os.kill(self._born.get_nowait().pid, signal.SIGKILL)
        await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        """Hear what it says, and hand on what its children say."""
        early: list[str] = []
        life: Born | None = None
        while line := (await self._out.readline()).decode():
            match line.split():
                case ["ready"]:
                    pass
                case ["born", pid]:
                    life = Born(int(pid))
                    for word in early:
                        life.said.put_nowait(word)
                    early.clear()
                    if self._closing:
                        os.kill(life.pid, signal.SIGKILL)
                    else:
                        self._born.put_nowait(life)
                case ["dead", _, code] if life is not None:
                    life.returncode = int(code)
                    life.said.put_nowait("")
                    life.dead.set()
                    life = None
                case _:
                    early.append(line) if life is None else life.said.put_nowait(line)
