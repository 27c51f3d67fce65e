"""What happened survives the site, its storage, its other scripts and what stands between it and the relay."""

import pytest
from playwright.async_api import BrowserContext, Page
from starlette.responses import HTMLResponse, JSONResponse, Response

from relay.core.bundled import bundled
from tests.browser.snippet.shop import NEVER, product, running
from tests.support.browser import until
from tests.support.collector import Beacon, Collector

pytestmark = pytest.mark.browser

FLUSH = "new Promise(done => relay('flush', done))"
WAITING = "JSON.parse(localStorage['_relay.events'] ?? '[]').length"
ALICE = "alice." + "a" * 30
_NOBODY = "http://127.0.0.1:9"
"""Nothing is listening there: what a page sends to it, closing or not, arrives nowhere."""
PROTOTYPE = "<script>Array.prototype.toJSON = function () { return JSON.stringify([...this]) }</script>"


async def test_the_arrays_of_old_libraries_stop_neither_their_page_nor_the_next(
    collector: Collector, page: Page
) -> None:
    await page.goto(collector.page("/old", product("p1"), tag=NEVER, head=PROTOTYPE))
    await running(page)
    await page.click("button")
    await page.evaluate('String.prototype.toJSON = function () { return `"${this}"` }')
    await page.evaluate("relay('event', 'Note', {itemId: 'p1', recommendationId: 'R'})")
    await page.goto(collector.page("/", '<button data-relay-item="p2">buy</button>', tag=NEVER))
    await running(page)
    await page.click("button")
    await page.evaluate("relay('event', 'Purchase', {itemId: 'p2'})")
    await page.evaluate(FLUSH)
    expected = [("AddToCart", "p1"), ("Click", "p2"), ("Note", "p1"), ("Purchase", "p2"), ("View", "p1")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)


JUNK = {
    "text in place of lists": "'\"[1,2]\"'",
    "lists of junk": '\'[null, 7, "x", [], [[]], ["s"], ["s", {}], {}]\'',
    "objects": '\'{"a": 1, "length": 9}\'',
    "no JSON": "'{'",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
async def test_values_of_the_wrong_shape_are_dropped(
    collector: Collector, context: BrowserContext, page: Page, junk: str
) -> None:
    names = "['session', 'users', 'events', 'done', 'items', 'seq', 'lost', 'retry']"
    await context.add_init_script(f"for (const name of {names}) localStorage['_relay.' + name] = {junk}")
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    await page.evaluate(
        f"relay('user', '{ALICE}'); relay('event', 'Purchase', {{itemId: 'p1', recommendationId: 'R'}})"
    )
    await page.click("button")
    await page.evaluate(FLUSH)
    expected = [("AddToCart", "p1"), ("Purchase", "p1"), ("View", "p1")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)


CLEARED = {
    "cleared": "localStorage.clear()",
    "emptied": "for (const name of Object.keys(localStorage)) localStorage.removeItem(name)",
}


@pytest.mark.parametrize("clear", CLEARED.values(), ids=CLEARED.keys())
async def test_storage_cleared_right_after_a_login_and_a_purchase_loses_nothing(
    collector: Collector, context: BrowserContext, page: Page, clear: str
) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    await context.set_offline(True)
    await page.evaluate(f"relay('user', '{ALICE}'); relay('event', 'Purchase', {{itemId: 'p1'}}); {clear}")
    await context.set_offline(False)
    expected = [("Purchase", "p1"), ("View", "p1")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)
    assert {beacon["identity"] for beacon in collector.beacons if beacon["eventList"]} == {ALICE}


async def test_what_is_in_memory_alone_is_stored_for_the_next_page(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    collector.answer = lambda _: Response(status_code=503)
    await page.evaluate("relay('event', 'Purchase'); localStorage.clear()")
    await page.evaluate(FLUSH)
    assert await page.evaluate(WAITING) == 2
    await page.close()
    collector.answer = lambda _: None
    next_page = await context.new_page()
    await next_page.goto(collector.page("/other", "", tag=NEVER))
    await until(lambda: len(collector.taken) == 2)


async def test_another_tab_that_sent_an_event_is_believed(collector: Collector, context: BrowserContext) -> None:
    url = collector.page("/", "", tag=NEVER)
    first, second = [await context.new_page() for _ in range(2)]
    for tab in (first, second):
        await tab.goto(url)
        await running(tab)
    await first.evaluate("relay('event', 'Mine')")
    await second.evaluate(FLUSH)
    await first.evaluate("relay('event', 'More')")
    await first.evaluate(FLUSH)
    assert [event["eventType"] for beacon in collector.beacons for event in beacon["eventList"]] == ["Mine", "More"]


async def test_a_refusal_of_somebody_else_loses_nothing(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", "", tag='data-flush-ms="50"'))
    await running(page)
    await context.set_offline(True)
    await page.evaluate("for (let i = 0; i < 150; i++) relay('event', 'Click', {itemId: 'p' + i})")
    answers = [HTMLResponse("<html>who are you?</html>", 403), JSONResponse({"message": "Forbidden"}, 403)]

    def answer(_: Beacon) -> Response | None:
        return answers.pop(0) if answers else None

    collector.answer = answer
    await context.set_offline(False)
    await until(lambda: len(collector.taken) == 150)
    await page.wait_for_function(f"{WAITING} === 0")


async def test_a_proxy_that_takes_less_gets_less(collector: Collector, page: Page) -> None:
    def proxy(beacon: Beacon) -> Response | None:
        return (
            HTMLResponse("too large", 413) if int(collector.beacons[-1]["headers"]["content-length"]) > 20_000 else None
        )

    collector.answer = proxy
    await page.goto(collector.page("/", "", tag='data-flush-ms="50"'))
    await running(page)
    await page.evaluate("for (let i = 0; i < 40; i++) relay('event', 'Note', {properties: 'x'.repeat(900) + i})")
    await page.evaluate(FLUSH)
    await until(lambda: len(collector.taken) == 40, within_s=30)


@pytest.mark.timeout(120)
async def test_an_event_costs_the_same_whatever_the_site_stores(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", "", tag='data-flush-ms="600000" data-flush-size="999"'))
    await running(page)
    fifty = """() => {
        const began = performance.now();
        for (let i = 0; i < 50; i++) relay('event', 'Click', {itemId: 'p' + i});
        return (performance.now() - began) / 50;
    }"""
    without = min([await page.evaluate(f"({fifty})()") for _ in range(3)])
    await page.evaluate(FLUSH)
    await page.evaluate("for (let i = 0; i < 3000; i++) localStorage['own' + i] = 'x'.repeat(500)")
    with_many = min([await page.evaluate(f"({fifty})()") for _ in range(3)])
    # Listing the site's keys costs six milliseconds here, twenty times as much.
    assert with_many < 3 * without + 0.3


async def test_what_waits_from_an_earlier_version_leaves_once_as_the_user_it_happened_under(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    earlier = (bundled("snippet").parent / "releases" / "0.1.0" / "s.js").read_bytes()
    collector.pages["/earlier/s.js"] = Response(earlier, media_type="text/javascript")
    tag = f'<script src="/earlier/s.js" data-token="site" data-endpoint="{_NOBODY}/r/e" data-debug {NEVER}></script>'
    await page.goto(collector.raw("/earlier", f"<!doctype html>{tag}"))
    await running(page)
    await page.evaluate(f"relay('user', '{ALICE}'); relay('event', 'Purchase', {{itemId: 'p1'}}); relay('user', null)")
    await page.evaluate("relay('event', 'Note', {itemId: 'p2'}); localStorage['_relay.event.0'] = '{'")
    await page.close()
    page = await context.new_page()
    assert collector.beacons == []

    await page.goto(collector.page("/", "", tag=NEVER))
    await running(page)
    await page.evaluate(FLUSH)
    await page.evaluate(FLUSH)
    sent = [
        (beacon.get("identity"), event["eventType"]) for beacon in collector.beacons for event in beacon["eventList"]
    ]
    assert sorted(sent, key=str) == [(ALICE, "Purchase"), (None, "Note")]
    assert len({event["sessionId"] for event in collector.events}) == 2
    assert await page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('_relay.event.'))") == []
