"""The public ASGI application.

Its state is an `Edge`, put there by the lifespan; see `examples/embed` for mounting the routes in an application of
your own.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.web.admin.access import Access
from relay.web.admin.routes import page_routes
from relay.web.api.server_api import api_routes
from relay.web.routes.answer import Problem, Refusal, send_json
from relay.web.routes.beacons import BeaconEndpoint
from relay.web.routes.edge import Edge, State, edge_of
from relay.web.routes.header_fields import fields_of
from relay.web.routes.health import healthz, public_readyz, readyz
from relay.web.routes.metrics import metrics
from relay.web.routes.proxy_secret import EXEMPT
from relay.web.routes.snippet import SnippetEndpoint

OpenEdge = Callable[[], AbstractAsyncContextManager[Edge]]


def create_app(open_edge: OpenEdge, *, prefix: str = "/r", beacons: BeaconEndpoint | None = None) -> Starlette:
    """The relay as an application; its lifespan opens and closes what `open_edge` gives."""
    app = application(public_routes(prefix), open_edge)
    app.add_middleware(_Entrance, path=f"{prefix}/e", endpoint=beacons or BeaconEndpoint())
    return app


class _Entrance:
    """Takes beacons past the router, which costs as much as decoding them; lets nothing else past the proxy's secret.

    Beacons are asked for it by their endpoint, so that a page can read the answer.
    """

    def __init__(self, app: ASGIApp, *, path: str, endpoint: ASGIApp) -> None:
        self._app = app
        self._path = path
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] == self._path:
                await self._endpoint(scope, receive, send)
                return
            secret = edge_of(scope).proxy_secret
            if secret is not None and scope["path"] not in EXEMPT:
                try:
                    secret.check(fields_of(scope["headers"]))
                except Refusal as refusal:
                    # Of all there is only the snippet is for every page, and this answer gives nothing away.
                    more = ((b"access-control-allow-origin", b"*"), *refusal.headers)
                    await send_json(send, refusal.status, refusal.problem, more)
                    return
        await self._app(scope, receive, send)


def public_routes(prefix: str) -> list[BaseRoute]:
    """What a browser, a backend and a load balancer may reach. Needs an `Edge` in the state, under `edge`."""
    return [
        Route(f"{prefix}/e", BeaconEndpoint()),
        Route(f"{prefix}/s.js", SnippetEndpoint()),
        Route(f"{prefix}/s.{{hash}}.js", SnippetEndpoint()),
        Route(f"{prefix}/inspect.js", SnippetEndpoint(inspector=True)),
        *api_routes(prefix=prefix),
        Route("/healthz", healthz),
        Route("/readyz", public_readyz),
    ]


def create_admin_app(open_edge: OpenEdge, *, hosts: Sequence[str] | None = None) -> Starlette:
    """The live page, metrics and health, for a listener that strangers cannot reach.

    Args:
        open_edge: Gives the relay.
        hosts: Names it answers to; see `relay.web.admin.access`.
    """
    routes: list[BaseRoute] = [
        *page_routes(),
        Route("/metrics", metrics),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
    ]
    app = application(routes, open_edge)
    app.add_middleware(Access, hosts=hosts)
    return app


def application(routes: list[BaseRoute], open_edge: OpenEdge) -> Starlette:
    """An application whose errors are `Problem`s and which guesses no path."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[State]:
        async with open_edge() as edge:
            yield {"edge": edge}

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _http_problem})
    app.router.redirect_slashes = False
    return app


async def _http_problem(_request: Request, error: Exception) -> Response:
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    name = {404: "not_found", 405: "method_not_allowed"}.get(status, "refused")
    return Response(
        msgspec.json.encode(Problem(name, "there is nothing here" if status == 404 else "not like this")),
        status_code=status,
        headers={**(headers or {}), "cache-control": "no-store"},
        media_type="application/json",
    )
