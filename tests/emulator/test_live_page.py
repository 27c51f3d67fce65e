"""The live page in a real browser."""

import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.emulator.raw_client import RawClient, raw_client
from tests.support.browser import chromium
from tests.support.clock import FakeClock
from tests.support.emulator import running_emulator

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=\"document.title='hacked'\">"


@pytest.fixture
async def raw() -> AsyncGenerator[RawClient]:
    async with running_emulator() as running, raw_client(running) as client:
        yield client


@pytest.fixture
async def page(raw: RawClient) -> AsyncGenerator[Page]:
    problems: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(raw.running.url)
        yield page
    assert problems == []


async def test_calls_appear_as_they_come_with_who_and_what(raw: RawClient, page: Page) -> None:
    await expect(page.locator("#live")).to_have_text("live")
    await raw.put_event(itemId="tent", impression=["a", "b", "c"], call={"sessionId": "session-one"})
    await raw.put_event(itemId="stove", call={"sessionId": "session-one", "userId": "ada"})
    newest = page.locator(".call").first
    await expect(newest).to_contain_text("stove")
    await expect(newest).to_contain_text("ada")
    await expect(newest).to_contain_text("session linked to user")
    await expect(page.locator(".call").nth(1)).to_contain_text("3 seen")
    await expect(page.locator("#events")).to_have_text("2")
    await newest.click()
    await expect(newest.locator("pre")).to_contain_text('"itemId": "stove"')


async def test_hostile_text_stays_text(raw: RawClient, page: Page) -> None:
    await raw.put_event(itemId=HOSTILE, eventType=HOSTILE, call={"sessionId": HOSTILE, "userId": HOSTILE})
    await expect(page.locator(".call")).to_contain_text("<img src=x")
    assert await page.locator(".call img").count() == 0
    assert await page.title() == "Personalize emulator"


async def test_switches_set_faults_and_all_is_well_again(raw: RawClient, page: Page) -> None:
    await page.locator("#fault-throttling").fill("100")
    await page.locator("#refuse").fill("bad, worse")
    await page.locator("#refuse").press("Enter")
    await expect(page.locator(".fault").first).to_have_class("fault on")
    async with page.expect_response("**/_emulator/faults"):
        await page.locator("#taken").check()
    assert raw.running.emulator.faults.spec.refuse_items == ["bad", "worse"]
    assert (await raw.put_event()).code == "ThrottlingException"
    assert len(raw.running.events()) == 1
    async with page.expect_response("**/_emulator/faults"):
        await page.locator("#calm").click()
    assert (await raw.put_event()).status == 200


async def test_forgetting_empties_the_page(raw: RawClient, page: Page) -> None:
    await raw.put_event()
    await expect(page.locator(".call")).to_have_count(1)
    await page.locator("#forget").click()
    await expect(page.locator(".call")).to_have_count(0)
    await expect(page.locator("#events")).to_have_text("0")
    await expect(page.locator("#empty")).to_be_visible()


async def test_a_call_that_makes_no_sense_hides_no_other(raw: RawClient, page: Page) -> None:
    await raw.put_event(itemId="good-one")
    for body in (
        {"eventList": [None]},
        {"eventList": [{"impression": "a|b", "itemId": {"x": 1}, "metricAttribution": None}, 5]},
        {"eventList": "none"},
        {"sessionId": {"x": 1}, "userId": [1]},
        [1, 2],
        "text",
    ):
        assert (await raw.call("/events", body)).status == 400
    await raw.put_event(itemId="another-good-one")
    await expect(page.locator(".call").first).to_contain_text("another-good-one")
    await expect(page.locator(".call")).to_have_count(8)
    await expect(page.locator(".call").last).to_contain_text("good-one")
    await expect(page.locator("#live")).to_have_text("live")


async def test_calls_are_chosen_by_session_user_and_item(raw: RawClient, page: Page) -> None:
    await raw.put_event(itemId="tent", call={"sessionId": "one", "userId": "ada"})
    await raw.put_event(itemId="stove", call={"sessionId": "two", "userId": "bob"})
    await raw.put_event(itemId=None, properties='{"itemId": "lamp"}', call={"sessionId": "two"})
    await expect(page.locator(".call")).to_have_count(3)
    for field, value, shown in (("session", "one", "tent"), ("user", "bob", "stove"), ("item", "lamp", "lamp")):
        box = page.get_by_role("textbox", name=field.capitalize(), exact=True)
        await box.fill(value)
        await box.press("Enter")
        await expect(page.locator(".call")).to_have_count(1)
        await expect(page.locator(".call")).to_contain_text(shown)
        await box.fill("")
        await box.press("Enter")
        await expect(page.locator(".call")).to_have_count(3)


async def test_the_source_of_a_recommendation_is_shown(raw: RawClient, page: Page) -> None:
    await raw.put_event(metricAttribution={"eventAttributionSource": "home-top"})
    await expect(page.locator(".chip.source")).to_have_text("fromhome-top")


async def test_resources_and_data_are_shown_with_their_states(raw: RawClient, page: Page) -> None:
    row = page.locator("#resources tr", has=page.get_by_role("rowheader", name="demo", exact=True)).first
    await expect(row).to_contain_text("ACTIVE")
    assert (await raw.call("/", {"name": "late-create-failed"}, target="CreateDatasetGroup")).status == 200
    row = page.locator("#resources tr", has=page.get_by_role("rowheader", name="late-create-failed"))
    await expect(row).to_contain_text("CREATE FAILED", timeout=15_000)
    items = [{"itemId": "p1"}, {"itemId": "p2"}]
    await raw.call("/items", {"datasetArn": raw.arn("dataset/demo/ITEMS"), "items": items})
    await expect(page.locator("#data tr", has_text="Items")).to_contain_text("2")


async def test_the_graph_is_the_last_minute_also_of_before_the_page_was_opened() -> None:
    clock = FakeClock(now_ms=time.time_ns() // 1_000_000)
    async with running_emulator(clock=clock, state_seconds=0) as running, raw_client(running) as raw:
        for seconds, calls in ((30, 2), (20, 3), (1, 0)):
            for _ in range(calls):
                await raw.put_event()
            clock.advance(seconds)
        minute = (await raw.get("/_emulator/stats")).json()["last_minute"]
        assert {place: count for place, count in enumerate(minute) if count} == {60 - 51: 2, 60 - 21: 3}
        async with chromium() as browser:
            page = await browser.new_page()
            await page.goto(running.url)
            await expect(page.locator("#rate")).to_have_text("0 now, 3 at most, 5 in all")
            points = await page.locator("#spark-line").get_attribute("points")
            assert points is not None
            heights = [float(point.split(",")[1]) for point in points.split(" ")]
            assert [place for place, height in enumerate(heights) if height < 42] == [9, 39]
            assert heights[39] == min(heights)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_control_has_a_name_and_every_text_a_contrast(raw: RawClient, page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    await raw.put_event(metricAttribution={"eventAttributionSource": "home-top"})
    await raw.put_event(itemId="")
    await expect(page.locator(".call")).to_have_count(2)
    for slider in ("Throttled", "Server error", "Connection reset", "Hang", "HTML with 200", "Redirect", "Slow body"):
        await expect(page.get_by_role("slider", name=slider)).to_have_count(1)
    nameless = await page.evaluate(_NAMELESS)
    assert nameless == []
    assert await page.evaluate(_FAINT) == []
    assert await page.locator("table:not(:has(thead th[scope=col]))").count() == 0


async def test_on_a_narrow_screen_nothing_runs_over_the_edge(raw: RawClient, page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await raw.put_event(itemId="i" * 200, call={"sessionId": "s" * 200, "userId": "u" * 200})
    await expect(page.locator(".call")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_everything_is_reached_by_the_keyboard(raw: RawClient, page: Page) -> None:
    await raw.put_event(itemId="tent")
    await expect(page.locator(".call")).to_have_count(1)
    reached: set[str] = set()
    for _ in range(40):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"operation", "session", "user", "item", "pause", "forget", "SUMMARY", "taken", "refuse", "calm"} <= reached
    await page.locator(".call summary").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".call pre")).to_be_visible()


_NAMELESS = """() => [...document.querySelectorAll('button, input, select, a, summary, [tabindex]')]
  .filter(one => !(one.getAttribute('aria-label') || one.labels?.[0]?.textContent.trim() || one.textContent.trim()))
  .map(one => one.outerHTML)"""

_FAINT = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number)
  const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  const light = ([r, g, b]) => [r, g, b].map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const ground = one => {
    for (let at = one; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor)
      if (colour.length === 3 || colour[3] === 1) return colour
    }
    return [255, 255, 255]
  }
  const speaks = one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
  return [...document.querySelectorAll('body *')]
    .filter(one => speaks(one) && one.checkVisibility())
    .map(one => {
      const [a, b] = [light(parse(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x)
      return [(a + 0.05) / (b + 0.05), one.className || one.tagName, one.textContent.slice(0, 20)]
    })
    .filter(([ratio]) => ratio < 4.5)
}"""
