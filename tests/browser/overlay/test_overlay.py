"""`data-debug="overlay"`: what the snippet sees and sends, shown on the page itself."""

from playwright.async_api import Page, expect
from starlette.responses import JSONResponse

from tests.browser.snippet.shop import HOME, running
from tests.support.browser import until
from tests.support.collector import Beacon, Collector

TOKEN = "eyJzdWIiOiJ1In0.AAAAAA.c2lnbmF0dXJl"
OVERLAY = 'data-debug="overlay" data-flush-ms="300"'


async def test_items_seen_are_filled_lists_named_and_events_shown_with_the_verdict(
    page: Page, collector: Collector
) -> None:
    await page.goto(collector.page("/", HOME, tag=OVERLAY))
    await expect(page.locator(".box.list .label")).to_have_text("home-top · RID-1")
    await expect(page.locator(".box.seen")).to_have_count(2)
    await expect(page.locator("section.panel .lists li")).to_have_text("home-top · RID-1: 2 of 2 items seen")
    await page.evaluate(
        "document.querySelectorAll('a').forEach(a => a.addEventListener('click', e => e.preventDefault()))"
    )
    await page.locator("[data-relay-item=p1]").click()
    row = page.locator("section.panel .events li").filter(has_text="Click p1")
    await expect(row).to_contain_text("2 seen, from home-top, by RID-1")
    await expect(row.locator(".verdict")).to_have_text("accepted")
    session = await page.evaluate("new Promise(done => relay('session', done))")
    await expect(page.locator("section.panel dd").first).to_have_text(session)
    await expect(page.locator("section.panel dd").last).to_contain_text("none told by this page")


async def test_what_a_relay_refuses_leaves_out_and_knows_of_the_user_is_said(page: Page, collector: Collector) -> None:
    def answer(beacon: Beacon) -> JSONResponse:
        bad = [
            {"index": at, "eventId": one["eventId"], "reason": "unknown_event_type", "field": "eventType"}
            for at, one in enumerate(beacon["eventList"])
            if one["eventType"] == "Bad"
        ]
        dropped = [
            {"index": at, "field": "properties", "reason": "reserved_key"}
            for at, one in enumerate(beacon["eventList"])
            if one["eventType"] == "Half"
        ]
        body = {
            "accepted": 1,
            "rejected": bad,
            "dropped": dropped,
            "identity": "ok" if "identity" in beacon else "none",
        }
        return JSONResponse(body, 202)

    collector.answer = answer
    await page.goto(collector.page("/", HOME, tag=OVERLAY))
    await expect(page.locator("section.panel")).to_be_visible()
    await running(page)
    await page.evaluate(
        f"relay('event', 'Bad', {{itemId: 'p1'}}); relay('event', 'Half', {{itemId: 'p2'}}); relay('user', '{TOKEN}')"
    )
    rows = page.locator("section.panel .events li")
    await expect(rows.filter(has_text="Bad")).to_contain_text("refused: unknown_event_type eventType")
    await expect(rows.filter(has_text="Half")).to_contain_text("accepted, without properties (reserved_key)")
    await expect(page.locator("section.panel dd").last).to_have_text("known: the relay took the identity token")


async def test_an_item_behind_something_opaque_does_not_fill(page: Page, collector: Collector) -> None:
    cover = "<div style='position:fixed; inset:0; background:#fff'></div>"
    await page.goto(collector.page("/", HOME + cover, tag=OVERLAY))
    await expect(page.locator(".box:not(.list)")).to_have_count(2)
    await page.wait_for_function("performance.now() > 2500")
    assert await page.locator(".box.seen").count() == 0
    assert await page.locator(".fill").evaluate_all("all => all.map(one => one.style.transform)") == ["scaleX(0)"] * 2


async def test_only_who_asks_gets_it_and_nobody_else_fetches_it(page: Page, collector: Collector) -> None:
    url = collector.page("/", HOME, tag='data-debug="query"')
    await page.goto(url)
    await running(page)
    await page.goto(collector.page("/plain", HOME))
    await running(page)
    await page.goto(collector.page("/debug", HOME, tag="data-debug"))
    await running(page)
    assert not [one for one in collector.requests if one.url.path == "/r/inspect.js"]
    await page.goto(f"{url}?x=1&relay-debug")
    await expect(page.locator("section.panel")).to_be_visible()


async def test_a_tag_that_leaves_it_to_the_address_says_nothing_on_other_pages(
    page: Page, collector: Collector
) -> None:
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text))
    await page.goto(collector.page("/", HOME, tag='data-debug="query"'))
    await running(page)
    assert [line for line in lines if "[relay]" in line] == []


async def test_it_runs_under_a_strict_policy_with_a_nonce(page: Page, collector: Collector) -> None:
    policy = (
        "default-src 'none'; script-src 'nonce-n0nce'; connect-src 'self'; style-src 'none'; img-src 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Security Policy" in message.text else None)
    await page.goto(collector.page("/", HOME, tag=f'{OVERLAY} nonce="n0nce"', content_security_policy=policy))
    await expect(page.locator(".box.seen")).to_have_count(2)
    box = await page.locator("section.panel").bounding_box()
    assert box is not None
    assert (box["width"], box["x"] + box["width"]) == (380, 788)
    await page.get_by_role("button", name="Fold").click()
    assert refused == []


async def test_hostile_styles_and_ids_neither_hide_it_nor_run(page: Page, collector: Collector) -> None:
    hostile = "<style>div, body * { display: none !important; opacity: 0 !important; color: red !important }</style>"
    evil = "&lt;img src=x onerror=document.title='ran'&gt;\u202e"
    body = f"<div data-relay-list data-relay-source='{evil}'><b data-relay-item='{evil}'>x</b></div>"
    await page.goto(collector.page("/", body, head=hostile, tag=OVERLAY))
    await expect(page.locator("section.panel")).to_be_visible()
    await expect(page.locator("section.panel .lists li")).to_contain_text("<img src=x")
    assert await page.title() != "ran"
    assert await page.locator("section.panel img").count() == 0


async def test_the_page_stays_as_it_was_and_closing_leaves_nothing(page: Page, collector: Collector) -> None:
    await page.goto(collector.page("/", HOME, tag=OVERLAY))
    before = "document.body.outerHTML"
    await expect(page.locator("section.panel")).to_be_visible()
    assert "panel" not in await page.evaluate(before)
    await page.get_by_role("button", name="Outlines on the page").click()
    await expect(page.locator(".boxes")).to_be_hidden()
    await page.get_by_role("button", name="Close").click()
    assert await page.evaluate("document.documentElement.children.length") == 2


async def test_clicks_on_the_panel_are_no_clicks_on_items_and_links_below_boxes_work(
    page: Page, collector: Collector
) -> None:
    collector.page("/p/1", "there", tag=OVERLAY)
    await page.goto(collector.page("/", HOME, tag=OVERLAY))
    await expect(page.locator(".box.seen")).to_have_count(2)
    await page.get_by_role("button", name="Fold").click()
    await page.locator("[data-relay-item=p1]").click()
    await page.wait_for_url("**/p/1")
    await until(lambda: collector.of_type("Click"))
    assert [one["itemId"] for one in collector.of_type("Click")] == ["p1"]


async def test_without_consent_it_says_that_nothing_is_collected(page: Page, collector: Collector) -> None:
    await page.goto(collector.page("/", HOME, tag=f'{OVERLAY} data-consent="required"'))
    await expect(page.locator("section.panel dd").first).to_contain_text("nothing is collected")
    await page.evaluate("relay('consent', true)")
    session = await page.evaluate("new Promise(done => relay('session', done))")
    await expect(page.locator("section.panel dd").first).to_have_text(session)
    await page.evaluate("relay('consent', false)")
    await expect(page.locator("section.panel dd").first).to_contain_text("nothing is collected")


async def test_on_a_phone_it_is_a_sheet_at_the_bottom_and_covers_less_than_half(
    page: Page, collector: Collector
) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(collector.page("/", HOME, tag=OVERLAY, head="<meta name=viewport content='width=device-width'>"))
    box = await page.locator("section.panel").bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 320, 640)
    assert box["height"] <= 0.46 * 640
    assert await page.evaluate("document.documentElement.scrollWidth") == 320


async def test_of_ten_thousand_items_only_those_in_the_window_have_boxes(page: Page, collector: Collector) -> None:
    many = "".join(f"<p data-relay-item=p{number}>{number}</p>" for number in range(10_000))
    await page.goto(collector.page("/", f"<div data-relay-list>{many}</div>", tag=OVERLAY))
    await page.wait_for_function(
        "[...document.documentElement.children].at(-1).shadowRoot?.querySelector('.box.seen')", timeout=30_000
    )
    assert await page.locator(".box").count() < 100
