"""uvicorn with bounds: sizes and deadlines it does not have, and signals left to the one who runs it."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from relay.core.errors import RelayError
from relay.web.routes.request_body import DEADLINE_S as BODY_DEADLINE_S

MAX_HEADER_BYTES: Final = 32 * 1024
"""Request line and headers together; httptools itself has no limit."""

HEADER_DEADLINE_S: Final = 10.0
"""From the first moment of a connection, or the first byte of a further request, to the end of its headers."""

REQUEST_DEADLINE_S: Final = HEADER_DEADLINE_S + BODY_DEADLINE_S + 2.0
"""To the end of the body; past it the connection closes, even if the answer was given and the rest only discarded."""

KEEP_ALIVE_S: Final = 65
"""Longer than the 60 s of the usual load balancers, so that they close first."""

MAX_CONNECTIONS: Final = 8192
"""Open at once on one listener; the next is told 503 and closed."""

_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncache-control: no-store\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
_HEADERS_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)
_SWEEP_S: Final = 0.5
_POLL_S: Final = 0.01
_LAST_WORDS_S: Final = 0.5
"""For requests that were cancelled to say so."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Deadlines are looked at by a sweep over all connections, which costs a request nothing."""

    receiving_since_s: float | None = None
    """When the request being received began; None between requests."""
    in_headers = True
    header_bytes = 0
    """Of the request whose headers come in, so far, with what came behind them in the same piece."""
    refused = False
    _idle_since_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client connected; from now on it owes us headers."""
        super().connection_made(transport)
        self.receiving_since_s = self.loop.time()
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(_BUSY)

    def data_received(self, data: bytes) -> None:
        """Bytes arrived; header bytes are counted as they come, in whatever pieces."""
        if self.refused:
            return
        if self.in_headers:
            self.header_bytes += len(data)
        super().data_received(data)
        # What came behind the headers in the same piece is body and was counted too; only while no end is
        # in sight can the count be held against the client.
        if self.in_headers and self.header_bytes > MAX_HEADER_BYTES:
            self._refuse(_HEADERS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self.receiving_since_s is None:
            self.receiving_since_s = self.loop.time()
        self.in_headers = True

    def on_headers_complete(self) -> None:
        """All headers are there; hand the request on unless they are too large."""
        self.in_headers = False
        self.header_bytes = 0
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEADER_BYTES:
            self._refuse(_HEADERS_TOO_LARGE)
        if not self.refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self.refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self.received()
        if not self.refused:
            super().on_message_complete()

    def received(self) -> None:
        """The client owes us nothing until its next request."""
        self.receiving_since_s = None
        self.in_headers = True
        self.header_bytes = 0

    def on_response_complete(self) -> None:
        """As uvicorn's, but the wait for a next request is watched by the sweep, not by a timer for each answer."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since_s = self.loop.time()

    def late(self, now_s: float) -> bool:
        """Whether the client takes longer over its request, or until its next one, than it may."""
        if self.receiving_since_s is None:
            return self.idle() and now_s - self._idle_since_s > KEEP_ALIVE_S
        return now_s - self.receiving_since_s > (HEADER_DEADLINE_S if self.in_headers else REQUEST_DEADLINE_S)

    def idle(self) -> bool:
        """Whether no request is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def give_up(self) -> None:
        """Wait for nobody any longer; a request that a task answers is the task's."""
        if self.idle():
            self.hang_up()

    def hang_up(self) -> None:
        """Hang up."""
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, answer: bytes) -> None:
        self.refused = True
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        counter = 0
        await self.on_tick(counter)
        while not self.stop.is_set():
            try:
                await asyncio.wait_for(self.stop.wait(), _SWEEP_S)
            except TimeoutError:
                counter += 10  # uvicorn counts tenths of seconds and renews the Date header at each ten
                await self.on_tick(counter)
            now_s = asyncio.get_running_loop().time()
            for connection in _connections(self):
                if connection.late(now_s):
                    connection.hang_up()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, but every cancelled request may still answer, and nothing waits longer than it must."""
        for server in self.servers:
            server.close()
        for bound in sockets or ():
            bound.close()
        for connection in _connections(self):
            connection.shutdown()
        if not await self._quiet_within(self.config.timeout_graceful_shutdown or 0):
            self.hurry()
            await self._quiet_within(_LAST_WORDS_S)
        for server in self.servers:
            await server.wait_closed()
        await self.lifespan.shutdown()

    def hurry(self) -> None:
        """Wait for no client any longer: every request is cancelled, every connection without one closed."""
        for task in list(self.server_state.tasks):
            task.cancel()
        for connection in _connections(self):
            connection.give_up()

    async def _quiet_within(self, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while self.server_state.connections or self.server_state.tasks:
            if loop.time() >= end_s:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield  # uvicorn would end the process by the signal itself


def _connections(server: uvicorn.Server) -> list[BoundedProtocol]:
    return [cast("BoundedProtocol", one) for one in server.server_state.connections]


class Listener:
    """A running HTTP server."""

    def __init__(self, server: _Server, url: str) -> None:
        self._server = server
        self.url = url
        """`http://HOST:PORT`, with the port really used."""

    def hurry(self) -> None:
        """Wait for no client any longer, while stopping."""
        self._server.hurry()


@asynccontextmanager
async def listening(
    app: ASGIApp,
    bound: socket.socket,
    *,
    grace_s: float,
    protocol: Callable[..., BoundedProtocol] = BoundedProtocol,
) -> AsyncGenerator[Listener]:
    """Serve an application on a socket; its lifespan runs.

    On leaving no connection is accepted any more, requests in flight have `grace_s` seconds to be answered, then
    their tasks are cancelled.
    """
    options: dict[str, Any] = {"timeout_graceful_shutdown": grace_s}
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", protocol),  # it is only ever called
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        **options,
    )
    server = _Server(config)
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[bound]))
        ready = group.create_task(server.ready.wait())
        await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            ready.cancel()
            raise RelayError("the server did not start")
        try:
            yield Listener(server, url_of(bound))
        except Exception as error:  # noqa: BLE001 - carried past the group, which would wrap it
            failure = error
        finally:
            server.stop.set()
    if failure is not None:
        raise failure


def bind(host: str, port: int, *, variable: str) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        RelayError: the address cannot be used; says which variable names it.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise RelayError(f"cannot listen on {host}:{port}: {error.strerror}; set {variable}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise RelayError(f"cannot listen on {host}:{port}: {error.strerror}; set {variable}") from None
    bound.setblocking(False)
    return bound


def url_of(bound: socket.socket) -> str:
    """`http://HOST:PORT` of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
