"""The admin listener's live page: what comes in, what goes out, what is wrong. Counts only, nothing about anybody."""

from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from relay.core.version import VERSION
from relay.web.routes.edge import edge_of

_FOLDER: Final = Path(__file__).parent / "page"
_TYPES: Final = {"index.html": "text/html", "status.css": "text/css", "status.js": "text/javascript"}
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def status_routes() -> list[BaseRoute]:
    """The page, its parts, and its data."""
    return [
        Route("/", _page("index.html")),
        Route("/status.css", _page("status.css")),
        Route("/status.js", _page("status.js")),
        Route("/status.json", status_json),
    ]


def _page(name: str) -> Any:
    body = (_FOLDER / name).read_bytes()

    async def page(_request: Request) -> Response:
        return Response(body, headers=_HEADERS, media_type=f"{_TYPES[name]}; charset=utf-8")

    return page


async def status_json(request: Request) -> Response:
    """The figures as of now; the page works out the rates."""
    edge = edge_of(request.scope)
    stats = edge.spool.stats()
    now_ms = edge.clock.now_ms()
    oldest_ms = stats.oldest_accepted_at_ms
    figures = {
        "version": VERSION,
        "nowMs": now_ms,
        "readiness": edge.readiness.report(),
        "sites": sorted(edge.sites),
        "spool": {
            "accepted": stats.accepted,
            "delivered": stats.delivered,
            "buried": sum(stats.buried.values()),
            "erased": stats.erased,
            "pending": stats.pending,
            "sizeBytes": stats.size_bytes,
            "oldestS": 0 if oldest_ms is None else max(0, now_ms - oldest_ms) / 1000,
        },
        "buried": dict(stats.buried),
        "rejected": edge.metrics.events_rejected,
        "beacons": edge.metrics.beacons.by_status(),
        "identities": edge.metrics.identities,
        "calls": edge.metrics.put_events_calls,
        "lost": edge.metrics.events_lost,
    }
    return Response(msgspec.json.encode(figures), headers=_HEADERS, media_type="application/json")
