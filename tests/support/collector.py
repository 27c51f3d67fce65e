"""A web site with the snippet on it and a relay's endpoint that records: it can answer anything, which a relay cannot.

It keeps every beacon as it came. Unless told otherwise it answers as a relay would, `duplicate` included.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from relay.core.bundled import bundled
from tests.support.http_server import serving

Beacon = dict[str, Any]
Answerer = Callable[[Beacon], Response | Awaitable[Response] | None]
"""What to answer to a beacon; None for what a relay would."""


@dataclass
class Collector:
    """What came, and what is to be answered."""

    origin: str = ""
    beacons: list[Beacon] = field(default_factory=list)
    """Bodies in order of arrival, with the request's headers under `headers`."""
    answer: Answerer = lambda _: None
    pages: dict[str, Response] = field(default_factory=dict)
    """Pages by path."""
    taken: set[str] = field(default_factory=set)
    """Ids of the events a 202 was given for."""
    requests: list[Request] = field(default_factory=list)
    """Every GET, for pages that ask."""

    def page(self, path: str, body: str, *, tag: str = "", head: str = "", **headers: str) -> str:
        """Serve a page with the snippet at `path`; its URL.

        Args:
            path: Begins with a slash.
            body: What is inside `<body>`.
            tag: More attributes of the script tag.
            head: Goes before the script tag.
            headers: Of the answer, underscores for hyphens.
        """
        html = (
            f"<!doctype html><html><head><meta charset=utf-8><title>{path}</title>{head}"
            f'<script async src="/r/s.js" data-token="site" {tag}></script></head><body>{body}</body></html>'
        )
        return self.raw(path, html, **headers)

    def raw(self, path: str, html: str, **headers: str) -> str:
        """Serve this very document at `path`; its URL."""
        self.pages[path] = HTMLResponse(html, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return self.origin + path

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that came, once, in order of first arrival, with its beacon's `sessionId`."""
        found: dict[str, dict[str, Any]] = {}
        for beacon in self.beacons:
            for event in beacon["eventList"]:
                found.setdefault(event["eventId"], event | {"sessionId": beacon["sessionId"]})
        return list(found.values())

    def of_type(self, event_type: str) -> list[dict[str, Any]]:
        """The events of one type."""
        return [event for event in self.events if event.get("eventType") == event_type]

    def summary(self) -> list[tuple[str, str | None]]:
        """Type and item of each event, sorted: for comparing with what a visitor did."""
        return sorted((event.get("eventType", ""), event.get("itemId")) for event in self.events)

    async def _receive(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            self.beacons.append({"preflight": True, "eventList": []})
            return Response(status_code=204)
        beacon: Beacon = json.loads(await request.body())
        self.beacons.append(beacon | {"headers": dict(request.headers)})
        answer = self.answer(beacon)
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer is None:
            answer = JSONResponse(self._take(beacon), 202)
        if origin := request.headers.get("origin"):
            answer.headers["access-control-allow-origin"] = origin
            answer.headers["access-control-allow-credentials"] = "true"
        return answer

    def _take(self, beacon: Beacon) -> dict[str, Any]:
        rejected = []
        for index, event in enumerate(beacon["eventList"]):
            if event["eventId"] in self.taken:
                rejected.append({"index": index, "eventId": event["eventId"], "reason": "duplicate"})
            self.taken.add(event["eventId"])
        accepted = len(beacon["eventList"]) - len(rejected)
        return {"accepted": accepted, "rejected": rejected, "identity": "ok" if beacon.get("identity") else "none"}

    async def _serve(self, request: Request) -> Response:
        self.requests.append(request)
        path = request.url.path
        if path in ("/r/s.js", "/r/inspect.js"):
            script = (bundled("snippet") / path.rpartition("/")[2]).read_bytes()
            return Response(script, media_type="text/javascript", headers={"access-control-allow-origin": "*"})
        return self.pages.get(path) or Response(status_code=404)


def fail(status: int, **headers: str) -> Answerer:
    """Answer every beacon with this status."""
    return lambda _: Response("{}", status, headers={k.replace("_", "-"): v for k, v in headers.items()})


def refuse(status: int, error: str = "bad_type") -> Answerer:
    """Answer every beacon as a relay refuses one for good."""
    return lambda _: JSONResponse({"error": error, "detail": "as told"}, status)


def hang(_: Beacon) -> Awaitable[Response]:
    """Never answer."""

    async def never() -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    return never()


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    """A collector on a port of its own."""
    collector = Collector()
    app = Starlette(
        routes=[
            Route("/r/e", collector._receive, methods=["POST", "OPTIONS"]),
            Route("/{path:path}", collector._serve),
        ]
    )
    async with serving(app, grace_s=0) as origin:
        collector.origin = origin
        yield collector
