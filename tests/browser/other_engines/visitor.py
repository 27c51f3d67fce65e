"""A person at a browser that Selenium drives."""

from importlib import import_module
from typing import Any, Final

from anyio import to_thread

from tests.browser.snippet.shop import NEVER
from tests.support.browser import until

TAG: Final = NEVER + " data-debug"
"""These browsers say that they are driven: without `data-debug` nothing is sent."""
_SESSION: Final = "const done = arguments[0]; relay('session', done)"
_FLUSH: Final = "const done = arguments[0]; relay('flush', done)"


class Visitor:
    """A browser one can wait for without stopping the collector."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def open(self, url: str) -> None:
        await to_thread.run_sync(self._driver.get, url)

    async def open_in_new_tab(self, url: str) -> None:
        await to_thread.run_sync(self._driver.switch_to.new_window, "tab")
        await self.open(url)

    async def close_tab(self) -> None:
        await to_thread.run_sync(self._driver.close)
        await self.show_tab(0)

    async def show_tab(self, index: int) -> None:
        await to_thread.run_sync(self._driver.switch_to.window, self._driver.window_handles[index])

    async def go(self, direction: str) -> None:
        await to_thread.run_sync(getattr(self._driver, direction))

    async def click(self, css: str) -> None:
        await to_thread.run_sync(lambda: self._driver.find_element("css selector", css).click())

    async def session(self) -> str:
        await until(lambda: self.run("return !!window.relay && !Array.isArray(relay.q)"))
        found: str = await to_thread.run_sync(self._driver.execute_async_script, _SESSION)
        return found

    async def run(self, script: str) -> Any:
        return await to_thread.run_sync(self._driver.execute_script, script)

    async def flush(self) -> None:
        await to_thread.run_sync(self._driver.execute_async_script, _FLUSH)

    async def drag(self, css: str, by: int) -> None:
        """Press on an element, move the pointer to the side, let go."""

        def drag() -> None:
            actions = import_module("selenium.webdriver").ActionChains(self._driver)
            element = self._driver.find_element("css selector", css)
            actions.move_to_element_with_offset(element, -element.size["width"] // 2 + 20, 0).click_and_hold()
            for _ in range(4):
                actions.move_by_offset(by // 4, 0)
            actions.release().perform()

        await to_thread.run_sync(drag)
