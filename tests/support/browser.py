"""Real Chromium, driven by Playwright.

The snippet sends nothing for browsers that say they are driven (`navigator.webdriver`), unless the tag has
`data-debug`. So that tests see what visitors get, Chromium is started with `AutomationControlled` off, which makes
`navigator.webdriver` false.
"""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, async_playwright

ARGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-blink-features=AutomationControlled",
    # Any host of these two is this machine: pages on plain http that are no localhost, subdomains, other sites.
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP *.test 127.0.0.1",
)

ITEMS_BY_ID = """
    const log = console.log;
    console.log = (...args) => log(...args.map(arg => arg instanceof Element ? arg.dataset.relayItem : arg));
"""
"""Script for every page: the console names an item where it would show its element, which has no text here."""


def chromium_path() -> str:
    """Chromium as the system has it.

    Raises:
        RuntimeError: There is none; scripts/install-test-tools installs it.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise RuntimeError("no Chromium: run scripts/install-test-tools")


@asynccontextmanager
async def chromium(*, args: tuple[str, ...] = (), **options: Any) -> AsyncGenerator[Browser]:
    """A browser of its own, with the back/forward cache that Playwright would switch off.

    Args:
        args: More command line arguments.
        options: More of Playwright's `launch`.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(),
            args=[*ARGS, *args],
            ignore_default_args=["--disable-back-forward-cache"],
            **options,
        )
        try:
            yield browser
        finally:
            await browser.close()


async def until(
    condition: Callable[[], Any], *, within_s: float = 15.0, otherwise: Callable[[], object] = lambda: ""
) -> Any:
    """Wait until `condition` gives something true, and give it.

    Args:
        condition: Asked every 20 ms; may be a coroutine function.
        within_s: How long it may take.
        otherwise: What the failure should show.

    Raises:
        AssertionError: It did not come true in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        assert loop.time() < deadline, f"not within {within_s} s: {otherwise()}"
        await asyncio.sleep(0.02)
