"""HTTP by hand, over a socket, to say what no client would."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from tests.support.relay import ORIGIN, RunningEdge


@dataclass
class Socket:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """Everything until the relay closes."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def answer(self) -> tuple[int, bytes]:
        """The next answer's status and body."""
        status, _, body = await self.whole_answer()
        return status, body

    async def whole_answer(self, *, bodiless: bool = False) -> tuple[int, frozenset[bytes], bytes]:
        """The next answer's status, lines of its head without the date, and body, unless it is one to have none."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = frozenset(line.lower() for line in head.split(b"\r\n")[1:] if line[:5] != b"date:")
            length = 0
            if not bodiless:
                length = next(int(line[16:]) for line in lines if line.startswith(b"content-length: "))
            return int(head.split()[1]), lines, await self.reader.readexactly(length)


def connected(relay: RunningEdge) -> AbstractAsyncContextManager[Socket]:
    """A connection to the public listener."""
    return connected_from(relay, None)


@asynccontextmanager
async def connected_from(relay: RunningEdge, address: str | None) -> AsyncGenerator[Socket]:
    """The same from an address of one's own, such as 127.0.0.7."""
    host, _, port = relay.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(
        host, int(port), local_addr=None if address is None else (address, 0)
    )
    try:
        yield Socket(reader, writer)
    finally:
        writer.close()


def request(relay: RunningEdge, body: bytes | None = None, *headers: str, length: int | None = None) -> bytes:
    """A POST to the beacons' path, whose `Content-Length` may lie."""
    body = json.dumps(relay.beacon()).encode() if body is None else body
    lines = ["POST /r/e HTTP/1.1", "Host: x", f"Origin: {ORIGIN}", *headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body
