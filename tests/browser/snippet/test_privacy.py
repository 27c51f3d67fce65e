"""Consent, Global Privacy Control, bots, prerendered pages."""

import json

import pytest
from playwright.async_api import BrowserContext, Page

from tests.browser.snippet.shop import HOME, NEVER, product, running, set_hidden
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser

STORED = """() => [...Object.keys(localStorage), ...Object.keys(sessionStorage), ...document.cookie.split('; ')]
    .filter(name => name.includes('relay'))"""
FLUSH = "new Promise(done => relay('flush', done))"
GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
TOKEN = "alice." + "a" * 30


async def test_before_consent_nothing_is_stored_or_sent_and_after_it_the_page_counts(
    collector: Collector, page: Page
) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER + ' data-consent="required"'))
    await page.wait_for_function("window.relay && !Array.isArray(relay.q)")
    await page.click("button")
    await page.evaluate("relay('event', 'Early')")
    await page.evaluate("new Promise(done => setTimeout(done, 200))")
    assert await page.evaluate(STORED) == []
    await page.evaluate("relay('consent', true)")
    await running(page)
    await page.evaluate(FLUSH)
    assert collector.summary() == [("Early", None), ("View", "p1")]
    assert await page.evaluate(STORED) != []


async def test_a_page_left_without_consent_sends_nothing(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER + ' data-consent="required"'))
    await page.wait_for_function("window.relay && !Array.isArray(relay.q)")
    await page.evaluate("relay('event', 'Early')")
    await page.goto(collector.page("/other", "", tag=NEVER))
    await running(page)
    await page.evaluate("relay('event', 'Mark')")
    await page.evaluate(FLUSH)
    assert collector.summary() == [("Mark", None)]


async def test_consent_withdrawn_clears_what_is_stored_and_given_again_begins_a_new_session(
    collector: Collector, page: Page
) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    await page.evaluate("localStorage.own = 'stays'")
    await page.click("button")
    await page.evaluate("relay('consent', false)")
    assert await page.evaluate(STORED) == []
    assert await page.evaluate("localStorage.own") == "stays"
    await page.click("button", delay=600)
    await page.evaluate("relay('event', 'Refused')")
    await page.evaluate("relay('consent', true)")
    await running(page)
    await page.evaluate(FLUSH)
    assert ("AddToCart", "p1") not in collector.summary()
    assert collector.of_type("View")


@pytest.mark.parametrize(("gpc", "sends"), [("off", False), ("anonymous", True), ("ignore", True)])
async def test_global_privacy_control_does_what_the_site_set(
    collector: Collector, context: BrowserContext, page: Page, gpc: str, sends: bool
) -> None:
    await context.add_init_script(GPC)
    await page.goto(collector.page("/", product("p1"), tag=f'data-flush-ms="20" data-gpc="{gpc}"'))
    await page.wait_for_function("window.relay && !Array.isArray(relay.q)")
    await page.evaluate(f"relay('user', '{TOKEN}'); relay('event', 'AfterLogin')")
    if sends:
        await until(lambda: collector.of_type("AfterLogin"))
        assert any("identity" in beacon for beacon in collector.beacons) == (gpc == "ignore")
    else:
        await page.evaluate("new Promise(done => setTimeout(done, 200))")
        assert await page.evaluate(STORED) == []
        assert collector.beacons == []


@pytest.mark.parametrize("tag", ["", "data-debug"])
async def test_a_browser_driven_by_webdriver_sends_only_in_debug_mode(
    collector: Collector, context: BrowserContext, page: Page, tag: str
) -> None:
    await context.add_init_script("Object.defineProperty(Navigator.prototype, 'webdriver', {get: () => true})")
    await page.goto(collector.page("/", product("p1"), tag=f'data-flush-ms="20" {tag}'))
    await page.wait_for_function("window.relay && !Array.isArray(relay.q)")
    if tag:
        await until(lambda: collector.events)
    else:
        await page.evaluate("new Promise(done => setTimeout(done, 200))")
        assert (await page.evaluate(STORED), collector.beacons) == ([], [])


async def test_a_prerendered_page_counts_only_once_it_is_shown(collector: Collector, page: Page) -> None:
    speculation = {"prerender": [{"urls": ["/p/1", "/p/2"], "eagerness": "immediate"}]}
    rules = f'<script type="speculationrules">{json.dumps(speculation)}</script>'
    collector.page("/p/2", product("p2"), tag=NEVER)
    collector.page("/p/1", product("p1"), tag=NEVER)
    await page.goto(collector.page("/", HOME, tag=NEVER, head=rules))
    await running(page)

    def fetched() -> bool:
        return {"/p/1", "/p/2"} <= {request.url.path for request in collector.requests}

    await until(fetched)
    await until(lambda: sum(request.url.path == "/r/s.js" for request in collector.requests) >= 1)
    await page.click("text=one")
    await page.wait_for_url("**/p/1")
    await running(page)
    await page.evaluate(FLUSH)
    assert collector.summary() == [("Click", "p1"), ("View", "p1")]
    prerendered = [request for request in collector.requests if request.headers.get("sec-purpose")]
    assert prerendered, "Chromium did not prerender: this test shows nothing"


async def test_a_prerendered_list_is_seen_once_it_is_shown(collector: Collector, page: Page) -> None:
    speculation = {"prerender": [{"urls": ["/p/1"], "eagerness": "immediate"}]}
    rules = f'<script type="speculationrules">{json.dumps(speculation)}</script>'
    collector.page("/p/1", HOME, tag=NEVER + " data-impressions")
    await page.goto(collector.page("/", HOME, tag=NEVER, head=rules))
    await until(lambda: any(request.headers.get("sec-purpose") for request in collector.requests))
    await page.click("text=one")
    await page.wait_for_url("**/p/1")
    await running(page)

    async def seen() -> list[object]:
        # What was seen leaves when the page is hidden; it is told so, and shown again, until something was.
        await set_hidden(page, hidden=True)
        await page.evaluate(FLUSH)
        await set_hidden(page, hidden=False)
        await page.evaluate("new Promise(done => setTimeout(done, 1200))")
        return [event["impression"] for event in collector.of_type("Impression")]

    assert await until(seen, otherwise=collector.summary) == [["p1", "p2"]]
