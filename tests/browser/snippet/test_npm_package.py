"""The npm package: its examples for React, Vue and the edge, built against dist/ and run."""

import json
import subprocess
from pathlib import Path

import anyio
import pytest
from playwright.async_api import Page
from starlette.responses import Response

from relay.core.bundled import bundled
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser

SNIPPET = bundled("snippet").parent


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples as single files."""
    folder = tmp_path_factory.mktemp("examples")
    subprocess.run(["node", "build.mjs", "--examples", str(folder)], cwd=SNIPPET, check=True)
    return folder


async def open_example(collector: Collector, page: Page, file: Path) -> None:
    script = await anyio.Path(file).read_bytes()
    collector.pages["/example.mjs"] = Response(script, media_type="text/javascript")
    await page.goto(collector.raw("/", '<!doctype html><body><script type="module" src="/example.mjs"></script>'))
    await page.wait_for_selector("text=p2")


@pytest.mark.parametrize("framework", ["react", "vue"])
async def test_a_list_tells_what_was_seen_and_chosen(
    collector: Collector, page: Page, examples: Path, framework: str
) -> None:
    await open_example(collector, page, examples / f"{framework}.mjs")
    await page.evaluate("new Promise(done => setTimeout(done, 1300))")  # a look at the list
    await page.click("text=p2")
    await until(lambda: collector.of_type("Click"))
    await page.click("text=more")
    await page.click("text=p3")
    first, second = await until(lambda: len(collector.events) == 2 and collector.events)
    assert (first["itemId"], first["recommendationId"], first["impression"]) == ("p2", "RID-1", ["p1", "p2"])
    assert first["metricAttribution"] == {"eventAttributionSource": "home-top"}
    assert (second["itemId"], second["recommendationId"]) == ("p3", "RID-2")
    assert "p3" in second["impression"]
    assert not {"p1", "p2"} & set(second["impression"])


@pytest.mark.parametrize("framework", ["react", "vue"])
async def test_no_error_of_a_list_reaches_a_page_that_later_breaks(
    collector: Collector, page: Page, examples: Path, framework: str
) -> None:
    await open_example(collector, page, examples / f"{framework}.mjs")
    broken = [f"Element.prototype.{name}" for name in ("closest", "querySelectorAll")]
    if framework == "vue":  # React itself cannot do without
        broken.append("JSON.stringify")
    script = "".join(f"{name} = () => {{ throw new Error('{name}') }};" for name in broken)
    await page.evaluate(script + "void 0")
    await page.click("text=p2")
    await page.click("text=more")
    await page.wait_for_selector("text=p3")
    await page.click("text=p3")


@pytest.mark.parametrize(
    "script",
    [
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get() { throw new Error('gpc') }})",
        "Object.defineProperty(window, 'navigator', {get() { throw new Error('navigator') }})",
        "Date.now = () => { throw new Error('now') }",
        "delete window.IntersectionObserver",
        "window.MutationObserver = function () { throw new Error('mo') }",
        "window.addEventListener = () => { throw new Error('listen') }",
        "window.setTimeout = () => { throw new Error('timers') }",
        "Element.prototype.querySelectorAll = () => { throw new Error('selectors') }",
    ],
)
async def test_no_method_throws_whatever_the_page_has_done_to_the_browser(
    collector: Collector, page: Page, script: str
) -> None:
    file = await anyio.Path(SNIPPET / "dist/index.js").read_bytes()
    collector.pages["/index.js"] = Response(file, media_type="text/javascript")
    module = f"""
        {script};
        const {{createTracker, watchPage}} = await import('/index.js');
        const tracker = createTracker({{token: 'site', endpoint: '/r/e', flushMs: 10}});
        watchPage(tracker);
        const list = tracker.list({{items: ['p1'], recommendationId: 'R'}});
        list.observe(document.body);
        list.click('p1');
        list.stop();
        tracker.event('X');
        tracker.user('a'.repeat(30));
        tracker.session(() => {{}});
        tracker.on('sent', () => {{}})();
        tracker.user(null);
        tracker.flush(() => {{}});
        tracker.consent(false);
        document.body.id = 'over';
    """
    await page.goto(collector.raw("/", f'<!doctype html><body><p>p1</p><script type="module">{module}</script>'))
    await page.wait_for_selector("#over")


async def test_a_server_tells_of_a_purchase_under_the_visitors_session(collector: Collector, examples: Path) -> None:
    purchase = {
        "endpoint": f"{collector.origin}/r/e",
        "token": "site",
        "sessionId": "0123456789abcdef",
        "identity": "alice." + "a" * 30,
        "itemId": "p1",
        "price": 19.9,
    }
    done = await anyio.run_process(["node", str(examples / "edge.mjs"), json.dumps(purchase)])
    assert json.loads(done.stdout)["pending"] == 0
    assert collector.summary() == [("Purchase", "p1")]
    assert {beacon["sessionId"] for beacon in collector.beacons} == {"0123456789abcdef"}
    assert collector.beacons[-1]["identity"] == purchase["identity"]
