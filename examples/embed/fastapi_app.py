"""The relay inside a FastAPI application: its routes beside yours, one process, one port.

    RELAY_SECRET_KEYS=… RELAY_TRACKING_ID=… RELAY_ALLOWED_ORIGINS=… uvicorn examples.embed.fastapi_app:app

What holds of examples/embed/app.py holds here: one worker a spool, the settings of `serve` without the listeners'.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from relay import Edge, load_settings, open_edge, public_routes


def create_app() -> FastAPI:
    """Your application, with the relay in it."""
    settings = load_settings()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[dict[str, Edge]]:
        # Spool, dispatcher and sink run from here on; leaving drains for RELAY_DRAIN_S.
        async with open_edge(settings) as edge:
            yield {"edge": edge}

    app = FastAPI(lifespan=lifespan)
    # Beside FastAPI's own routes, not below them: no validation and no documentation stands in the way of a beacon.
    app.router.routes.extend(public_routes(settings.prefix))

    @app.get("/stock/{item}")
    async def stock(item: str) -> dict[str, str | int]:
        """An endpoint of yours."""
        return {"item": item, "left": 3}

    return app


def __getattr__(name: str) -> FastAPI:
    """Makes `app` when a server asks for it, so that importing this module needs no settings."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
