"""Six failures, found and explained by somebody who knows nothing but what the pages say and link to."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from relay.emulator.wire.faults import FaultSpec
from relay.identity.tokens import IdentityClaims
from tests.support.axe import violations
from tests.support.browser import chromium
from tests.support.emulator import running_emulator
from tests.support.relay import RunningRelay, running_relay, served_relay

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

NAMES = ("Events", "Sessions", "Refusals", "Lists", "Losses", "Properties", "Buried", "Words")
PICTURES = os.environ.get("PICTURES_INTO")
"""A folder for pictures of the pages, to be looked at."""
Scheme = Literal["light", "dark"]


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncGenerator[RunningRelay]:
    """A relay to which all six have happened, and good events, too."""
    async with (
        running_emulator() as emulator,
        running_relay(env=emulator.env, spool_url=f"sqlite:///{tmp_path}/s.db", gpc="off") as relay,
    ):
        good = {"eventType": "Click", "itemId": "p1", "impression": ["p1", "p2"], "recommendationId": "RID-1",
                "metricAttribution": {"eventAttributionSource": "home-top"}}  # fmt: skip
        emulator.emulator.faults.apply(FaultSpec(throttling=1.0))
        await relay.send(good, session="session-of-anna-0001", seq=1)
        await _happened(relay, "throttled")
        emulator.emulator.faults.apply(FaultSpec(refuse_items=["bad"]))
        await _happened(relay, "delivered")
        await relay.send({"eventType": "Click", "itemId": "bad"}, session="session-of-bert-0001", seq=3)
        await _happened(relay, "refused")
        await relay.post(relay.beacon(), origin="https://other.example")
        old = relay.relay.edge.tokens.mint(IdentityClaims("anna", None, relay.clock.now_ms() // 1000 - 3600))
        await relay.send(good, session="session-of-anna-0001", identity=old, seq=2)
        await relay.send(good | {"eventValue": "19,90 EUR"}, session="session-of-cleo-0001", seq=1)
        await relay.post(relay.beacon(), sec_gpc="1")
        await _kept(relay)
        yield relay


async def _asked(relay: RunningRelay, path: str) -> Any:
    return (await relay.http.get(relay.admin_url + path, headers={"accept": "application/json"})).json()


async def _happened(relay: RunningRelay, verdict: str) -> None:
    async with asyncio.timeout(30):
        while not (await _asked(relay, f"/events?verdict={verdict}"))["events"]:  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.05)


async def _kept(relay: RunningRelay) -> None:
    async with asyncio.timeout(30):
        while not (await _asked(relay, "/buried"))["buried"]:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.05)


@pytest.fixture
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as one:
        yield one


@pytest.fixture
async def page(relay: RunningRelay, browser: Browser) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(relay.admin_url)
    return page


async def follow(page: Page, *words: str) -> str:
    """Click links by their visible words, one after the other; the text of where that leads."""
    for word in words:
        await page.get_by_role("link", name=word, exact=True).first.click()
        await page.wait_for_load_state()
    fragment = await page.evaluate("location.hash.slice(1)")
    place = page.locator(f"section#{fragment}") if fragment else page.locator("main")
    return " ".join((await place.inner_text()).split())


async def row(page: Page, *words: str) -> str:
    """The one row of the page's tables that has all these words."""
    found = page.get_by_role("row")
    for word in words:
        found = found.filter(has_text=word)
    return " ".join((await found.first.inner_text()).split())


async def test_a_wrong_origin(page: Page) -> None:
    assert "beacon origin 1 If the page is yours, add its exact origin" in await row(page, "origin")
    await follow(page, "Refusals")
    assert "https://other.example" in await row(page, "whole beacon refused")
    assert "RELAY_ALLOWED_ORIGINS" in await follow(page, "origin")


async def test_an_expired_token(page: Page) -> None:
    await row(page, "expired")
    await follow(page, "Sessions", "session-of-anna-0001")
    assert "identity expired" in await row(page, "beacon 2")
    assert "Let the page fetch a fresh token" in await follow(page, "expired")


async def test_a_dropped_field(page: Page) -> None:
    await follow(page, "Refusals")
    assert "eventValue https://shop.example default Click 1" in await row(page, "field dropped")
    assert "19.90, not 19,90" in await follow(page, "bad_number")
    await follow(page, "Sessions", "session-of-cleo-0001")
    assert "eventValue dropped: bad_number" in await row(page, "beacon 1")


async def test_throttling(page: Page) -> None:
    assert "ThrottlingException" in await row(page, "throttled")
    assert "RELAY_PUT_EVENTS_PER_S" in await follow(page, "throttled")
    await follow(page, "Sessions", "session-of-anna-0001")
    assert "PutEvents session-of-anna-0001 1 event throttled ThrottlingException" in await row(
        page, "PutEvents", "throttled"
    )


async def test_a_buried_event(page: Page) -> None:
    shown = await follow(page, "see them")
    assert "InvalidInputException" in shown
    assert "Repair what its message names, then send them again" in shown
    session = await follow(page, "session-of-bert-0001")
    assert "PutEvents session-of-bert-0001 1 event refused InvalidInputException" in session


async def test_consent_that_was_refused(page: Page) -> None:
    await row(page, "ignored", "gpc")
    await follow(page, "Refusals")
    assert "beacon not wanted" in await row(page, "gpc")
    assert "Consent refused: the visitor's browser sends Global Privacy Control" in await follow(page, "gpc")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 640, 1280])  # 640: 1280 at 200 %
async def test_axe_finds_nothing_and_nothing_is_too_wide(
    relay: RunningRelay, page: Page, scheme: Scheme, width: int
) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 400 if width == 640 else 844})
    for path in ("/", *(f"/{name.lower()}" for name in NAMES), "/sessions/session-of-anna-0001", "/login"):
        await page.goto(relay.admin_url + path)
        assert await violations(page) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        if PICTURES and width in {390, 1280}:
            name = path.strip("/").partition("/")[0] or "live"
            name = "session" if path.count("/") > 1 else name
            await page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)


async def test_it_can_be_used_by_keyboard_alone(page: Page) -> None:
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="To the content")).to_be_focused()
    for _ in range(4):
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Refusals", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Refusals", level=1)).to_be_visible()


async def test_without_javascript_it_says_all_it_knows(relay: RunningRelay, browser: Browser) -> None:
    page = await (await browser.new_context(java_script_enabled=False)).new_page()
    await page.goto(relay.admin_url)
    await expect(page.locator("noscript p")).to_be_visible()
    await page.get_by_role("link", name="Refusals", exact=True).click()
    await expect(page.get_by_text("https://other.example")).to_be_visible()


async def test_the_page_follows_what_happens_and_says_when_nobody_answers(relay: RunningRelay, page: Page) -> None:
    accepted = page.locator(".figure", has_text="Accepted").locator("dd > span")
    before = int(await accepted.inner_text())
    await relay.send({"eventType": "View", "itemId": "p9"}, session="session-of-dora-0001")
    await expect(accepted).to_have_text(str(before + 1), timeout=15_000)
    await page.route("**/*", lambda _: None)  # a frozen relay takes the request, and says nothing
    await expect(page.locator("#state")).to_contain_text("does not answer", timeout=20_000)
    await expect(page.locator("#age")).to_contain_text(re.compile(r"\d+ s ago"))


@pytest.mark.parametrize("path", ["/", "/events"])
async def test_a_frozen_relay_is_not_called_ready_and_is_again_when_it_goes_on(
    tmp_path: Path, browser: Browser, path: str
) -> None:
    async with served_relay(tmp_path, sink=f"jsonl:{tmp_path}/out") as relay:
        page = await browser.new_page()
        await page.goto(relay.admin_url + path)
        await expect(page.locator("#state")).to_have_text("ready")
        relay.process.send_signal(signal.SIGSTOP)
        await expect(page.locator("#state")).to_contain_text("does not answer", timeout=20_000)
        await expect(page.locator("#age")).to_contain_text(re.compile(r"\d+ s ago"))
        relay.process.send_signal(signal.SIGCONT)
        await expect(page.locator("#state")).to_have_text("ready", timeout=20_000)
        await expect(page.locator("#age")).not_to_contain_text("s ago")


async def test_the_tail_shows_what_happens_and_stands_still_when_it_is_paused(relay: RunningRelay, page: Page) -> None:
    await page.goto(f"{relay.admin_url}/events")
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await relay.send({"eventType": "View", "itemId": "item-of-dora"}, session="session-of-dora-0001")
    await expect(page.get_by_text("item-of-dora")).to_be_visible(timeout=15_000)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")


async def test_hostile_ids_run_nothing_and_break_no_layout(relay: RunningRelay, browser: Browser) -> None:
    page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    heard: list[str] = []
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda message: heard.append(message.text))
    hostile = "<img src=x onerror=alert(1)>\"'`</td></table>\u202e\u05d0\u05d1" + "x" * 200
    event = {"eventType": hostile, "itemId": hostile, "eventId": hostile, "recommendationId": hostile[:40]}
    await relay.send(event, session="session-of-eve-00001")
    await relay.delivered()
    for path in ("/", "/events", "/sessions", "/sessions/session-of-eve-00001", "/lists", "/properties", "/refusals"):
        await page.goto(relay.admin_url + path)
        assert await page.locator("main img").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert heard == []
