"""The live page for whoever looks at it: with a keyboard, a screen reader, weak sight, little room, and bad luck."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from typing import Literal

import msgspec
import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.emulator.raw_client import RawClient, raw_client
from tests.support.axe import violations
from tests.support.browser import chromium
from tests.support.emulator import running_emulator

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("PICTURES_INTO")
"""A folder for pictures of the page, to be looked at."""


@pytest.fixture
async def raw() -> AsyncGenerator[RawClient]:
    async with running_emulator() as running, raw_client(running) as client:
        yield client


@pytest.fixture
async def context() -> AsyncGenerator[BrowserContext]:
    async with chromium() as browser:
        yield await browser.new_context()


@pytest.fixture
async def page(raw: RawClient, context: BrowserContext) -> Page:
    page = await context.new_page()
    await page.goto(raw.running.url)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 640, 1280])  # 640: 1280 at 200 %
async def test_axe_finds_nothing(raw: RawClient, page: Page, scheme: Literal["light", "dark"], width: int) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 400 if width == 640 else 844})
    await raw.put_event(metricAttribution={"eventAttributionSource": "home-top"}, impression=["a", "b"])
    assert (await raw.call("/events", {"eventList": [None]})).status == 400
    await page.locator("#fault-throttling").fill("20")
    await expect(page.locator(".call")).to_have_count(2)
    await page.locator(".call summary").first.click()
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/emulator-{width}-{scheme}.png", full_page=True)


async def test_it_says_how_old_it_is_and_soon_that_nobody_answers(raw: RawClient, page: Page) -> None:
    await expect(page.locator("#live")).to_have_text("live")
    await expect(page.locator("#as-of")).to_contain_text("as of ")
    await page.route("**/_emulator/**", lambda _: None)  # a frozen emulator: it takes the request, and says nothing
    await expect(page.locator("#live")).to_have_text("no answer", timeout=15_000)
    await expect(page.locator("#as-of")).to_contain_text(" s old, of ")
    await page.unroute_all(behavior="ignoreErrors")
    await expect(page.locator("#live")).to_have_text("live", timeout=15_000)


async def test_what_is_read_out_changes_only_with_the_state(raw: RawClient, page: Page) -> None:
    await expect(page.locator("#live")).to_have_text("live")
    await page.evaluate(
        """() => { window.said = 0;
        for (const one of document.querySelectorAll('[role=status], [role=alert], [aria-live]')) {
            new MutationObserver(records => { window.said += records.length })
                .observe(one, { childList: true, characterData: true, subtree: true })
        } }"""
    )
    for number in range(5):
        await raw.put_event(itemId=f"p{number}")
        await expect(page.locator("#events")).to_have_text(str(number + 1))
    assert await page.evaluate("window.said") == 0


async def test_ids_that_turn_the_direction_or_hide_are_written_out(raw: RawClient, page: Page) -> None:
    await raw.put_event(itemId="a\u202eb\u200bc", call={"sessionId": "s\u2066x", "userId": "\u05d0\u05d1"})
    chip = page.locator(".call .chip bdi").first
    await expect(chip).to_have_text("a\\u202eb\\u200bc")
    await expect(page.locator(".call .session")).to_have_text("s\\u2066x")
    await expect(page.locator(".call bdi.user")).to_have_text("\u05d0\u05d1")
    assert await page.evaluate("/[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.textContent)") is False


async def test_times_have_their_date_and_zone(raw: RawClient, context: BrowserContext) -> None:
    await raw.put_event()
    page = await context.new_page()
    await page.goto(raw.running.url)
    time = page.locator(".call time")
    assert str(await time.get_attribute("datetime")).endswith("Z")
    zone = await page.evaluate(
        "new Intl.DateTimeFormat([], { timeZoneName: 'short' }).formatToParts()"
        ".find(one => one.type === 'timeZoneName').value"
    )
    await expect(page.locator("#as-of")).to_contain_text(zone)
    await expect(time.locator("small")).not_to_be_empty()


async def test_without_scripts_it_says_where_the_data_are(raw: RawClient) -> None:
    async with chromium() as browser:
        page = await browser.new_page(java_script_enabled=False)
        await page.goto(raw.running.url)
        assert "This page shows what came by a script" in await page.locator("body").inner_text()


async def test_calls_that_come_move_nothing_on_their_own(raw: RawClient, page: Page) -> None:
    for _ in range(20):
        await raw.put_event()
    await expect(page.locator(".call")).to_have_count(20)
    assert await page.evaluate("document.getAnimations().length") == 0


async def test_of_many_calls_the_last_two_hundred_are_rows_and_those_out_of_sight_are_not_laid_out(
    raw: RawClient, page: Page
) -> None:
    await asyncio.gather(*(raw.put_event(itemId=f"p{number}") for number in range(300)))
    await expect(page.locator("#events")).to_have_text("300", timeout=30_000)
    await expect(page.locator(".call")).to_have_count(200)
    assert await page.locator(".call").last.evaluate("one => getComputedStyle(one).contentVisibility") == "auto"


async def test_ten_thousand_calls_are_no_more_work_than_two_hundred_rows_a_look(raw: RawClient, page: Page) -> None:
    await raw.put_event()
    await expect(page.locator(".call")).to_have_count(1)
    looks: list[str] = []
    page.on("request", lambda one: looks.append(one.url) if "/_emulator/calls" in one.url else None)
    await page.evaluate(
        """() => { window.rows = 0; window.changes = 0
        new MutationObserver(records => {
            for (const one of records) window.rows += one.addedNodes.length
        }).observe(document.querySelector('.list'), { childList: true })
        new MutationObserver(records => { window.changes += records.length })
            .observe(document.querySelector('.list'), { childList: true, subtree: true, attributes: true }) }"""
    )
    emulator = raw.running.emulator
    (first,) = emulator.calls.after(0)
    for lot in range(10):
        for _ in range(1000):
            number = emulator.calls.last_n + 1
            emulator.keep_call(msgspec.structs.replace(first, n=number, request_id=f"r-{number}"))
        await expect(page.locator("#put-events")).to_have_text(re.compile(rf"^{lot + 1}\D?001$"))
    await expect(page.locator(".call")).to_have_count(200)
    assert len(looks) >= 10
    assert await page.evaluate("window.rows") <= 200 * len(looks)
    assert await page.evaluate("document.querySelectorAll('*').length") < 12_000
    quiet = await page.evaluate("window.changes")
    seen = len(looks)
    while len(looks) < seen + 3:
        await page.wait_for_event("request")
    assert await page.evaluate("window.changes") == quiet, "what does not change is not drawn again"
