"""What the papers give to be pasted into a page and into the backend behind it, pasted there: README, docs/moving/."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from relay.identity.tokens import ALL_SCOPES, ServerClaims, Tokens
from tests.docs.blocks import blocks
from tests.support.browser import chromium, until
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.http_server import serving
from tests.support.relay import KEY, RunningRelay, running_edge, running_relay

ADDRESS = "https://events.shop.example"
"""Of the relay, as the papers have it."""


def only(paper: str, language: str) -> str:
    """The text of the one block."""
    (block,) = blocks(paper, language)
    return block.text


@asynccontextmanager
async def pasted() -> AsyncGenerator[tuple[RunningEmulator, RunningRelay, Page]]:
    """A visitor on a site whose only page is the README's, before a relay and Amazon Personalize."""
    html = [""]

    async def page(_: Request) -> Response:
        return HTMLResponse(f"<!doctype html><meta charset=utf-8><title>shop</title>{html[0]}")

    async with (
        serving(Starlette(routes=[Route("/{path:path}", page)])) as origin,
        running_emulator() as emulator,
        running_relay(env=emulator.env, allowed_origins=origin, bots="keep") as relay,
        chromium() as browser,
    ):
        text = only("README.md", "html")
        assert ADDRESS in text
        html[0] = text.replace(ADDRESS, relay.url).replace("SITE TOKEN", relay.site_token)
        visit = await browser.new_page()
        await visit.goto(origin)
        await visit.wait_for_function("window.relay && new Promise(done => relay('session', done))")
        yield emulator, relay, visit


def told(emulator: RunningEmulator) -> list[tuple[str, str, float | None]]:
    return [(one["eventType"], one["itemId"], one.get("eventValue")) for one in emulator.events()]


@pytest.mark.browser
async def test_the_page_of_the_readme_tells_of_view_click_and_cart_and_the_backend_says_who() -> None:
    async with pasted() as (emulator, _, page):
        await until(lambda: told(emulator) == [("View", "p1", None)], otherwise=lambda: told(emulator))
        session = await page.evaluate("new Promise(done => relay('session', done))")
        names: dict[str, Any] = {"session_id": session}
        exec(only("README.md", "python").replace("<the first of RELAY_SECRET_KEYS>", KEY), names)  # noqa: S102  # our own
        await page.evaluate("token => relay('user', token)", names["token"])
        await page.evaluate("new Promise(done => setTimeout(done, 1300))")  # a look at the list
        await page.get_by_role("button", name="Add").click()
        await page.locator("section [data-relay-item=p2]").click()
        await until(lambda: len(emulator.events()) == 3, otherwise=emulator.events)
        _, cart, click = emulator.events()
        assert (cart["eventType"], cart["itemId"], cart["eventValue"]) == ("AddToCart", "p1", 19.9)
        assert (click["eventType"], click["itemId"], click["recommendationId"]) == ("Click", "p2", "RID-…")
        assert sorted(click["impression"]) == ["p1", "p2"]
        assert click["metricAttribution"] == {"eventAttributionSource": "home-top"}
        assert [cart["userId"], click["userId"]] == ["user-42", "user-42"]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("paper", "arrives"),
    [
        ("docs/moving/amplify.md", [("AddToCart", "p1", 19.9)]),
        ("docs/moving/segment.md", [("Purchase", "p1", 19.9), ("Purchase", "p2", 5)]),
    ],
)
async def test_calls_that_a_page_keeps_arrive_by_their_translation(
    paper: str, arrives: list[tuple[str, str, float]]
) -> None:
    async with pasted() as (emulator, _, page):
        await page.add_script_tag(content=only(paper, "js"))
        await page.evaluate("new Promise(done => relay('flush', done))")
        expected = [("View", "p1", None), *arrives]
        await until(lambda: told(emulator) == expected, otherwise=lambda: told(emulator))
        properties = emulator.events()[1]["properties"]
        assert '"colour":"blue"' in properties or '"order_id":"o-1"' in properties


async def test_a_lambda_passes_on_what_old_pages_still_send(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    exec(only("docs/moving/lambda.md", "python"), names)  # noqa: S102  # our own
    async with running_edge() as edge:
        monkeypatch.setitem(os.environ, "RELAY_URL", edge.url)
        token = Tokens([KEY], clock=edge.clock).mint(ServerClaims("default", ALL_SCOPES))
        monkeypatch.setitem(os.environ, "RELAY_SERVER_TOKEN", token)
        sent = '{"sessionId": "a-session", "userId": "eve", "eventList": [{"eventType": "View", "itemId": "p1"}]}'
        answer = await asyncio.to_thread(names["handler"], {"body": sent}, None)
        assert (answer["statusCode"], '"accepted":1' in answer["body"]) == (202, True)
        (event,) = await edge.records()
        assert (event.key.session_id, event.user_id) == ("a-session", None)
