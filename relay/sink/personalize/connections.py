"""HTTP/1.1 to one endpoint, over connections that are kept: no task, no future and no timer for a request.

aiohttp does the same for several times the CPU of the whole rest of a call, since it serves every other use as well;
it is used where a proxy is in between.

Guarantees: one attempt a request, never a second; no redirect is followed; never longer than the deadline; an answer's
head and body have bounds; who comes when all connections are busy waits for its turn.
"""

import asyncio
import ssl
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple, Protocol

from relay.sink.personalize.connection import Done, KeptConnection

KEEP_ALIVE_S: Final = 20.0
"""An idle connection is closed after this long, at most twice."""
CONNECT_S: Final = 3.0
"""How long one address of several is tried; the last one up to the deadline."""
_TICK_S: Final = 0.001
"""Timers of a loop may be early by this."""


class NotSentError(OSError):
    """There was no connection to send the request on."""


class NotSentInTimeError(TimeoutError):
    """There was none before the deadline."""


class Endpoint(Protocol):
    """Where requests go."""

    def post(self, path: str, headers: str, body: bytes, *, until_s: float, done: Done) -> None:
        """Send one request, once.

        Args:
            path: As it stands in the request line.
            headers: Lines `name: value`, each with its line end: all but `content-length`; `host` among them.
            body: Of the request.
            until_s: When, in the loop's time, it is too late.
            done: Gets the answer; `TimeoutError` when there is none by then; `OSError` or
                `HttpError` when there will be none; `ValueError` when this cannot be a request.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class _Request(NamedTuple):
    """What waits for a connection."""

    data: bytes
    until_s: float
    done: Done


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
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._idle: list[KeptConnection] = []
        self._busy: set[KeptConnection] = set()
        self._waiting: deque[_Request] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._overdue: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None

    @property
    def open_now(self) -> int:
        """Connections, idle or busy."""
        return len(self._idle) + len(self._busy)

    def post(self, path: str, headers: str, body: bytes, *, until_s: float, done: Done) -> None:
        """See `Endpoint.post`."""
        data = f"POST {path} HTTP/1.1\r\n{headers}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body
        if self._overdue is None or until_s < self._overdue.when():
            self._watch(until_s)
        if self._idle and not self._waiting:
            self._begin(_Request(data, until_s, done))
        else:
            self._waiting.append(_Request(data, until_s, done))
            self._serve()

    async def close(self) -> None:
        """See `Endpoint.close`."""
        self._limit = 0
        for timer in (self._overdue, self._sweep):
            if timer is not None:
                timer.cancel()
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        waiting, self._waiting = self._waiting, deque()
        for request in waiting:
            request.done(NotSentError("the connections are closed"))
        for connection in [*self._idle, *self._busy]:
            connection.fail(ConnectionAbortedError("the connections are closed"))

    # ── who is served ───────────────────────────────────────────────────────────────────────────────────────

    def _serve(self) -> None:
        """Give idle connections to those that wait, and open more where there may be more."""
        while self._waiting and self._idle:
            self._begin(self._waiting.popleft())
        begun = len(self._connecting)
        room = max(0, self._limit - self.open_now - begun)
        for request in list(islice(self._waiting, begun, begun + room)):
            task = self._loop.create_task(self._open(request.until_s))
            self._connecting.add(task)
            task.add_done_callback(self._opened)

    def _begin(self, request: _Request) -> None:
        """On the connection used last, so that those not needed grow old."""
        connection = self._idle.pop()
        self._busy.add(connection)
        connection.request(*request)

    def freed(self, connection: KeptConnection) -> None:
        """See `relay.sink.personalize.connection.Owner.freed`."""
        self._busy.discard(connection)
        self._idle.append(connection)
        if self._waiting:
            self._serve()
            return
        connection.until_s = self._loop.time()
        if self._sweep is None:
            self._sweep = self._loop.call_later(KEEP_ALIVE_S, self._close_old)

    def gone(self, connection: KeptConnection) -> None:
        """See `relay.sink.personalize.connection.Owner.gone`."""
        self._busy.discard(connection)
        with suppress(ValueError):
            self._idle.remove(connection)
        if self._waiting:
            self._loop.call_soon(self._serve)

    # ── what takes too long ─────────────────────────────────────────────────────────────────────────────────

    def _watch(self, until_s: float) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
        self._overdue = self._loop.call_at(until_s, self._end_overdue)

    def _end_overdue(self) -> None:
        self._overdue = None
        late_s = self._loop.time() + _TICK_S
        late = [request for request in self._waiting if request.until_s <= late_s]
        if late:
            self._waiting = deque(request for request in self._waiting if request.until_s > late_s)
        for connection in [one for one in self._busy if one.until_s <= late_s]:
            connection.fail(TimeoutError())
        for request in late:
            request.done(NotSentInTimeError())
        left = [request.until_s for request in self._waiting] + [one.until_s for one in self._busy]
        if left and self._overdue is None:
            self._watch(min(left))

    def _close_old(self) -> None:
        self._sweep = None
        old_s = self._loop.time() - KEEP_ALIVE_S
        for connection in [one for one in self._idle if one.until_s <= old_s]:
            connection.abort()
        if self._idle:
            self._sweep = self._loop.call_later(KEEP_ALIVE_S, self._close_old)

    # ── connecting ──────────────────────────────────────────────────────────────────────────────────────────

    async def _open(self, until_s: float) -> None:
        """One more connection, for whoever waits longest by then."""
        try:
            async with asyncio.timeout_at(until_s):
                connection = await self._connect()
        except TimeoutError:
            pass  # who waited so long is told by `_end_overdue`
        except (OSError, ValueError) as error:
            if self._waiting:
                self._waiting.popleft().done(error if isinstance(error, ssl.SSLError) else _not_sent(error))
        else:
            if connection.is_open:
                self._idle.append(connection)
                connection.until_s = self._loop.time()

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._connecting.discard(task)
        self._serve()

    async def _connect(self) -> KeptConnection:
        """Try the addresses of the host in turn."""
        found = await self._loop.getaddrinfo(self._host, self._port, type=1)
        addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
        for address in addresses[:-1]:
            with suppress(OSError):  # TimeoutError is one
                async with asyncio.timeout(CONNECT_S):
                    return await self._connect_to(address)
        return await self._connect_to(addresses[-1])

    async def _connect_to(self, address: str) -> KeptConnection:
        name = self._host if self._tls else None
        _, connection = await self._loop.create_connection(
            lambda: KeptConnection(self), address, self._port, ssl=self._tls, server_hostname=name
        )
        return connection


def _not_sent(error: OSError | ValueError) -> NotSentError:
    made = NotSentError(str(error))
    made.__cause__ = error
    return made
