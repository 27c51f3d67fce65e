"""Pages of a shop, served, that send to a relay which runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from relay.cli.check.page import look_at
from relay.cli.check.page.findings import Findings
from relay.core.clock import SystemClock
from tests.support.http_server import serving
from tests.support.relay import RunningEdge, make_settings, running_edge

GOOD = """
<section data-relay-list data-relay-recommendation-id="RID-1" data-relay-source="home-top">
  <a data-relay-item="p1" href="/p/1">one</a> <a data-relay-item="p2" href="/p/2">two</a>
  <button data-relay-item="p1" data-relay-event="AddToCart" data-relay-value=" 19.90 ">Add</button>
</section>
<main data-relay-view="p3">three</main>
"""
"""A page as it should be: a control on an item is not the item a second time."""


@dataclass
class Shop:
    """A shop whose pages are made by the test."""

    relay: RunningEdge
    origin: str = ""
    pages: dict[str, Response] = field(default_factory=dict)

    @property
    def src(self) -> str:
        return f"{self.relay.url}/r/s.js"

    def tag(self, *, src: str | None = None, token: str | None = None, more: str = "") -> str:
        """The script tag, whole."""
        return f'<script async src="{src or self.src}" data-token="{token or self.relay.site_token}" {more}></script>'

    def page(self, body: str = GOOD, *, tag: str | None = None, head: str = "", **headers: str) -> str:
        """Serve a page; its URL."""
        html = f"<!doctype html><html><head>{head}{self.tag() if tag is None else tag}</head><body>{body}</body></html>"
        self.pages["/"] = HTMLResponse(html, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return f"{self.origin}/"

    async def findings(self, url: str, *, browser: bool = False, **settings: str) -> Findings:
        """What the command finds there."""
        chosen = make_settings(None, **{"allowed_origins": self.origin, **settings})
        return await look_at(url, settings=chosen, clock=SystemClock(), browser=browser)


@asynccontextmanager
async def shop(*, bots: str = "drop", event_types: str = "View,Click,AddToCart") -> AsyncGenerator[Shop]:
    """A shop, and a relay that takes what its pages send."""
    made: list[Shop] = []

    async def answer(request: Request) -> Response:
        return made[0].pages.get(request.url.path) or Response(status_code=404)

    app = Starlette(routes=[Route("/{path:path}", answer)])
    async with (
        serving(app, grace_s=0) as origin,
        running_edge(allowed_origins=origin, bots=bots, event_types=event_types) as relay,
    ):
        made.append(Shop(relay, origin))
        yield made[0]
