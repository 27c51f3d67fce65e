"""The live page in a real browser."""

from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Page, expect

from tests.emulator.raw_client import RawClient, raw_client
from tests.support.browser import chromium
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
