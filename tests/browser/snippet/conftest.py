"""A browser for all tests of this folder, a fresh profile for each."""

from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.support.browser import ITEMS_BY_ID, chromium


@pytest.fixture(scope="session")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def context(browser: Browser) -> AsyncGenerator[BrowserContext]:
    """A profile of its own. The test fails when the snippet let an error reach a page."""
    profile = await browser.new_context(viewport={"width": 800, "height": 600})
    await profile.add_init_script(ITEMS_BY_ID)
    errors: list[str] = []
    profile.on("weberror", lambda error: errors.append(str(error.error)))
    yield profile
    await profile.close()
    assert errors == []


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    return await context.new_page()
