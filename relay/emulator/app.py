"""The emulator over HTTP: the AWS operations, the inspection pages and the live page on one port."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from relay.emulator.endpoint import AwsEndpoint
from relay.emulator.operations import PATHS
from relay.emulator.page.inspection import Inspection
from relay.emulator.page.live_page import live_page_routes
from relay.emulator.page.own_hosts import OwnHosts
from relay.emulator.state import Emulator

_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
"""OPTIONS above all: a preflight for `/_emulator/` must never come to the services, who would allow it."""


def create_app(emulator: Emulator, *, allow_hosts: Iterable[str] = (), allow_origins: Iterable[str] = ()) -> Starlette:
    """The ASGI application before one emulator, which its lifespan opens and closes.

    Serve it with uvicorn, on port 0 in tests; `relay.testing` does.

    Args:
        emulator: Its state.
        allow_hosts: Names, beside those of this machine, under which `/` and `/_emulator/` may be asked for.
        allow_origins: Origins whose pages may read, never change, what `/_emulator/` shows; none by default.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        emulator.open()
        try:
            yield
        finally:
            emulator.close()

    aws = AwsEndpoint(emulator)
    routes = [
        *(Route(path, aws) for path in PATHS),
        Route("/", aws, methods=["POST", "OPTIONS"]),
        *live_page_routes(),
        *Inspection(emulator, readers=allow_origins).routes(),
        Route("/_emulator{path:path}", _nothing, methods=_METHODS),
        Route("/{path:path}", aws),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(OwnHosts, allowed=tuple(allow_hosts))])
    app.state.emulator = emulator
    return app


async def _nothing(_: Request) -> Response:
    """What is under `/_emulator` and is none of its pages; never a call of an AWS client."""
    return PlainTextResponse("There is no such page.\n", 404)
