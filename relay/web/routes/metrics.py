"""`GET /metrics`, on the admin listener only."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from relay.web.routes.edge import edge_of


async def metrics(request: Request) -> Response:
    """Everything, in the Prometheus text format."""
    return Response(
        edge_of(request.scope).metrics.exposition(),
        headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"},
    )
