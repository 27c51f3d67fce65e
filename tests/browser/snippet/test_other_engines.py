"""The same promises in Firefox and in Safari's engine: close, navigate, storage, session, login."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from anyio import to_thread

from tests.browser.snippet.shop import HOME, NEVER, product
from tests.support.browser import until
from tests.support.collector import Collector, fail
from tests.support.engines import driven, missing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

TAG = NEVER + " data-debug"
SESSION = "const done = arguments[0]; relay('session', done)"
ALICE = "alice." + "a" * 30


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
        self._driver.switch_to.window(self._driver.window_handles[0])

    async def click(self, css: str) -> None:
        await to_thread.run_sync(lambda: self._driver.find_element("css selector", css).click())

    async def session(self) -> str:
        await until(lambda: self.run("return !!window.relay && !Array.isArray(relay.q)"))
        found: str = await to_thread.run_sync(self._driver.execute_async_script, SESSION)
        return found

    async def run(self, script: str) -> Any:
        return await to_thread.run_sync(self._driver.execute_script, script)


@pytest.fixture(scope="session", params=["firefox", "webkit"])
async def engine(request: pytest.FixtureRequest) -> AsyncGenerator[Any]:
    if reason := missing(request.param):
        pytest.skip(reason)
    manager = driven(request.param)
    driver = await to_thread.run_sync(manager.__enter__)
    yield driver
    await to_thread.run_sync(manager.__exit__, None, None, None)


@pytest.fixture
def visitor(engine: Any) -> Visitor:
    return Visitor(engine)


@pytest.mark.parametrize("time", range(5))
async def test_a_tab_that_closes_sends_what_waits(collector: Collector, visitor: Visitor, time: int) -> None:
    await visitor.open_in_new_tab(collector.page("/", product(f"p{time}"), tag=TAG))
    await visitor.session()
    await visitor.click("button")
    await visitor.close_tab()
    expected = [("AddToCart", f"p{time}"), ("View", f"p{time}")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["on the site", "to another site"])
async def test_a_click_that_navigates_arrives(collector: Collector, visitor: Visitor, host: str) -> None:
    collector.raw("/plain", "<!doctype html>plain")
    url = collector.origin.replace("127.0.0.1", host) + "/plain"
    await visitor.open(collector.page("/", f'<a data-relay-item="p1" href="{url}">one</a>' + HOME, tag=TAG))
    await visitor.session()
    await visitor.click("a")
    await until(lambda: collector.summary() == [("Click", "p1")], otherwise=collector.summary)


async def test_what_was_seen_goes_with_the_click(collector: Collector, visitor: Visitor) -> None:
    count = "<script>window.seen = 0; console.log = (...line) => { window.seen += line[1] === 'seen' }</script>"
    stay = "<script>addEventListener('click', event => event.preventDefault())</script>"
    await visitor.open(collector.page("/", HOME, tag='data-debug data-flush-ms="50"', head=count + stay))
    await until(lambda: visitor.run("return window.seen >= 2"))
    await visitor.click("a")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert (click["itemId"], click["impression"]) == ("p1", ["p1", "p2"])


async def test_tabs_and_reloads_share_a_session_until_logout(collector: Collector, visitor: Visitor) -> None:
    url = collector.page("/", product("p1"), tag=TAG)
    await visitor.open(url)
    first = await visitor.session()
    await visitor.open_in_new_tab(url)
    assert await visitor.session() == first
    await visitor.run("relay('user', null)")
    fresh = await visitor.session()
    await visitor.close_tab()
    assert await visitor.session() == fresh != first


async def test_a_login_binds_at_once(collector: Collector, visitor: Visitor) -> None:
    await visitor.open(collector.page("/", product("p1"), tag=TAG))
    await visitor.session()
    await visitor.run(f"relay('user', '{ALICE}')")
    await until(lambda: collector.beacons)
    assert collector.beacons[0]["identity"] == ALICE
    await visitor.run("relay('user', null)")


async def test_a_sandboxed_frame_has_sessions_in_memory(collector: Collector, visitor: Visitor) -> None:
    collector.page("/frame", product("p1"), tag='data-debug data-flush-ms="20"')
    await visitor.open(collector.raw("/", '<!doctype html><iframe sandbox="allow-scripts" src="/frame"></iframe>'))
    await until(lambda: collector.of_type("View"))


async def test_an_outage_survives_a_reload(collector: Collector, visitor: Visitor) -> None:
    collector.answer = fail(500)
    await visitor.open(collector.page("/", product("p1"), tag='data-debug data-flush-ms="20"'))
    await until(lambda: collector.beacons)
    collector.answer = lambda _: None
    await visitor.open(collector.page("/other", "", tag='data-debug data-flush-ms="20"'))
    await until(lambda: collector.taken)
    assert collector.summary() == [("View", "p1")]
