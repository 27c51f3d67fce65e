"""The npm package: its examples for React, Vue and the edge, built against dist/ and run."""

import json
import re
from pathlib import Path

import anyio
import pytest
from playwright.async_api import Page
from starlette.responses import Response

from relay.core.bundled import bundled
from tests.browser.snippet.shop import running
from tests.support.browser import until
from tests.support.collector import Collector, refuse

pytestmark = pytest.mark.browser

SNIPPET = bundled("snippet").parent


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


async def test_a_click_on_a_list_of_vue_beside_the_script_tag_counts_once(
    collector: Collector, page: Page, examples: Path
) -> None:
    script = await anyio.Path(examples / "vue.mjs").read_bytes()
    collector.pages["/example.mjs"] = Response(script, media_type="text/javascript")
    body = '<script type="module" src="/example.mjs"></script><b data-relay-item="own">own</b>'
    await page.goto(collector.page("/", body, tag='data-flush-ms="50"'))
    await page.wait_for_selector("text=p2")
    await running(page)
    await page.click("text=p2")
    await page.click("text=own")
    await until(lambda: len(collector.events) >= 2)
    await page.evaluate("new Promise(done => relay('flush', done))")
    assert collector.summary() == [("Click", "own"), ("Click", "p2")]


SESSION = "sessionId: '0123456789abcdef'"


async def in_node(script: str) -> tuple[int, str, str]:
    """Run a module beside the package; its exit code and what it said."""
    script = f"import {{createTracker}} from {json.dumps(str(SNIPPET / 'dist/index.js'))};{script}"
    with anyio.fail_after(20):
        ended = await anyio.run_process(["node", "--input-type=module", "-e", script], check=False)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


async def test_outside_a_browser_a_tracker_without_a_session_is_an_error_with_its_reason(collector: Collector) -> None:
    code, _, said = await in_node(f"createTracker({{token: 'site', endpoint: '{collector.origin}/r/e'}})")
    assert code == 1
    assert "outside a browser sessionId is needed" in said


async def test_flush_says_what_was_lost_and_why(collector: Collector) -> None:
    collector.answer = refuse(401, "token_forged")
    _, said, _ = await in_node(
        f"const tracker = createTracker({{token: 'bad', endpoint: '{collector.origin}/r/e', {SESSION}}});"
        "tracker.event('Purchase'); tracker.flush(result => console.log(JSON.stringify(result)))"
    )
    lost = {"reason": "refused", "events": 1, "status": 401, "error": "token_forged", "detail": "as told"}
    assert json.loads(said) == {"accepted": 0, "rejected": [], "dropped": [], "lost": [lost], "pending": 0}


async def test_a_process_ends_while_the_relay_is_down(collector: Collector) -> None:
    code, said, _ = await in_node(
        f"const tracker = createTracker({{token: 'site', endpoint: 'http://127.0.0.1:9/r/e', {SESSION}}});"
        "tracker.event('Purchase'); tracker.flush(result => console.log(result.pending))"
    )
    assert (code, said.strip()) == (0, "1")
    assert collector.beacons == []


async def test_the_types_of_the_page_function_and_the_files_of_the_package_are_there(tmp_path: Path) -> None:
    packed = await anyio.run_process(["npm", "pack", "--json", "--pack-destination", str(tmp_path)], cwd=SNIPPET)
    files = {file["path"] for file in json.loads(packed.stdout)[0]["files"]}
    assert {"LICENSE", "README.md", "dist/s.js", "dist/stub.js", "dist/types/window.d.ts"} <= files
    readme = await anyio.Path(SNIPPET / "README.md").read_text()
    links = set(re.findall(r"\]\(([^)#]+)", readme))
    assert {link for link in links if not link.startswith("https://") and link not in files} == set()
    source = anyio.Path(SNIPPET / "build/window.ts")
    await source.parent.mkdir(exist_ok=True)
    await source.write_text(
        "import 'personalize-relay/window';\n"
        "window.relay?.('event', 'Purchase', { itemId: 'p1', eventValue: 19.9 });\n"
        "window.relay?.('flush', ({ lost }) => lost.map(({ status }) => status));\n"
        "// @ts-expect-error: there is no such verb\nwindow.relay?.('buy');\n"
    )
    tsc = [
        "node",
        "node_modules/typescript/bin/tsc",
        "--ignoreConfig",
        "--noEmit",
        "--strict",
        "--module",
        "nodenext",
        "--target",
        "es2022",
    ]
    checked = await anyio.run_process([*tsc, "--types", "", str(source)], cwd=SNIPPET, check=False)
    assert checked.stdout.decode() == ""
