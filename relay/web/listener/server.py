"""Accepts connections, watches their deadlines, and ends them all in order."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette

from relay.web.listener import bounds
from relay.web.listener.asgi import AsgiExchange, scope_of
from relay.web.listener.connection import ClientConnection
from relay.web.listener.exchange import Client, Exchange, Line
from relay.web.listener.request import Request, closing
from relay.web.listener.shares import FairShares
from relay.web.listener.sockets import url_of
from relay.web.listener.straight import Straight, StraightExchange
from relay.web.listener.turns import Turns
from relay.web.routes.client_address import network_key


class Serving:
    """What the connections of one listener share."""

    def __init__(
        self,
        app: Starlette,
        state: dict[str, Any],
        *,
        straight: Straight | None,
        is_proxy: Callable[[str], bool],
        room: Callable[[], int],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.date = b""
        self.stopping = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.turns = Turns(self.loop)
        self._is_proxy = is_proxy
        self.connections: FairShares = FairShares(room=room, key=self._network_of)
        self._app = app
        self._state = state
        self._straight = straight
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.tick()

    def tick(self) -> None:
        """A moment has passed."""
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()

    def _network_of(self, peer: str | None) -> str | None:
        """None for one that speaks for many."""
        return None if peer is None or self._is_proxy(peer) else network_key(peer)

    def network(self, client: Client) -> object:
        """Who shares its turns."""
        network = self._network_of(client.peer)
        return client if network is None else network

    def opened(self, client: Client) -> None:
        """A client connected."""
        self._quiet.clear()
        leaving = self.connections.add(client)
        if leaving is client:
            client.turn_away(closing(503, "busy", "too many connections", retry_after_s=1))
        elif leaving is not None:
            leaving.hang_up()

    def closed(self, client: Client) -> None:
        """It is gone."""
        self.connections.remove(client)
        self._settle()

    def exchange(self, line: Line, request: Request, fields: dict[bytes, bytes]) -> Exchange:
        """A beacon goes straight, all else through the application.

        Raises:
            Refusal: the target is none.
        """
        straight = self._straight
        if straight is not None and request.target == straight.target and request.method == b"POST":
            edge = self._state["edge"]
            request.ahead_bytes = edge.max_body_bytes
            return StraightExchange(line, request, fields, edge=edge, endpoint=straight.endpoint)
        scope = scope_of(request, line, self._state)
        if scope is None:
            raise closing(400, "bad_request", "this is no target")
        return AsgiExchange(line, request, scope, app=self._app, spawn=self._spawn)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        self._settle()

    def _settle(self) -> None:
        if not self.tasks and not len(self.connections):
            self._quiet.set()

    async def quiet_within(self, seconds: float) -> bool:
        """Whether nobody is connected, and nothing runs, before the time is up."""
        self._settle()
        try:
            async with asyncio.timeout(seconds):
                await self._quiet.wait()
        except TimeoutError:
            return False
        return True

    def give_up(self) -> None:
        """Wait for no client any longer: every request is given up, every connection without one closed."""
        for task in list(self.tasks):
            task.cancel()
        for connection in self.connections.all():
            connection.give_up()


class Listener:
    """A running HTTP server."""

    def __init__(self, serving: Serving, url: str) -> None:
        self._serving = serving
        self.url = url
        """`http://HOST:PORT`, with the port really used."""

    def hurry(self) -> None:
        """Wait for no client any longer, while stopping."""
        self._serving.give_up()


@asynccontextmanager
async def listening(
    app: Starlette,
    bound: socket.socket,
    *,
    grace_s: float,
    straight: Straight | None = None,
    is_proxy: Callable[[str], bool] = lambda _peer: False,
    room: Callable[[], int] = lambda: bounds.MAX_CONNECTIONS,
) -> AsyncGenerator[Listener]:
    """Serve an application on a socket; its lifespan runs.

    On leaving no connection is accepted any more, requests in flight have `grace_s` seconds to be answered, then they
    are given up, and half a second later every connection that is still there is reset.

    Args:
        app: What answers.
        bound: Where to listen.
        grace_s: For requests in flight, at the end.
        straight: What goes past the application.
        is_proxy: Whether an address speaks for many.
        room: Connections that may be open at once.
    """
    loop = asyncio.get_running_loop()
    async with app.router.lifespan_context(app) as state:
        serving = Serving(app, dict(state or {}), straight=straight, is_proxy=is_proxy, room=room)
        server = await loop.create_server(lambda: ClientConnection(serving), sock=bound, backlog=2048)
        sweeping = asyncio.create_task(_sweep(serving))
        try:
            yield Listener(serving, url_of(bound))
        finally:
            await _end(serving, server, grace_s)
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
            serving.turns.end()


async def _sweep(serving: Serving) -> None:
    """Every connection once, a part of them at a time: what many of them may do from now on is not done all at once."""
    parts = bounds.SWEEP_PARTS
    while True:
        serving.tick()
        serving.turns.forget()
        connections = serving.connections.all()
        for part in range(parts):
            await asyncio.sleep(bounds.SWEEP_S / parts)
            now_s = serving.loop.time()
            for connection in connections[part::parts]:
                connection.check(now_s)


async def _end(serving: Serving, server: asyncio.Server, grace_s: float) -> None:
    serving.stopping = True
    server.close()
    for connection in serving.connections.all():
        connection.finish()
    if not await serving.quiet_within(grace_s):
        serving.give_up()
        if not await serving.quiet_within(bounds.LAST_WORDS_S):
            for connection in serving.connections.all():
                connection.hang_up()
            await serving.quiet_within(bounds.LAST_WORDS_S)
