"""Opens the page of the first tutorial, waits until the list was seen, and clicks the bowl: `python reader.py`."""

import asyncio

from tests.support.browser import chromium

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
"""The relay leaves out a browser that says it has no head."""

ONLINE = "Object.defineProperty(Navigator.prototype, 'onLine', {get: () => true})"
"""A machine that has no network but itself calls itself offline."""


async def main() -> None:
    """One visit."""
    async with chromium() as browser:
        page = await (await browser.new_context(user_agent=USER_AGENT)).new_page()
        await page.add_init_script(ONLINE)
        await page.goto("http://localhost:8000/")
        await page.wait_for_function("window.relay && new Promise(done => relay('session', done))")
        await page.wait_for_timeout(1500)  # a person looks at the list for as long before it counts as seen
        await page.get_by_text("A bowl").click()
        result = await page.evaluate("new Promise(done => relay('flush', done))")
        assert result["pending"] == 0, result


asyncio.run(main())
