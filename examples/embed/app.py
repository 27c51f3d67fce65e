"""The relay inside an application of your own: its routes beside yours, one process, one port.

    RELAY_SECRET_KEYS=… RELAY_TRACKING_ID=… RELAY_ALLOWED_ORIGINS=… uvicorn examples.embed.app:app

The settings are those of `personalize-relay serve`, without the listeners' (`RELAY_HOST`, `RELAY_PORT`). What `serve`
adds is left to you: deadlines for slow clients, and an admin listener for the metrics. One process a spool: run a
single worker.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from relay import Edge, load_settings, open_edge, public_routes


async def home(_request: Request) -> Response:
    """A page of yours."""
    return PlainTextResponse("your application")


def create_app() -> Starlette:
    """Your application, with the relay in it."""
    settings = load_settings()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[dict[str, Edge]]:
        # Spool, dispatcher and sink run from here on; leaving drains for RELAY_DRAIN_S.
        async with open_edge(settings) as edge:
            yield {"edge": edge}

    return Starlette(routes=[Route("/", home), *public_routes(settings.prefix)], lifespan=lifespan)


def __getattr__(name: str) -> Starlette:
    """Makes `app` when a server asks for it, so that importing this module needs no settings."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
