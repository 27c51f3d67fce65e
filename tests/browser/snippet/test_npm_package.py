"""The npm package: its examples for React, Vue and the edge, built against dist/ and run."""

import json
import subprocess
from pathlib import Path

import anyio
import pytest
from playwright.async_api import Page
from starlette.responses import Response

from relay.bundled import bundled
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


@pytest.mark.parametrize("framework", ["react", "vue"])
async def test_a_list_tells_what_was_seen_and_chosen(
    collector: Collector, page: Page, examples: Path, framework: str
) -> None:
    await open_example(collector, page, examples / f"{framework}.mjs")
    await page.wait_for_selector("text=p2")
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
