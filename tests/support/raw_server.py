"""A server that answers exactly the bytes it is told to, or nothing, or goes away: for clients of hostile endpoints."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]
REQUEST_ID = "x-amzn-RequestId: 7b1c\r\n"


@dataclass
class RawServer:
    """What it was sent, and where it listens."""

    url: str
    requests: list[bytes] = field(default_factory=list[bytes])
    """Head and body of each request."""


def http_answer(status: str, body: str = "", headers: str = REQUEST_ID) -> bytes:
    """A complete HTTP/1.1 answer."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()


def saying(*answers: bytes) -> Handler:
    """Answers in turn; the last one again and again."""
    left = list(answers)

    async def handler(writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    return handler


@asynccontextmanager
async def raw_server(handler: Handler) -> AsyncGenerator[RawServer]:
    """Reads whole requests and lets `handler` answer; an exception in it resets the connection."""
    server = RawServer("")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                server.requests.append(head + await reader.readexactly(length))
                await handler(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception:  # noqa: BLE001  a handler that fails on purpose
            writer.transport.abort()
        finally:
            writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
