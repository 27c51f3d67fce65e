"""Nothing the page, the site or the browser does to the snippet reaches the page; the context fixture sees to that."""

import base64
import hashlib

import pytest
from playwright.async_api import BrowserContext, Page

from relay.bundled import bundled
from tests.browser.snippet.shop import NEVER, product, running
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser

FLUSH = "new Promise(done => relay('flush', done))"

HOSTILE = {
    "storage that throws": "Object.defineProperty(window, 'localStorage', {get() { throw new Error('storage') }})",
    "no storage": "Object.defineProperty(window, 'localStorage', {value: null})",
    "full storage": "localStorage.filler = 'x'.repeat(5177571 - 100)",
    "storage methods that throw": "for (const name of ['getItem', 'setItem', 'removeItem', 'key']) "
    "Storage.prototype[name] = () => { throw new Error(name) }",
    "cookies that throw": "Object.defineProperty(document, 'cookie', {get() { throw new Error('cookie') }, "
    "set() { throw new Error('cookie') }})",
    "frozen prototypes": "[Object, Array, Function, String, Promise, Map, Set, RegExp, Number]"
    ".forEach(type => Object.freeze(type.prototype))",
    "no locks": "Object.defineProperty(Navigator.prototype, 'locks', {get: () => undefined})",
    "locks that refuse": "LockManager.prototype.request = () => Promise.reject(new Error('locks'))",
    "no sendBeacon": "Navigator.prototype.sendBeacon = undefined",
    "a sendBeacon that throws": "Navigator.prototype.sendBeacon = () => { throw new Error('beacon') }",
    "junk in storage": "for (const name of ['session', 'items', 'seq', 'lost', 'retry', 'user.x', 'event.x']) "
    "localStorage['_relay.' + name] = ['{', 'null', '7', '[[1]]'][name.length % 4]",
    "a console that throws": "console.log = () => { throw new Error('console') }",
    "a relay function of the page": "window.relay = function () { window.calls = (window.calls || 0) + 1 }",
    "a relay object of the page": "window.relay = {store: {}}",
    "a frozen relay object": "window.relay = Object.freeze({})",
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("tag", ["", " data-debug"], ids=["plain", "debug"])
async def test_events_still_arrive_with(
    collector: Collector, context: BrowserContext, page: Page, script: str, tag: str
) -> None:
    await context.add_init_script(script)
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="20"' + tag))
    await until(lambda: collector.of_type("View"))
    await page.click("button")
    await until(lambda: collector.of_type("AddToCart"))


async def test_a_relay_of_the_page_stays_what_it_was(collector: Collector, context: BrowserContext, page: Page) -> None:
    await context.add_init_script("window.relay = function () { return 'mine' }")
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="20"'))
    await until(lambda: collector.of_type("View"))
    assert await page.evaluate("relay()") == "mine"


@pytest.mark.parametrize(
    "fetch",
    [
        "() => { throw new Error('fetch') }",
        "() => Promise.reject(new Error('fetch'))",
        "() => undefined",
        "() => Promise.resolve({})",
        "() => new Promise(() => {})",
        "undefined",
    ],
)
async def test_where_the_site_broke_fetch_events_leave_at_hide(
    collector: Collector, context: BrowserContext, page: Page, fetch: str
) -> None:
    await context.add_init_script(f"window.fetch = {fetch}")
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="20"'))
    await running(page)
    await page.click("button")
    await page.evaluate("new Promise(done => setTimeout(done, 100))")
    assert collector.beacons == []
    await page.close()
    await until(lambda: collector.summary() == [("AddToCart", "p1"), ("View", "p1")], otherwise=collector.summary)


async def test_a_sandboxed_frame_has_sessions_in_memory(collector: Collector, page: Page) -> None:
    collector.page("/frame", product("p1"), tag='data-flush-ms="20"')
    await page.goto(collector.raw("/", '<!doctype html><iframe sandbox="allow-scripts" src="/frame"></iframe>'))
    await until(lambda: collector.of_type("View"))
    frame = page.frames[1]
    ids = await frame.evaluate("Promise.all([1, 2].map(() => new Promise(done => relay('session', done))))")
    assert ids[0] == ids[1] == collector.events[0]["sessionId"]


async def test_the_tag_twice_counts_once(collector: Collector, page: Page) -> None:
    again = '<script async src="/r/s.js" data-token="site"></script>'
    await page.goto(collector.page("/", product("p1") + again, tag=NEVER))
    await running(page)
    await page.wait_for_load_state("load")
    await page.click("button")
    await page.evaluate(FLUSH)
    assert collector.summary() == [("AddToCart", "p1"), ("View", "p1")]


@pytest.mark.parametrize(
    "call",
    [
        "relay()",
        "relay('nonsense', 1)",
        "relay('constructor')",
        "relay('event')",
        "relay('event', 'X', null)",
        "relay('event', 'X', 'y')",
        "const loop = {}; loop.loop = loop; relay('event', 'X', {properties: loop})",
        "relay('event', 'X', {properties: 10n})",
        "relay('user', 7)",
        "relay('session', 'not a function')",
        "relay('session', () => { throw new Error('mine') })",
        "relay('flush', 3)",
        "relay('on', '__proto__', () => {})",
        "relay('on', 'sent', 'not a function')",
        "relay.q.push(null)",
    ],
)
async def test_wrong_calls_do_nothing(collector: Collector, page: Page, call: str) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    await page.evaluate(f"(() => {{ {call} }})()")
    await page.click("button")
    await page.evaluate(FLUSH)
    assert ("AddToCart", "p1") in collector.summary()


async def test_it_runs_under_a_strict_policy_with_integrity(collector: Collector, page: Page) -> None:
    script = (bundled("snippet") / "s.js").read_bytes()
    integrity = "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()
    violations: list[str] = []
    page.on("console", lambda message: violations.append(message.text) if message.type == "error" else None)
    cdn = collector.origin.replace("127.0.0.1", "localhost")
    url = collector.raw(
        "/",
        f'<!doctype html><link rel="icon" href="data:,"><script async nonce="n0nce" src="{cdn}/r/s.js" '
        f'integrity="{integrity}" crossorigin="anonymous" data-token="site" data-flush-ms="20"></script>'
        + product("p1"),
        content_security_policy=f"default-src 'none'; img-src data:; script-src 'nonce-n0nce'; connect-src {cdn}; "
        "require-trusted-types-for 'script'; trusted-types 'none'",
    )
    await page.goto(url)
    await until(lambda: collector.of_type("View"), otherwise=lambda: violations)
    await page.click("button")
    await page.close()
    await until(lambda: collector.of_type("AddToCart"), otherwise=lambda: violations)
    assert violations == []
