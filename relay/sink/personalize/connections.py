"""HTTP/1.1 to one endpoint, over connections that are kept: one request at a time on each, and nothing more than that.

Parsing is httptools' (llhttp); what is here is the order of things. aiohttp does the same for several times the CPU of
the whole rest of a call, since it serves every other use as well; it is used where a proxy is in between.

Guarantees: one attempt a request, never a second; no redirect is followed; never longer than the deadline; an answer's
head and body have bounds; a connection on which anything was not as it should be is not used again.
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple, Protocol, cast

import httptools

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Of an answer's body; an answer of the service is empty or one short message."""
MAX_HEAD_BYTES: Final = 16 * 1024
MAX_BYTES: Final = 1024 * 1024
"""Of a whole answer, with chunk sizes and trailers, which need not end either."""
KEEP_ALIVE_S: Final = 20.0
"""An idle connection is closed after this long, at most twice."""
CONNECT_S: Final = 3.0
"""How long one address of several is tried; the last one up to the deadline."""


class HttpError(Exception):
    """The far side does not speak HTTP as it should, or hung up."""


class Answered(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]
    """By name, which may have capitals with aiohttp's mapping only: that one does not care."""
    body: bytes
    """The first 64 KiB."""


class Endpoint(Protocol):
    """Where requests go."""

    async def post(self, path: str, headers: Mapping[str, str], body: bytes, *, until_s: float) -> Answered:
        """Send one request, once.

        Args:
            path: As it stands in the request line.
            headers: All but `content-length`; `host` among them.
            body: Of the request.
            until_s: When, in the loop's time, it is too late.

        Raises:
            TimeoutError: there is no answer by then.
            OSError, HttpError, aiohttp.ClientError: there will be none.
            ValueError: this cannot be a request.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class _Connection(asyncio.Protocol):
    """One connection: idle, or with one request in flight."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[Answered] | None = None
        self.is_open = False
        self.idle_since_s = 0.0
        self._forget()

    def _forget(self) -> None:
        self._headers: dict[str, str] = {}
        self._body = b""
        self._bytes = 0
        self._head_is_read = False

    async def request(self, data: bytes, until_s: float) -> Answered:
        """Send, and wait for the answer."""
        waiting: asyncio.Future[Answered] = self._loop.create_future()
        self._waiting = waiting
        timer = self._loop.call_at(until_s, self._fail, TimeoutError())
        try:
            self._transport.write(data)
            return await waiting
        finally:
            timer.cancel()
            if not waiting.done() or waiting.cancelled():
                # Given up: an answer may still come, so nothing else may be sent.
                self._waiting = None
                self.abort()

    def abort(self) -> None:
        """Close at once."""
        self.is_open = False
        self._transport.abort()

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
        self._waiting = None
        self.abort()

    def _answer(self) -> None:
        answered = Answered(self._parser.get_status_code(), self._headers, self._body)
        self._forget()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answered)
        self._waiting = None

    # ── called by the transport ─────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        ends_by_closing = "content-length" not in self._headers and "transfer-encoding" not in self._headers
        if self._waiting is not None and self._head_is_read and ends_by_closing and exc is None:
            self._answer()
        self._fail(HttpError(f"the connection broke: {exc}" if exc else "the far side hung up"))

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:
            self.abort()  # nobody has asked
            return
        self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(HttpError(f"not an answer: {error}"))
            return
        if self._bytes > (MAX_BYTES if self._head_is_read else MAX_HEAD_BYTES):
            self._fail(HttpError("the answer does not end"))

    # ── called by the parser ────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        if self._waiting is None:
            raise HttpError("an answer nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) + len(value) > MAX_HEAD_BYTES:
            raise HttpError("a header is too long")
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._head_is_read = True

    def on_body(self, body: bytes) -> None:
        if self._waiting is None:
            return
        self._body += body
        if len(self._body) >= MAX_ANSWER_BYTES:
            self._body = self._body[:MAX_ANSWER_BYTES]
            self._answer()
            self.abort()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._forget()  # "100 Continue" and the like: the answer is still to come
            return
        keep = self._parser.should_keep_alive()
        self._answer()
        if not keep:
            self.abort()


class Connections:
    """See `Endpoint`: straight to a host.

    Args:
        host: Name or address.
        port: Of the host.
        tls: Whom to trust; None for plain HTTP.
        limit: Connections at most; who comes then waits.
    """

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None, limit: int) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._free = asyncio.Semaphore(limit)
        self._idle: list[_Connection] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def post(self, path: str, headers: Mapping[str, str], body: bytes, *, until_s: float) -> Answered:
        """See `Endpoint.post`."""
        data = _request(path, headers, body)
        if self._free.locked():
            async with asyncio.timeout_at(until_s):
                await self._free.acquire()
        else:
            await self._free.acquire()
        try:
            connection = self._take_idle() or await self._connect(until_s)
            answered = await connection.request(data, until_s)
            if connection.is_open:
                self._keep(connection)
            return answered
        finally:
            self._free.release()

    async def close(self) -> None:
        """See `Endpoint.close`."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in self._idle:
            connection.abort()
        self._idle = []

    def _take_idle(self) -> _Connection | None:
        """The one used last, so that those not needed grow old."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    def _keep(self, connection: _Connection) -> None:
        connection.idle_since_s = self._loop.time()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = self._loop.call_later(KEEP_ALIVE_S, self._close_old)

    def _close_old(self) -> None:
        self._sweep = None
        old_s = self._loop.time() - KEEP_ALIVE_S
        kept: list[_Connection] = []
        for connection in self._idle:
            if connection.idle_since_s > old_s:
                kept.append(connection)
            else:
                connection.abort()
        self._idle = kept
        if kept:
            self._sweep = self._loop.call_later(KEEP_ALIVE_S, self._close_old)

    async def _connect(self, until_s: float) -> _Connection:
        """Try the addresses of the host in turn."""
        async with asyncio.timeout_at(until_s):
            found = await self._loop.getaddrinfo(self._host, self._port, type=1)
            addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
            for address in addresses[:-1]:
                with suppress(OSError):  # TimeoutError is one
                    async with asyncio.timeout(CONNECT_S):
                        return await self._connect_to(address)
            return await self._connect_to(addresses[-1])

    async def _connect_to(self, address: str) -> _Connection:
        name = self._host if self._tls else None
        _, connection = await self._loop.create_connection(
            _Connection, address, self._port, ssl=self._tls, server_hostname=name
        )
        return connection


def _request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = f"POST {path} HTTP/1.1\r\n{''.join(lines)}content-length: {len(body)}\r\n\r\n"
    if head.count("\n") != len(lines) + 3 or head.count("\r") != len(lines) + 3:
        raise ValueError("a header with a line break in it")
    return head.encode("latin-1") + body
