"""One connection: bytes in, requests one after the other, each handed to who answers it."""

import asyncio
from collections import deque
from typing import Any, cast

from relay.web.listener import bounds
from relay.web.listener.exchange import Exchange, Host
from relay.web.listener.head_bytes import refusal_bytes
from relay.web.listener.parser import RequestParser
from relay.web.listener.request import Request, check_head
from relay.web.routes.answer import Refusal
from relay.web.routes.header_fields import fields_of


class ClientConnection(asyncio.Protocol):
    """Keeps order. Deadlines are looked at by the server's sweep, which costs a request nothing."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = host.loop
        self._transport: asyncio.Transport = cast("Any", None)  # until there is one, nothing is called
        self._parser = RequestParser(self._came, self._grew)
        self._exchange: Exchange | None = None  # of the request being answered
        self._request: Request | None = None  # that one
        self._queue: deque[Request | Refusal] = deque()  # what came behind it in the same piece
        self._unread = b""  # what is not parsed yet: it waits for the request before it
        self._paused = False
        self._thrown_away = 0  # bytes that nobody wants any more
        self._fresh = True  # whether nothing was asked yet
        self._half_closed = False
        self._closing = False
        self._write_paused = False
        self._unsent_since_s: float | None = None
        self._network: object = None  # who shares its turns
        self.since_s = 0.0  # when began what we wait for: a head, a body, a next request, an end
        self.peer: str | None = None
        self.local: tuple[str, int] | None = None

    # ── what the loop calls ────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected; from now on it owes us a head."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        local = transport.get_extra_info("sockname")
        self.peer = str(peer[0]) if peer else None
        self.local = (str(local[0]), int(local[1])) if local else None
        self._network = self._host.network(self)
        self.since_s = self._loop.time()
        self._transport.set_write_buffer_limits(high=bounds.WRITE_BUFFER_BYTES)
        self._host.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, whoever ended it."""
        self._closing = self._parser.deaf = True
        self._paused = False  # a sweep may still know it
        self._unread = b""
        self._queue.clear()
        self._host.closed(self)
        self._gone()

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        if self._parser.deaf:
            self._throw_away(len(data))
        elif self._host.turns.is_free(self._network, len(data)):
            self._feed(self._unread + data if self._unread else data)
        else:
            self._unread = self._unread + data if self._unread else data
            self._pace(waiting=True)
            self._host.turns.wait(self._network, self)

    def _throw_away(self, size: int) -> None:
        """Nobody wants these bytes any more; the next come after a sweep, when these were many."""
        self._thrown_away += size
        if self._thrown_away > bounds.LINGER_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client says no more. What it asked is still answered, unless that takes a stream."""
        self._half_closed = True
        if self._exchange is None or self._request is None:
            return not self._closing and bool(self._queue or self._unread)
        if self._exchange.is_streaming():
            return False
        self._cut_short()
        return True

    def _cut_short(self) -> None:
        """What a half-closed client has not said by now never comes."""
        request = self._request
        if request is None or self._exchange is None or request.whole or self._unread:
            return
        if self._half_closed:
            self._exchange.cut_short()

    def pause_writing(self) -> None:
        """The client does not take what it asked for."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """It does again."""
        self._write_paused = False
        self._unsent_since_s = None
        if self._exchange is not None:
            self._exchange.may_write()
        else:
            self._host.turns.wait(self._network, self)

    # ── input ──────────────────────────────────────────────────────────────────────────────────────────────

    def _feed(self, data: bytes) -> None:
        """Parse what may be parsed now, and keep the rest."""
        at, size, piece_bytes = 0, len(data), bounds.PIECE_BYTES
        while at < size and not self._parser.deaf and not self._must_wait():
            self._parse(data if size <= piece_bytes else data[at : at + piece_bytes])
            at += piece_bytes
        self._unread = b"" if self._parser.deaf else data[at:]
        if self._unread or self._paused:
            self._pace()
        if self._half_closed:
            self._cut_short()

    def _must_wait(self) -> bool:
        """Whether the next bytes are of a request whose turn has not come, or more body than is wanted yet."""
        request = self._request
        if request is not None:
            return request.whole or len(request.body) > request.ahead_bytes
        return self._write_paused or bool(self._queue)

    def _pace(self, *, waiting: bool = False) -> None:
        """Read from the socket only what can be parsed; a little may wait for its turn without that."""
        pause = len(self._unread) > (bounds.PIECE_BYTES if waiting else 0)
        if pause != self._paused and not self._closing and not self._half_closed:
            self._paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _parse(self, piece: bytes) -> None:
        was_in_head = self._parser.in_head
        refusal = self._parser.feed(piece)
        if refusal is not None:
            self._refuse(refusal)
        elif self._parser.in_head and not was_in_head and self._request is None and not self._fresh:
            self.since_s = self._loop.time()

    def _came(self, request: Request) -> None:
        self._fresh = False
        fields = fields_of(request.headers)
        try:
            check_head(request, fields)  # now, whenever its turn is: what follows it may be refused for another reason
        except Refusal as refusal:
            self._refuse(refusal)
            return
        if self._request is None and not self._queue:
            self._start(request, fields)
        else:
            self._queue.append(request)

    def _grew(self, request: Request) -> None:
        if request is self._request and self._exchange is not None:
            self._exchange.body_came()

    # ── one after the other ────────────────────────────────────────────────────────────────────────────────

    def _start(self, request: Request, fields: dict[bytes, bytes]) -> None:
        try:
            exchange = self._host.exchange(self, request, fields)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        self._request, self._exchange = request, exchange
        self.since_s = self._loop.time()
        exchange.begin()
        if request.body or request.whole:
            self._grew(request)

    def answered(self, *, close: bool) -> None:
        """The answer to the current request is complete."""
        whole = self._request is not None and self._request.whole
        self._exchange = self._request = None
        self.since_s = self._loop.time()
        if close or self._host.stopping:
            self._close(listening=not whole)
        elif self._queue or self._unread:
            self._host.turns.wait(self._network, self)
        elif self._half_closed:
            self._close()

    def turn(self) -> None:
        """The request behind the one that was answered, or what has not been parsed yet."""
        if self._queue and self._request is None and not self._closing and not self._write_paused:
            following = self._queue.popleft()
            if isinstance(following, Refusal):
                self._say(following)
            else:
                self._start(following, fields_of(following.headers))
        if not (self._queue or self._closing or self._must_wait()):  # perhaps what is left of the one just begun
            self._feed(self._unread)
        self._cut_short()
        if self._half_closed and self._exchange is None and not (self._queue or self._unread):
            self._close()

    def _refuse(self, refusal: Refusal) -> None:
        """Nothing that follows can be understood; say so when it is its turn."""
        self._parser.deaf = True
        queue = self._queue
        if queue and isinstance(last := queue[-1], Request) and not last.whole:
            queue[-1] = refusal
        elif queue:
            queue.append(refusal)
        elif self._request is None or self._exchange is None:
            self._say(refusal)
        elif self._request.whole:
            self._queue.append(refusal)
        else:
            self._gone()
            self._say(refusal)

    def _say(self, refusal: Refusal) -> None:
        self.write(refusal_bytes(refusal, self.date()))
        self._close(listening=True)

    def _close(self, *, listening: bool = False) -> None:
        """Say no more.

        Args:
            listening: Read a while what is still on its way, or the answer may be lost to a reset.
        """
        if self._closing:
            return
        self._closing = self._parser.deaf = True
        self._unread = b""
        self._queue.clear()
        self.since_s = self._loop.time()
        if self._transport.is_closing():
            return
        if listening and not self._half_closed:
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
            self._transport.write_eof()
        else:
            self._transport.close()

    def _gone(self) -> None:
        exchange, self._exchange, self._request = self._exchange, None, None
        if exchange is not None:
            exchange.gone()

    # ── what the server and who answers ask ────────────────────────────────────────────────────────────────

    def date(self) -> bytes:
        """The line that tells it."""
        return self._host.date

    def write(self, data: bytes) -> None:
        """Send bytes, if anybody is there."""
        if not self._closing and not self._transport.is_closing():
            self._transport.write(data)

    def writable(self) -> bool:
        """Whether the client takes what it is sent."""
        return not self._write_paused

    def ends(self, request: Request) -> bool:
        """Whether nothing can be asked behind this request."""
        return not (request.keep_alive and request.whole) or self._host.stopping

    def take_body(self, request: Request) -> bytes:
        """What has come of the body and was not taken yet."""
        body, request.body = bytes(request.body), b""
        if self._unread and not request.whole:
            self._loop.call_soon(self._read_on)
        return body

    def _read_on(self) -> None:
        if self._unread and not self._closing:
            self._feed(self._unread)

    def hang_up(self) -> None:
        """End the connection at once, whatever was said."""
        self._transport.abort()

    def patience(self) -> int:
        """0: it owes a request; 1: it has none; 2: it is being answered, and never has to go."""
        if self._closing or (self._request is not None and not self._request.whole):
            return 0
        if self._request is not None:
            return 2
        return 0 if self._is_owing() else 1

    def _is_owing(self) -> bool:
        return self._fresh or self._parser.in_head

    def turn_away(self, refusal: Refusal) -> None:
        """There is no room."""
        self._parser.deaf = True
        self.write(refusal_bytes(refusal, self.date()))
        self._close()

    def finish(self) -> None:
        """No further request is taken."""
        if self._exchange is None:
            self._close()

    def give_up(self) -> None:
        """The request, if there is one, is not waited for."""
        if self._exchange is None:
            self._close()
        else:
            self._exchange.give_up()

    def check(self, now_s: float) -> None:
        """Whether the client is late with anything; then the connection ends."""
        if not self._transport.get_write_buffer_size():
            self._unsent_since_s = None
        elif self._unsent_since_s is None:
            self._unsent_since_s = now_s
        elif now_s - self._unsent_since_s > bounds.WRITE_DEADLINE_S:
            self.hang_up()
            return
        waited_s = now_s - self.since_s
        if self._closing:
            if waited_s > bounds.LINGER_S and self._unsent_since_s is None:
                self.hang_up()
            elif self._paused:
                self._paused = False
                self._thrown_away = 0
                self._transport.resume_reading()
        elif self._request is None or self._exchange is None:
            if waited_s > (bounds.HEAD_DEADLINE_S if self._is_owing() else bounds.KEEP_ALIVE_S) and not self._unread:
                self._close()
        elif not self._must_wait() and waited_s > bounds.BODY_DEADLINE_S:
            self._exchange.too_slow(waited_s - bounds.BODY_DEADLINE_S)
