"""`GET /healthz` and `GET /readyz`."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from relay.routes.edge import edge_of

_NO_STORE = {"cache-control": "no-store"}


async def healthz(_request: Request) -> Response:
    """The process is up."""
    return Response(b'{"up":true}', media_type="application/json", headers=_NO_STORE)


async def readyz(request: Request) -> Response:
    """May take traffic: 200, or 503 with the reasons."""
    report = edge_of(request.scope).readiness.report()
    return Response(
        msgspec.json.encode(report),
        status_code=200 if report.ready else 503,
        media_type="application/json",
        headers=_NO_STORE if report.ready else {**_NO_STORE, "retry-after": "5"},
    )
