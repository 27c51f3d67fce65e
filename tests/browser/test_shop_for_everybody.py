"""The demo's shop and its drawer for whoever looks: keyboard, screen reader, weak sight, little room, no scripts."""

import json
import os
import re
from collections.abc import AsyncGenerator
from typing import Any, Literal

import httpx2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from playwright.async_api import Browser, Page, expect

from relay.emulator import SECRET
from tests.support.axe import violations
from tests.support.browser import chromium
from tests.support.demo import RunningDemo, running_demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PICTURES = os.environ.get("PICTURES_INTO")
"""A folder for pictures of the page, to be looked at."""


@pytest.fixture(scope="module")
async def demo() -> AsyncGenerator[RunningDemo]:
    async with running_demo("--no-replay") as one:
        yield one


@pytest.fixture(scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def page(browser: Browser, demo: RunningDemo) -> AsyncGenerator[Page]:
    context = await browser.new_context(base_url=demo.shop)
    yield await context.new_page()
    await context.close()


async def put_events(demo: RunningDemo, body: Any) -> int:
    """One call, whatever is in it, signed."""
    request = AWSRequest("POST", f"{demo.emulator}/events", data=json.dumps(body).encode())
    SigV4Auth(Credentials("AKIDRAW", SECRET), "personalize", "eu-west-1").add_auth(request)
    async with httpx2.AsyncClient() as http:
        answer = await http.post(str(request.url), content=request.data, headers=dict(request.headers))
        return answer.status_code


async def open_drawer(page: Page) -> None:
    await page.get_by_role("button", name="Show calls").click()
    await page.get_by_label("only this browser").uncheck()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 640, 1280])  # 640: 1280 at 200 %
async def test_axe_finds_nothing(demo: RunningDemo, page: Page, scheme: Literal["light", "dark"], width: int) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": 400 if width == 640 else 844})
    assert (
        await put_events(demo, {"sessionId": "s" * 20, "eventList": [{"eventType": "View", "itemId": "monstera"}]})
        == 400
    )
    for path in ("/", "/p/monstera", "/login", "/cart"):
        await page.goto(path)
        assert await violations(page) == [], path
    await open_drawer(page)
    await expect(page.locator(".strip-call").first).to_be_visible()
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/shop-{width}-{scheme}.png")


async def test_a_call_that_makes_no_sense_hides_no_other_in_the_drawer(demo: RunningDemo, page: Page) -> None:
    await page.goto("/p/monstera")
    await open_drawer(page)
    for events in ([None], "none", [{"impression": "a|b", "itemId": {"x": 1}, "metricAttribution": None}, 5], None):
        assert await put_events(demo, {"sessionId": {"x": 1}, "eventList": events}) == 400
    assert await put_events(demo, [1, 2]) == 400
    await page.goto("/p/wool-throw")  # what this browser saw arrives, beside it all
    await expect(page.locator(".strip-event").filter(has_text="View").first).to_be_visible(timeout=20_000)
    await expect(page.locator(".strip-status.is-bad")).not_to_have_count(0)
    await expect(page.locator(".strip.is-away")).to_have_count(0)


async def test_the_drawer_says_in_words_that_nobody_answers(page: Page) -> None:
    await page.goto("/")
    await expect(page.locator(".strip-figures")).to_contain_text("calls")
    await page.route("**/_emulator/**", lambda _: None)  # frozen
    await expect(page.get_by_role("status").filter(has_text="no answer")).to_be_visible(timeout=15_000)


async def test_the_drawer_is_opened_read_and_closed_by_the_keyboard(demo: RunningDemo, page: Page) -> None:
    await put_events(demo, {"sessionId": "s" * 20, "eventList": [None]})
    await page.goto("/")
    button = page.get_by_role("button", name="Show calls")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Hide calls")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_label("only this browser")).not_to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("region", name="Calls, newest first")).to_be_focused()
    await expect(page.locator(".strip-call time").first).to_have_attribute("datetime", re.compile(r"Z$|[+-]\d\d:\d\d$"))
    await expect(page.locator(".strip-call time").first).to_contain_text("20")


async def test_without_scripts_the_shop_works_and_says_what_is_missing(browser: Browser, demo: RunningDemo) -> None:
    context = await browser.new_context(base_url=demo.shop, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/p/monstera")
    assert "Without scripts the shop works" in await page.locator("body").inner_text()
    await context.close()
