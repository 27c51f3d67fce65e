"""The emulator over HTTP: the AWS operations, the inspection pages and the live page on one port."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from relay.emulator.endpoint import AwsEndpoint
from relay.emulator.operations import PATHS
from relay.emulator.page.inspection import Inspection
from relay.emulator.page.live_page import live_page_routes
from relay.emulator.state import Emulator


def create_app(emulator: Emulator) -> Starlette:
    """The ASGI application before one emulator, which its lifespan opens and closes.

    Serve it with uvicorn, on port 0 in tests; `tests/support/emulator.py` shows how.
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
        Route("/", aws, methods=["POST"]),
        *live_page_routes(),
        *Inspection(emulator).routes(),
        Route("/{path:path}", aws),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.emulator = emulator
    return app
