"""Every event arrives once, by its id, and none is invented: whatever happens to the page."""

import asyncio
from functools import partial

import pytest
from playwright.async_api import BrowserContext, Error, Page
from starlette.responses import Response

from tests.browser.snippet.shop import HOME, NEVER, open_shop, product, running, same_page, set_hidden
from tests.support.browser import until
from tests.support.collector import Beacon, Collector, fail, refuse

pytestmark = pytest.mark.browser


async def outbox_size(page: Page) -> int:
    size: int = await page.evaluate("JSON.parse(localStorage['_relay.events'] ?? '[]').length")
    return size


async def test_a_click_that_navigates_arrives_with_what_was_seen(collector: Collector, page: Page) -> None:
    await page.goto(open_shop(collector, tag=NEVER + " data-debug"))
    async with page.expect_console_message(lambda message: "seen p2" in message.text):
        pass
    await page.click("text=one")
    await page.wait_for_url("**/p/1")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert click["itemId"] == "p1"
    assert click["recommendationId"] == "RID-1"
    assert click["metricAttribution"] == {"eventAttributionSource": "home-top"}
    assert click["impression"] == ["p1", "p2"]


async def test_a_tab_that_closes_sends_what_waits(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    await page.click("button")
    assert collector.beacons == []
    await page.close()
    await until(lambda: collector.summary() == [("AddToCart", "p1"), ("View", "p1")], otherwise=collector.summary)


async def test_a_page_that_is_hidden_and_shown_again_sends_without_losing_or_inventing(
    collector: Collector, page: Page
) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    await page.click("button")
    await set_hidden(page, hidden=True)
    await until(lambda: len(collector.events) == 2, otherwise=collector.summary)
    await set_hidden(page, hidden=False)
    await page.evaluate("relay('event', 'Purchase', {itemId: 'p1'})")
    await page.evaluate("new Promise(done => relay('flush', done))")
    assert collector.summary() == [("AddToCart", "p1"), ("Purchase", "p1"), ("View", "p1")]
    assert await outbox_size(page) == 0


async def test_ten_events_leave_at_once_and_in_order(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", "", tag=NEVER))
    await running(page)
    await page.evaluate("for (let i = 0; i < 10; i++) relay('event', 'Click', {itemId: 'p' + i})")
    await until(lambda: len(collector.events) == 10)
    assert [event["itemId"] for event in collector.events] == [f"p{i}" for i in range(10)]
    assert len(collector.beacons) == 1


async def test_events_leave_when_their_time_is_up(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="50"'))
    await until(lambda: collector.of_type("View"))
    await page.wait_for_function("localStorage['_relay.events'] === '[]'")


async def test_no_beacon_needs_a_preflight_across_origins(collector: Collector, page: Page) -> None:
    endpoint = collector.origin.replace("127.0.0.1", "events.shop.example") + "/r/e"
    url = collector.page("/", product("p1"), tag=f'data-flush-ms="50" data-endpoint="{endpoint}"')
    await page.goto(url.replace("127.0.0.1", "www.shop.example"))
    await until(lambda: collector.of_type("View"))
    await page.click("button")
    await page.close()
    await until(lambda: collector.of_type("AddToCart"))
    assert all("preflight" not in beacon for beacon in collector.beacons)
    assert all(beacon["headers"]["content-type"] == "text/plain;charset=UTF-8" for beacon in collector.beacons)


async def test_back_and_forward_out_of_the_cache_counts_each_showing_once(collector: Collector, page: Page) -> None:
    await page.goto(open_shop(collector, tag=NEVER))
    await running(page)
    await page.evaluate("window.isTheSame = true")
    await page.click("text=one")
    await page.wait_for_url("**/p/1")
    await running(page)
    await page.evaluate("window.isTheSame = true")
    # Playwright's own go_back waits for a load that does not come.
    for direction, path in (("back", "/"), ("forward", "/p/1")):
        await page.evaluate(f"void setTimeout(() => history.{direction}())")
        await until(partial(same_page, page, path))
    await page.close()
    expected = [("Click", "p1"), ("View", "p1"), ("View", "p1")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)
    assert len({event["sessionId"] for event in collector.events}) == 1


async def test_events_made_offline_survive_a_reload_and_leave_when_the_network_is_back(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="50"'))
    await until(lambda: collector.of_type("View"))
    await context.set_offline(True)
    await page.click("button")
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        await page.reload()
    await context.set_offline(False)
    await page.goto(collector.page("/other", ""))
    await until(lambda: collector.summary() == [("AddToCart", "p1"), ("View", "p1")], otherwise=collector.summary)


async def test_a_page_that_comes_online_sends_by_itself(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="50"'))
    await until(lambda: collector.of_type("View"))
    await context.set_offline(True)
    await page.click("button")
    await page.evaluate("new Promise(done => relay('flush', done))")
    assert collector.of_type("AddToCart") == []
    await context.set_offline(False)
    await until(lambda: collector.of_type("AddToCart"))


async def test_the_events_of_a_crashed_tab_are_sent_by_the_next(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    await page.click("button")
    assert await outbox_size(page) == 2
    with pytest.raises(Error):
        await page.goto("chrome://crash")
    next_page = await context.new_page()
    await next_page.goto(collector.page("/other", "", tag=NEVER))
    await until(lambda: collector.summary() == [("AddToCart", "p1"), ("View", "p1")], otherwise=collector.summary)


async def test_two_tabs_send_each_event_once_and_never_at_the_same_time(
    collector: Collector, context: BrowserContext
) -> None:
    at_once = [0, 0]

    async def slowly(beacon: Beacon) -> Response:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.03)  # the network
        at_once[0] -= 1
        return Response(_taken(beacon), 202)

    collector.answer = slowly
    url = collector.page("/", "", tag='data-flush-ms="20" data-flush-size="3"')
    tabs = [await context.new_page() for _ in range(2)]
    for tab in tabs:
        await tab.goto(url)
        await running(tab)
    for number in range(20):
        for index, tab in enumerate(tabs):
            await tab.evaluate(f"relay('event', 'Click', {{itemId: 't{index}-{number}'}})")
    await until(lambda: len(collector.events) == 40, otherwise=collector.summary)
    expected = sorted(("Click", f"t{index}-{number}") for index in range(2) for number in range(20))
    assert collector.summary() == expected
    assert at_once[1] == 1
    assert len({event["sessionId"] for event in collector.events}) == 1


def _taken(beacon: Beacon) -> str:
    return f'{{"accepted": {len(beacon["eventList"])}, "rejected": [], "identity": "none"}}'


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again_with_the_same_ids(collector: Collector, page: Page, status: int) -> None:
    collector.answer = fail(status)
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="20"'))
    await until(lambda: collector.beacons)
    collector.answer = lambda _: None
    await until(lambda: collector.taken)
    first, *others = collector.beacons  # Chromium itself repeats what was answered 408
    assert others
    assert all(beacon["eventList"] == first["eventList"] for beacon in others)
    assert others[-1]["seq"] == 2 or status == 408
    await page.wait_for_function("localStorage['_relay.events'] === '[]'")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
async def test_what_is_refused_for_good_is_given_up_and_told(collector: Collector, page: Page, status: int) -> None:
    collector.answer = refuse(status)
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    lost = await page.evaluate(
        "new Promise(done => { relay('on', 'lost', done); relay('flush') })",
    )
    assert lost == {
        "reason": "refused",
        "events": 1,
        "status": status,
        "error": "bad_type",
        "detail": "as told",
    }
    assert await outbox_size(page) == 0
    collector.answer = lambda _: None
    await page.click("button")
    await page.evaluate("new Promise(done => relay('flush', done))")
    assert collector.beacons[-1]["lost"] == {"refused": 1}
    await page.click("button", delay=600)
    await page.evaluate("relay('event', 'Purchase'); new Promise(done => relay('flush', done))")
    assert "lost" not in collector.beacons[-1]


async def test_retry_after_is_kept_by_the_next_page_too(collector: Collector, page: Page) -> None:
    collector.answer = fail(503, retry_after="2")
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="20"'))
    await until(lambda: len(collector.beacons) == 1)
    collector.answer = lambda _: None
    await page.wait_for_function("localStorage['_relay.retry']")
    due = int(float(await page.evaluate("localStorage['_relay.retry']")))
    await page.goto(collector.page("/other", "", tag='data-flush-ms="20"'))
    await until(lambda: len(collector.beacons) == 2)
    assert collector.beacons[1]["sentAt"] >= due
    assert collector.summary() == [("View", "p1")]


async def test_a_200_that_no_relay_gave_is_no_receipt(collector: Collector, page: Page) -> None:
    collector.answer = lambda _: Response("<html>please log in to this wifi</html>", 200)
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="20"'))
    await until(lambda: len(collector.beacons) == 1)
    assert await outbox_size(page) == 1
    collector.answer = lambda _: None
    await until(lambda: len(collector.beacons) == 2)
    assert collector.summary() == [("View", "p1")]


async def test_at_hide_the_budget_of_the_browser_is_shared_in_bytes(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", "", tag=NEVER + ' data-flush-size="999"'))
    await running(page)
    await page.evaluate("for (let i = 0; i < 40; i++) relay('event', 'Note', {properties: '€'.repeat(900) + i})")
    await page.close()
    await until(lambda: collector.events)
    sizes = [int(beacon["headers"]["content-length"]) for beacon in collector.beacons]
    assert all(size <= 65_536 for size in sizes)
    # More than the budget holds waits for the next page.
    assert 20 <= len(collector.events) < 40


async def test_what_did_not_fit_at_hide_goes_with_the_next_page(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", "", tag=NEVER + ' data-flush-size="999"'))
    await running(page)
    await page.evaluate("for (let i = 0; i < 40; i++) relay('event', 'Note', {properties: '€'.repeat(900) + i})")
    await page.close()
    next_page = await context.new_page()
    await next_page.goto(collector.page("/other", HOME, tag=NEVER))
    await until(lambda: len(collector.events) == 40)
    notes = [event["properties"].lstrip("€") for event in collector.events]
    assert notes == [str(i) for i in range(40)]


async def test_the_outbox_keeps_the_newest_and_counts_the_rest(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", "", tag=NEVER))
    await running(page)
    await context.set_offline(True)
    lost = await page.evaluate(
        """() => {
            let lost = 0;
            relay('on', 'lost', ({events}) => lost += events);
            for (let i = 0; i < 230; i++) relay('event', 'Click', {itemId: 'p' + i});
            return lost;
        }"""
    )
    assert lost == 30
    assert await outbox_size(page) == 200
    await context.set_offline(False)
    await until(lambda: len(collector.events) == 200)
    assert collector.events[0]["itemId"] == "p30"
    assert collector.beacons[0]["lost"] == {"outbox_full": 30}
