"""What faces strangers: the public application on a listener, beacons taken the straight way."""

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext

from relay.web.app import OpenEdge, create_app
from relay.web.listener import Listener, Straight, bounds, listening
from relay.web.routes.beacons import BeaconEndpoint


@asynccontextmanager
async def listening_for_beacons(
    open_edge: OpenEdge,
    bound: socket.socket,
    *,
    prefix: str,
    grace_s: float,
    straight: bool = True,
    room: Callable[[], int] = lambda: bounds.MAX_CONNECTIONS,
) -> AsyncGenerator[Listener]:
    """The public application on a socket. See `relay.web.listener.listening`.

    Args:
        open_edge: Gives the relay.
        bound: Where to listen.
        prefix: `RELAY_PREFIX`.
        grace_s: For requests in flight, at the end.
        straight: Without it beacons are run as ASGI, too; the answers are the same.
        room: Connections that may be open at once.
    """
    async with open_edge() as edge:
        endpoint = BeaconEndpoint()
        app = create_app(lambda: nullcontext(edge), prefix=prefix, beacons=endpoint)
        way = Straight(f"{prefix}/e".encode(), endpoint) if straight else None
        is_proxy = edge.client_address.is_proxy
        async with listening(app, bound, grace_s=grace_s, straight=way, is_proxy=is_proxy, room=room) as listener:
            yield listener
