"""A wire between a relay and its database that can be cut: silently, as a network is split, or with a reset."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class TcpProxy:
    """Passes bytes on to `target` while it is whole. What is sent into a cut arrives when it is healed, or never."""

    def __init__(self, target: int) -> None:
        self.target = target
        """The port it leads to; connections that are there keep theirs."""
        self.port = 0
        self._whole = asyncio.Event()
        self._whole.set()
        self._told = asyncio.Event()
        self._told.set()
        self._refuses = False
        self.ended = 0
        """Connections that the other side, or this one, has closed."""
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Nothing arrives any more, and nobody is told."""
        self._whole.clear()

    def keep_quiet(self) -> None:
        """Whoever goes is not told of, until it is healed: what was said before arrives."""
        self._told.clear()

    def refuse(self) -> None:
        """Every connection is reset, and so is every new one."""
        self._refuses = True
        self.drop()

    def drop(self) -> None:
        """Every connection is reset."""
        for task in self._tasks:
            task.cancel()

    def heal(self) -> None:
        """All is well again."""
        self._refuses = False
        self._whole.set()
        self._told.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        onward: asyncio.StreamWriter | None = None
        try:
            if self._refuses:
                return
            await self._whole.wait()
            answers, onward = await asyncio.open_connection("127.0.0.1", self.target)
            there = asyncio.ensure_future(self._pump(reader, onward))
            back = asyncio.ensure_future(self._pump(answers, writer))
            try:
                await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
                self.ended += 1
                await self._told.wait()
            finally:
                for pump in (there, back):
                    pump.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # a reset, of ours or of the other side
        finally:
            self._tasks.discard(task)
            for end in (writer, onward):
                if end is not None:
                    end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def tcp_proxy(target: int) -> AsyncGenerator[TcpProxy]:
    """A whole wire to a port of this machine, listening on `port`."""
    proxy = TcpProxy(target)
    server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.heal()
        proxy.drop()
