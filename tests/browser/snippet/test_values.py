"""A value that cannot be used costs only itself, and is said once."""

import pytest
from playwright.async_api import Page
from starlette.responses import JSONResponse

from tests.browser.snippet.shop import NEVER, running
from tests.support.collector import Beacon, Collector, refuse

pytestmark = pytest.mark.browser

FLUSH = "new Promise(done => relay('flush', done))"


@pytest.fixture
def lines(page: Page) -> list[str]:
    """What the snippet says on the console."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if "[relay]" in message.text else None)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((wrong, None) for wrong in ("19,90", "$19.90", "1,299.00", "19.90 EUR", "0x10", "")),
        (" 19.90 ", 19.9),
        ("0", 0),
        ("1e3", 1000),
    ],
)
async def test_a_price_is_a_number_or_left_out(
    collector: Collector, page: Page, lines: list[str], text: str, value: float | None
) -> None:
    body = f'<button data-relay-item="p1" data-relay-event="AddToCart" data-relay-value="{text}">add</button>'
    await page.goto(collector.page("/", body, tag=NEVER))
    await running(page)
    await page.click("button")
    await page.evaluate("new Promise(done => setTimeout(done, 60))")
    await page.click("button")
    await page.evaluate(FLUSH)
    events = collector.of_type("AddToCart")
    assert [event.get("eventValue") for event in events] == [value, value]
    assert all(("eventValue" in event) == (value is not None) for event in events)
    assert len(lines) == (1 if value is None and text else 0)


async def test_a_source_outside_ascii_is_left_out(collector: Collector, page: Page, lines: list[str]) -> None:
    body = '<section data-relay-list data-relay-source="Für dich"><b data-relay-item="p1">one</b></section>'
    await page.goto(collector.page("/", body, tag=NEVER))
    await running(page)
    await page.click("b")
    await page.evaluate(FLUSH)
    click = collector.of_type("Click")[0]
    assert (click["itemId"], "metricAttribution" in click) == ("p1", False)
    assert len(lines) == 1


async def test_numbers_and_nothing_are_taken_for_what_they_mean(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", "", tag=NEVER))
    await running(page)
    await page.evaluate("relay('event', 'Purchase', {itemId: 42, eventValue: '19.90', properties: null})")
    await page.evaluate("relay('event', 'Click', {itemId: 'p1', recommendationId: '', eventValue: null})")
    await page.evaluate("relay('event', 'Other', {itemId: 'p1', properties: {big: 10n}})")
    await page.evaluate(FLUSH)
    purchase, click, other = collector.events
    assert (purchase["itemId"], purchase["eventValue"], purchase.get("properties")) == ("42", 19.9, None)
    assert not {"recommendationId", "eventValue"} & click.keys()
    assert "properties" not in other


async def test_what_the_relay_refuses_or_leaves_out_is_said_once_and_told(
    collector: Collector, page: Page, lines: list[str]
) -> None:
    def answer(beacon: Beacon) -> JSONResponse:
        rejected = [{"index": 0, "eventId": beacon["eventList"][0]["eventId"], "reason": "bad_type", "field": "itemId"}]
        dropped = [{"index": 1, "field": "recommendationId", "reason": "too_long"}]
        return JSONResponse({"accepted": 1, "rejected": rejected, "dropped": dropped, "identity": "none"}, 202)

    collector.answer = answer
    await page.goto(collector.page("/", "", tag=NEVER))
    await running(page)
    twice = "relay('event', 'X'); relay('event', 'Y')"
    await page.evaluate(twice)
    await page.evaluate(FLUSH)
    await page.evaluate(twice)
    result = await page.evaluate(FLUSH)
    assert [(one["reason"], one["field"]) for one in result["rejected"]] == [("bad_type", "itemId")]
    assert [(one["reason"], one["field"]) for one in result["dropped"]] == [("too_long", "recommendationId")]
    assert len(lines) == 2
    assert "itemId" in lines[0]
    assert "recommendationId" in lines[1]
    collector.answer = refuse(401, "token_forged")
    await page.evaluate("relay('event', 'Z')")
    result = await page.evaluate(FLUSH)
    assert result["lost"] == [
        {"reason": "refused", "events": 1, "status": 401, "error": "token_forged", "detail": "as told"}
    ]
    assert "token_forged" in lines[2]
