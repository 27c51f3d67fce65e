"""A tag that cannot start says so, in one line."""

import pytest
from playwright.async_api import Page

from relay.core.bundled import bundled
from tests.browser.snippet.shop import product
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser

TAGS = {
    "a module": '<script type="module" src="/r/s.js" data-token="site"></script>',
    "without its token": '<script async src="/r/s.js"></script>',
    "inlined": "<script data-token=site>{script}</script>",
}


@pytest.mark.parametrize("tag", TAGS.values(), ids=TAGS.keys())
async def test_a_tag_says_why_it_does_not_start(collector: Collector, page: Page, tag: str) -> None:
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text) if "[relay]" in message.text else None)
    script = (bundled("snippet") / "s.js").read_text()
    html = f"<!doctype html><head>{tag.replace('{script}', script)}</head><body>{product('p1')}</body>"
    await page.goto(collector.raw("/", html))
    await until(lambda: lines)
    assert len(lines) == 1
    assert "not started" in lines[0]
    assert "data-token" in lines[0]
    assert collector.beacons == []


async def test_an_inlined_script_that_names_its_endpoint_starts(collector: Collector, page: Page) -> None:
    script = (bundled("snippet") / "s.js").read_text()
    tag = f'<script data-token="site" data-endpoint="/r/e" data-flush-ms="20">{script}</script>'
    await page.goto(collector.raw("/", f"<!doctype html><head>{tag}</head><body>{product('p1')}</body>"))
    await until(lambda: collector.of_type("View"))


async def test_a_frame_without_an_origin_says_so(collector: Collector, page: Page) -> None:
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text) if "[relay]" in message.text else None)
    collector.page("/frame", product("p1"), tag='data-flush-ms="20"')
    await page.goto(collector.raw("/", '<!doctype html><iframe sandbox="allow-scripts" src="/frame"></iframe>'))
    await until(lambda: collector.of_type("View"))
    assert len(lines) == 1
    assert "Origin" in lines[0]
