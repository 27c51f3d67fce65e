"""Pages made with other people's libraries: what is said of them is what happened on them."""

from pathlib import Path

import anyio
import pytest
from playwright.async_api import Page
from starlette.responses import Response

from tests.browser.snippet.shop import NEVER, product, running
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser

FLUSH = "new Promise(done => relay('flush', done))"


async def serve(collector: Collector, file: Path) -> str:
    """A script tag that runs this file."""
    collector.pages[f"/{file.name}"] = Response(await anyio.Path(file).read_bytes(), media_type="text/javascript")
    return f'<script type="module" src="/{file.name}"></script>'


@pytest.mark.parametrize("library", ["swiper", "embla", "splide"])
async def test_a_slide_that_is_dragged_is_not_clicked_and_one_that_is_clicked_is(
    collector: Collector, page: Page, pages: Path, library: str
) -> None:
    url = collector.page("/", "", tag=NEVER, head=await serve(collector, pages / "carousels.mjs"))
    await page.goto(f"{url}#{library}")
    await page.wait_for_selector("#ready")
    await running(page)
    await page.evaluate("new Promise(done => setTimeout(done, 1500))")
    box = await page.locator("text=p2").bounding_box()
    assert box
    x, y = box["x"] + 100, box["y"] + 40
    await page.mouse.move(x, y)
    await page.mouse.down()
    for step in range(1, 8):
        await page.mouse.move(x - 30 * step, y)
    await page.mouse.up()
    await page.evaluate("new Promise(done => setTimeout(done, 800))")
    await page.evaluate(FLUSH)
    assert collector.summary() == []
    await page.click("text=p3")
    await page.evaluate(FLUSH)
    click = collector.of_type("Click")[0]
    assert click["itemId"] == "p3"
    assert {"p1", "p2", "p3"} <= set(click["impression"])


async def test_of_slides_that_fade_only_the_one_shown_is_seen(collector: Collector, page: Page, pages: Path) -> None:
    url = collector.page("/", "", tag=NEVER, head=await serve(collector, pages / "carousels.mjs"))
    await page.goto(f"{url}#fade")
    await page.wait_for_selector("#ready")
    await running(page)
    await page.evaluate("new Promise(done => setTimeout(done, 1700))")
    # Swiper's own style sheet, which is not here, would let the pointer through the others.
    await page.evaluate("document.querySelector('[data-relay-item=p1]').click()")
    await page.evaluate(FLUSH)
    assert collector.of_type("Click")[0]["impression"] == ["p1"]


async def test_rows_of_a_virtual_list_that_come_later_are_seen(collector: Collector, page: Page, pages: Path) -> None:
    await page.goto(collector.raw("/", f"<!doctype html><body>{await serve(collector, pages / 'rows.mjs')}"))
    await page.wait_for_selector("text=row i1")
    await page.evaluate("new Promise(done => setTimeout(done, 1500))")
    await page.click("text=third")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert click["itemId"] == "i3"
    assert click["impression"] == ["i1", "i2", "i3", "i4", "i5"]
    await page.evaluate("document.querySelector('[role=list]').scrollTop = 2000")
    await page.wait_for_selector("text=row i43")
    await page.evaluate("new Promise(done => setTimeout(done, 1500))")
    await page.click("text=third")
    click = (await until(lambda: len(collector.of_type("Click")) == 2 and collector.of_type("Click")))[1]
    assert {"i1", "i5", "i41", "i45"} <= set(click["impression"])
    assert "i30" not in click["impression"]


async def test_a_list_that_grows_keeps_what_was_seen(collector: Collector, page: Page, pages: Path) -> None:
    await page.goto(
        collector.raw("/", f"<!doctype html><body>{await serve(collector, pages / 'rows.mjs')}") + "#growing"
    )
    await page.wait_for_selector("text=buy i5")
    await page.evaluate("new Promise(done => setTimeout(done, 1300))")
    await page.click("text=more")
    await page.click("text=buy i4")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert (click["itemId"], click["impression"]) == ("i4", ["i1", "i2", "i3", "i4", "i5"])


async def test_turbo_shows_one_view_a_visit(collector: Collector, page: Page, pages: Path) -> None:
    head = await serve(collector, pages / "turbo.mjs")
    for number in (1, 2):
        body = product(f"p{number}") + f'<a id="next" href="/p/{3 - number}">next</a>'
        collector.page(f"/p/{number}", body, tag=NEVER, head=head)
    await page.goto(collector.origin + "/p/1")
    await page.wait_for_selector("#ready", state="attached")
    await running(page)
    await page.evaluate("window.isTheSame = true")
    for number in (2, 1):
        await page.click("#next")
        await page.wait_for_url(f"**/p/{number}")
        await page.wait_for_selector(f"[data-relay-view=p{number}]")
        await page.evaluate("new Promise(done => setTimeout(done, 300))")
    await page.click("button")
    await page.evaluate(FLUSH)
    assert await page.evaluate("window.isTheSame")
    expected = [("AddToCart", "p1"), ("View", "p1"), ("View", "p1"), ("View", "p2")]
    assert collector.summary() == expected
