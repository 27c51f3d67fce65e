"""One kept-alive HTTP connection that can also be closed at the wrong moment."""

import asyncio
import contextlib
from typing import Final, NamedTuple

from tests.support.relay import ORIGIN

TIMEOUT_S: Final = 8.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class GoneError(Exception):
    """No answer: refused, reset, closed or too slow."""


class Connection:
    """To the relay on `port`; opened when needed, anew after every fault."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, body: bytes, *, bearer: str | None = None, cookie: str | None = None) -> Answer:
        """Post a body.

        Raises:
            GoneError: there was no answer.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reader = await self._send(path, body, bearer, cookie)
                return await _read_answer(reader)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.close()
            raise GoneError(type(error).__name__) from error
        except BaseException:
            self.close()
            raise

    async def post_and_go(
        self, path: str, body: bytes, *, after_s: float, bearer: str | None = None, cookie: str | None = None
    ) -> None:
        """Post a body and close the connection without waiting for the answer."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                await self._send(path, body, bearer, cookie)
                await asyncio.sleep(after_s)
        self.close()

    async def _send(self, path: str, body: bytes, bearer: str | None, cookie: str | None) -> asyncio.StreamReader:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        what = f"Authorization: Bearer {bearer}\r\nContent-Type: application/json" if bearer else f"Origin: {ORIGIN}"
        what += f"\r\nCookie: {cookie}" if cookie else ""
        head = f"POST {path} HTTP/1.1\r\nHost: relay\r\n{what}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        await self._writer.drain()
        return self._reader

    def close(self) -> None:
        """Drop the connection at once, with a reset if there is something unread."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return Answer(int(head[9:12]), await reader.readexactly(length))
