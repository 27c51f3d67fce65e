"""Clicks and views, however they come about."""

import pytest
from playwright.async_api import BrowserContext, Page

from tests.browser.snippet.shop import HOME, NEVER, open_shop, running
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser


async def flush(page: Page) -> None:
    await page.evaluate("new Promise(done => relay('flush', done))")


async def test_a_middle_click_counts_and_opens_its_tab(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(open_shop(collector, tag=NEVER))
    await running(page)
    async with context.expect_page():
        await page.click("text=two", button="middle")
    await flush(page)
    assert ("Click", "p2") in collector.summary()


async def test_a_right_click_is_none(collector: Collector, page: Page) -> None:
    await page.goto(open_shop(collector, tag=NEVER))
    await running(page)
    await page.click("text=two", button="right")
    await flush(page)
    assert collector.summary() == []


async def test_the_keyboard_counts(collector: Collector, page: Page) -> None:
    await page.goto(open_shop(collector, tag=NEVER))
    await running(page)
    await page.focus("text=one")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/p/1")
    await until(lambda: collector.of_type("Click"))


async def test_a_click_inside_a_shadow_root_belongs_to_the_list_outside(collector: Collector, page: Page) -> None:
    body = '<section data-relay-list data-relay-recommendation-id="RID-9"><div id="host"></div></section>'
    await page.goto(collector.page("/", body, tag=NEVER))
    await running(page)
    await page.evaluate(
        """() => {
            const root = document.querySelector('#host').attachShadow({mode: 'open'});
            root.innerHTML = '<button data-relay-item="p7"><b>in</b></button>';
        }"""
    )
    await page.click("text=in")
    await flush(page)
    click = collector.of_type("Click")[0]
    assert (click["itemId"], click["recommendationId"], click["impression"]) == ("p7", "RID-9", ["p7"])


async def test_a_page_that_stops_clicks_is_heard_and_not_disturbed(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", HOME, tag=NEVER))
    await running(page)
    prevented = await page.evaluate(
        """() => {
            const link = document.querySelector('a');
            let prevented;
            link.addEventListener('click', event => {
                prevented = event.defaultPrevented;
                event.preventDefault();
                event.stopImmediatePropagation();
            });
            link.click();
            return prevented;
        }"""
    )
    await flush(page)
    assert prevented is False
    assert collector.summary() == [("Click", "p1")]


async def test_one_interaction_counts_once(collector: Collector, page: Page) -> None:
    body = '<label data-relay-item="p1">choose <input type="checkbox"></label><button data-relay-item="p2">buy</button>'
    await page.goto(collector.page("/", body, tag=NEVER))
    await running(page)
    await page.click("text=choose")  # the label clicks its input
    await page.dblclick("text=buy")
    await flush(page)
    assert collector.summary() == [("Click", "p1"), ("Click", "p2")]


async def test_a_button_of_a_product_page_is_about_the_product(collector: Collector, page: Page) -> None:
    body = '<main data-relay-view="p5"><button data-relay-event="AddToCart" data-relay-value="7">add</button>x</main>'
    await page.goto(collector.page("/", body, tag=NEVER))
    await running(page)
    await page.click("text=add")
    await flush(page)
    assert collector.summary() == [("AddToCart", "p5"), ("View", "p5")]
    assert collector.of_type("AddToCart")[0]["eventValue"] == 7


async def test_the_recommendation_that_led_to_an_item_is_stamped_on_its_later_events(
    collector: Collector, page: Page
) -> None:
    await page.goto(open_shop(collector, tag=NEVER))
    await running(page)
    await page.click("text=one")
    await page.wait_for_url("**/p/1")
    await running(page)
    await page.click("button")
    await page.evaluate("relay('event', 'Purchase', {itemId: 'p1'}); relay('event', 'Purchase', {itemId: 'p2'})")
    await flush(page)
    led = {event["eventType"]: event.get("recommendationId") for event in collector.events if event["itemId"] == "p1"}
    assert led == {"Click": "RID-1", "View": "RID-1", "AddToCart": "RID-1", "Purchase": "RID-1"}
    assert [e.get("recommendationId") for e in collector.events if e["itemId"] == "p2"] == [None]


async def test_a_view_counts_once_a_showing_in_a_single_page_app(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", '<div id="app"></div>', tag=NEVER))
    await running(page)

    async def route(path: str, html: str) -> None:
        await page.evaluate(
            "([path, html]) => { history.pushState(0, '', path); document.querySelector('#app').innerHTML = html }",
            [path, html],
        )

    async def views(expected: list[str]) -> None:
        async def are_there() -> bool:
            await flush(page)
            return [event["itemId"] for event in collector.of_type("View")] == expected

        await until(are_there, otherwise=collector.summary)

    await route("/p/1", '<main data-relay-view="p1"></main>')
    await views(["p1"])
    # The framework renders it anew: nothing new is shown.
    await route("/p/1", '<main data-relay-view="p1"><b>more</b></main>')
    await route("/p/1", '<main data-relay-view="p1"><b>more</b></main><i data-relay-view="p2"></i>')
    await views(["p1", "p2"])
    await route("/", "")
    await page.evaluate("new Promise(done => setTimeout(done, 250))")  # the visitor looks at the empty page
    await route("/p/1", '<main data-relay-view="p1"></main>')
    await views(["p1", "p2", "p1"])
    await page.evaluate("document.querySelector('main').dataset.relayView = 'p3'")
    await views(["p1", "p2", "p1", "p3"])


async def test_calls_made_before_the_snippet_came_keep_their_time_and_order(collector: Collector, page: Page) -> None:
    stub = (
        "<script>window.relay=window.relay||function(){(relay.q=relay.q||[]).push([Date.now(),arguments])};"
        "relay('event','First',{itemId:'p1'});window.at=Date.now();relay('event','Second')</script>"
    )
    await page.goto(collector.page("/", "", tag=NEVER, head=stub))
    await running(page)
    await flush(page)
    assert [event["eventType"] for event in collector.events] == ["First", "Second"]
    assert abs(collector.events[0]["sentAt"] - await page.evaluate("at")) <= 5
