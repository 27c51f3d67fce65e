"""Nothing the page, the site or the browser does to the snippet reaches the page; the context fixture sees to that."""

import base64
import hashlib

import pytest
from playwright.async_api import BrowserContext, Page

from relay.core.bundled import bundled
from tests.browser.snippet.shop import HOME, NEVER, product, running
from tests.support.browser import until
from tests.support.collector import Collector, fail

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
    "junk in storage": "for (const name of ['session', 'items', 'seq', 'lost', 'retry', 'users', 'events', 'done']) "
    "localStorage['_relay.' + name] = ['{', 'null', '7', '[[1]]'][name.length % 4]",
    "no IntersectionObserver": "delete window.IntersectionObserver",
    "an IntersectionObserver that throws": "window.IntersectionObserver = function () { throw new Error('io') }",
    "no MutationObserver": "delete window.MutationObserver",
    "a MutationObserver that throws": "window.MutationObserver = function () { throw new Error('mo') }",
    "promises without methods": "for (const name of ['then', 'catch', 'finally']) "
    "Promise.prototype[name] = () => { throw new Error(name) }",
    "answers without methods": "for (const name of ['json', 'text']) "
    "Response.prototype[name] = () => Promise.reject(new Error(name))",
    "locks that throw": "Object.defineProperty(Navigator.prototype, 'locks', {get() { throw new Error('locks') }})",
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


def thrower(*names: str) -> str:
    """A script that replaces these by functions that throw."""
    return "".join(f"{name} = () => {{ throw new Error('{name}') }};" for name in names)


def throwing_getter(holder: str, name: str) -> str:
    """A script that makes a property throw when it is read."""
    return f"Object.defineProperty({holder}, '{name}', {{get() {{ throw new Error('{name}') }}}})"


BROKEN_LATER = {
    "Date.now": thrower("Date.now"),
    "setTimeout": thrower("window.setTimeout"),
    "clearTimeout": thrower("window.clearTimeout"),
    "JSON": thrower("JSON.stringify", "JSON.parse"),
    "arrays": thrower(*(f"Array.prototype.{name}" for name in ("map", "filter", "forEach", "slice", "sort", "push"))),
    "array iteration": thrower("Array.prototype[Symbol.iterator]"),
    "sets and maps": thrower(*(f"{kind}.prototype.{name}" for kind in ("Set", "Map") for name in ("has", "forEach"))),
    "set and map iteration": thrower("Set.prototype[Symbol.iterator]", "Map.prototype[Symbol.iterator]"),
    "Object.keys": thrower("Object.keys"),
    "promises": thrower(*(f"Promise.prototype.{name}" for name in ("then", "catch", "finally"))),
    "no TextEncoder": "delete window.TextEncoder",
    "the online state": throwing_getter("Navigator.prototype", "onLine"),
    "locks": throwing_getter("Navigator.prototype", "locks"),
    "fetch": throwing_getter("window", "fetch"),
    "randomness": thrower("Crypto.prototype.getRandomValues"),
    "the hidden state": throwing_getter("document", "hidden"),
    "selectors": thrower("Document.prototype.querySelectorAll", "Element.prototype.querySelectorAll"),
    "observation": thrower("IntersectionObserver.prototype.observe", "IntersectionObserver.prototype.unobserve"),
    "window sizes": throwing_getter("window", "innerWidth"),
    "elements": thrower(*(f"Element.prototype.{name}" for name in ("getAttribute", "closest")))
    + thrower("Node.prototype.compareDocumentPosition")
    + throwing_getter("Node.prototype", "isConnected"),
    "event paths": thrower("Event.prototype.composedPath"),
}
"""What a page, or another script of it, may do to the browser once the snippet runs."""

TOUR = """<script>
    const later = setTimeout;
    const around = (path) => {
        const [list] = document.getElementsByTagName('section');
        const item = list.firstElementChild;
        const fire = (target, type, init) =>
            target.dispatchEvent(Object.assign(new Event(type, {bubbles: true}), init));
        item.click();
        list.setAttribute('data-relay-recommendation-id', 'RID-2');
        list.append(item.cloneNode(true), document.createElement('i'));
        fire(document, 'prerenderingchange');
        fire(window, 'online');
        fire(window, 'pageshow', {persisted: true});
        later(() => {
            item.nextElementSibling.click();
            fire(window, 'pagehide');
            fire(document, 'visibilitychange');
            try { relay('user', null); } catch (error) { Promise.reject(error); }
            try { relay('flush', () => {}); } catch (error) { Promise.reject(error); }
        }, 300);
        later(() => { document.body.append(Object.assign(document.createElement('i'), {id: 'over'})) }, 1300);
    };
    addEventListener('click', event => event.preventDefault());
</script>"""
"""Makes all happen to a page that the snippet listens to."""


@pytest.mark.parametrize("script", BROKEN_LATER.values(), ids=BROKEN_LATER.keys())
async def test_no_error_reaches_a_page_that_later_breaks(collector: Collector, page: Page, script: str) -> None:
    tag = 'data-flush-ms="50" data-flush-size="3" data-impressions'
    await page.goto(collector.page("/", HOME + product("p3"), tag=tag, head=TOUR))
    await running(page)
    await until(lambda: collector.of_type("View"))
    await page.evaluate(f"{{ {script}; around() }}")
    await page.wait_for_selector("#over", state="attached")


async def test_where_timers_fire_at_once_events_arrive_by_hide(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    collector.answer = fail(500)
    await context.add_init_script(
        "window.setTimeout = work => { work() };"
        "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})"  # nothing that would slow it down
    )
    await page.goto(collector.page("/", product("p1"), tag='data-flush-ms="20"'))
    await page.click("button")
    await until(lambda: collector.of_type("AddToCart"))
    # It is not tried without end: the page goes on.
    assert await page.evaluate("new Promise(done => requestAnimationFrame(() => done(1)))") == 1
    await page.close()
    await until(lambda: collector.summary() == [("AddToCart", "p1"), ("View", "p1")], otherwise=collector.summary)
    assert len(collector.beacons) < 10


BAD = """<script>
    for (const element of document.querySelectorAll('.bad, body')) {
        for (const name of ['getAttribute', 'closest', 'matches', 'querySelectorAll', 'compareDocumentPosition'])
            element[name] = () => { throw new Error(name) };
        Object.defineProperty(element, 'isConnected', {get() { throw new Error('isConnected') }});
    }
</script>"""
"""The body, and what is marked, cannot be asked anything."""


async def test_a_bad_element_does_not_keep_its_neighbours_from_being_seen(collector: Collector, page: Page) -> None:
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    body = (
        '<main data-relay-view="v1" class="bad"></main><main data-relay-view="v2"></main>'
        '<section data-relay-list class="bad"><p data-relay-item="a1">a1</p></section>'
        '<section data-relay-list data-relay-recommendation-id="R"><p data-relay-item="b1">b1</p>'
        '<p data-relay-item="b2" class="bad">b2</p><p data-relay-item="b3">b3</p></section>'
        '<section data-relay-list data-relay-recommendation-id="S"><p data-relay-item="c1">c1</p></section>'
    )
    tag = 'data-flush-ms="20" data-debug data-impressions'
    await page.goto(collector.page("/", body + BAD, tag=tag))
    await until(lambda: collector.summary() == [("View", "v2")], otherwise=collector.summary)
    # What does not let itself be asked is passed over: b2.
    await until(lambda: sum("[relay] seen" in line for line in seen) == 4)
    # A change of a bad element comes with one of a good one, which begins anew.
    await page.evaluate(
        "for (const element of document.querySelectorAll('.bad, [data-relay-item=c1]'))"
        " element.dataset.relayItem += '9'"
    )
    await until(lambda: any("[relay] seen" in line and "c19" in line for line in seen), otherwise=lambda: seen)
    await page.click("text=b3")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert (click["recommendationId"], click["impression"]) == ("R", ["b1", "b3"])
    await page.close()
    impressions = await until(lambda: collector.of_type("Impression"))
    assert ("S", ["c1", "c19"]) in [(event.get("recommendationId"), event["impression"]) for event in impressions]


async def test_items_that_have_no_order_are_told_all_the_same(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await context.add_init_script(thrower("Node.prototype.compareDocumentPosition"))
    items = "".join(f'<p data-relay-item="p{i}">p{i}</p>' for i in range(3))
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    url = collector.page("/", f"<section data-relay-list>{items}</section>", tag='data-flush-ms="20" data-debug')
    await page.goto(url)
    await until(lambda: sum("[relay] seen" in line for line in seen) == 3)
    await page.click("text=p1")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert sorted(click["impression"]) == ["p0", "p1", "p2"]


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
