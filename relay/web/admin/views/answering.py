"""How every page is answered: JSON to who asks for it, else HTML; headers that let nothing else in."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from relay.core.version import VERSION
from relay.web.admin.views import html
from relay.web.routes.edge import Edge, edge_of

HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
REST: Final = 100
"""A page that stays open rests so many times as long as it took: it has a hundredth of the relay's time at most."""
MOST_REST_MS: Final = 6000
"""Below what a page calls old."""


class View(NamedTuple):
    """A page before it is JSON or HTML."""

    title: str
    lead: str | html.Markup
    data: Any
    sections: Sequence[html.Section]
    status: int = 200
    script: str = "/refresh.js"


Viewer = Callable[[Edge, Request], Awaitable[View]]


def viewed(at: str, look: Viewer) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a page; `at` is its place in the navigation."""

    async def answer(request: Request) -> Response:
        edge = edge_of(request.scope)
        began_s = time.perf_counter()
        answer = shown(edge, request, at, await look(edge, request))
        took_ms = (time.perf_counter() - began_s) * 1000
        answer.headers["relay-rest-ms"] = str(min(MOST_REST_MS, int(REST * took_ms)))
        return answer

    return answer


def shown(edge: Edge, request: Request, at: str, view: View) -> Response:
    """The page as it was asked for."""
    now_ms = edge.clock.now_ms()
    if wants_json(request):
        body = msgspec.json.encode({"atMs": now_ms, **view.data})
        return Response(body, view.status, {**HEADERS, "vary": "Accept"}, media_type="application/json")
    report = edge.readiness.report()
    state = html.tone("good", "ready") if report.ready else html.tone("bad", ", ".join(report.reasons))
    body = html.page(
        view.title,
        view.lead,
        view.sections,
        at=at,
        now_ms=now_ms,
        version=VERSION,
        state=state,
        script=view.script,
    )
    return Response(body, view.status, {**HEADERS, "vary": "Accept"}, media_type="text/html; charset=utf-8")


def wants_json(request: Request) -> bool:
    """Whether JSON was asked for by name."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept
