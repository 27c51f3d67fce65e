"""A connection on which whole beacons go straight to their endpoint, without ASGI's messages in between.

Straight goes only what needs no explanation: a POST to the beacon's path that arrived in one piece on a connection
that has nothing else to answer. Whatever is different (a slow body, a missing length, another method, a request behind
another, a relay that takes JWTs) goes the ordinary way, where the same endpoint answers it as an ASGI application.
So no rule lives here.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from relay.web.app import OpenEdge, create_app
from relay.web.listener import MAX_HEADER_BYTES, BoundedProtocol, Listener, listening
from relay.web.routes.answer import EVERY_ANSWER, JSON, Headers
from relay.web.routes.beacons import Answered, BeaconEndpoint, draining
from relay.web.routes.edge import Edge

_ERROR: Final = Answered(500, b"", ())
_log = logging.getLogger("relay")


class _Exchange:
    """What uvicorn asks of a request that is being answered."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, nobody_waits: asyncio.Event) -> None:
        self.disconnected = False
        self.keep_alive = True
        self.message_event = nobody_waits
        self.response_complete = False


class BeaconProtocol(BoundedProtocol):
    """One connection."""

    _held: bytes | None = None
    """What came so far of a body that may go straight; None when none does."""
    _fields: dict[bytes, bytes]

    def __init__(self, *args: Any, endpoint: BeaconEndpoint, path: bytes, **kwargs: Any) -> None:
        """As uvicorn makes it, and which endpoint is behind which path."""
        super().__init__(*args, **kwargs)
        self._endpoint = endpoint
        self._path = path
        self._never = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Bytes arrived; a beacon that is not whole by their end goes the ordinary way."""
        super().data_received(data)
        if self._held is not None:
            body, self._held = self._held, None
            super().on_headers_complete()
            if body:
                super().on_body(body)

    def on_headers_complete(self) -> None:
        """All headers are there."""
        if self.url == self._path and self._may_go_straight():
            self._held = b""
            self.in_headers = False
        else:
            super().on_headers_complete()

    def _may_go_straight(self) -> bool:
        parser: Any = self.parser  # there while its callbacks run
        if (
            not self.idle()
            or self.refused
            or self.header_bytes > MAX_HEADER_BYTES
            or self.expect_100_continue
            or self.flow.write_paused
            or parser.get_method() != b"POST"
            or parser.should_upgrade()
            or not parser.should_keep_alive()
        ):
            return False
        edge: Edge = self.app_state["edge"]
        if edge.jwt_identity is not None:
            return False
        self._fields = fields = dict(self.headers)
        length = fields.get(b"content-length", b"")
        return length.isdigit() and int(length) <= edge.max_body_bytes and b"transfer-encoding" not in fields

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """The whole request is there."""
        if self._held is None:
            super().on_message_complete()
            return
        body, self._held = self._held, None
        self.received()
        exchange = _Exchange(self._never)
        self.cycle = exchange  # type: ignore[assignment]  # it has all that is asked of a cycle from here on
        edge: Edge = self.app_state["edge"]
        peer = self.client[0] if self.client else None
        # Not here: first everything that has arrived is read, so that its beacons share a commit.
        tell = partial(self._tell, exchange)
        self.loop.call_soon(self._endpoint.answer_soon, edge, self._fields, peer, body, tell)

    def give_up(self) -> None:
        """Wait for nobody any longer."""
        cycle: object = self.cycle
        if isinstance(cycle, _Exchange) and not cycle.response_complete:
            cycle.keep_alive = False
            self._tell(cycle, draining())
        super().give_up()

    def _tell(self, exchange: _Exchange, answered: Answered | Exception) -> None:
        if exchange.response_complete:  # it was given up
            return
        exchange.response_complete = True
        if exchange.disconnected or self.transport.is_closing():
            return
        if isinstance(answered, Exception):
            _log.error("a beacon could not be answered", exc_info=answered)
            answered, exchange.keep_alive = _ERROR, False
        self.transport.write(_as_bytes(answered, self.server_state.default_headers, close=not exchange.keep_alive))
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()


def _as_bytes(answered: Answered, more: Iterable[tuple[bytes, bytes]], *, close: bool) -> bytes:
    return b"%b%bcontent-length: %d\r\n%b\r\n%b" % (
        STATUS_LINE[answered.status],
        _lines((*more, *EVERY_ANSWER, JSON, *answered.headers)),
        len(answered.body),
        b"connection: close\r\n" if close else b"",
        answered.body,
    )


@lru_cache(maxsize=256)
def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


@asynccontextmanager
async def listening_for_beacons(
    open_edge: OpenEdge, bound: socket.socket, *, prefix: str, grace_s: float
) -> AsyncGenerator[Listener]:
    """The public application on a socket, beacons taken the straight way. See `relay.web.listener.listening`."""
    endpoint = BeaconEndpoint()
    app = create_app(open_edge, prefix=prefix, beacons=endpoint)
    protocol = partial(BeaconProtocol, endpoint=endpoint, path=f"{prefix}/e".encode())
    async with listening(app, bound, grace_s=grace_s, protocol=protocol) as listener:
        yield listener
