"""A raw TCP server that answers every request with the same scripted bytes: what no web framework would send."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class HostileServer:
    """Where it is, and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        """Head and body of each request, as they came."""


def saying(*pieces: bytes) -> Answer:
    """An answer of fixed bytes, after which the connection closes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return answer


@asynccontextmanager
async def hostile_server(answer: Answer) -> AsyncGenerator[HostileServer]:
    """Serve on a free port of loopback until the block ends."""
    hostile = HostileServer()
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            hostile.requests.append(head + await reader.readexactly(length))
            await answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(talk(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    hostile.url = f"http://{host}:{port}"
    try:
        yield hostile
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
