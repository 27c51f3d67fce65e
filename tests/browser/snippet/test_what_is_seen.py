"""Seen is seen: what a person can see, for a second."""

import pytest
from playwright.async_api import Page

from tests.browser.snippet.shop import NEVER, running
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser

FLUSH = "new Promise(done => relay('flush', done))"
LIST = '<style>body {{ margin: 0 }}</style><section data-relay-list data-relay-recommendation-id="R">{}</section>'
BUTTON = '<button data-relay-item="b" style="position:relative;z-index:9">b</button>'
PICTURE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='200' height='{}'%3E"
    "%3Crect width='200' height='400'/%3E%3C/svg%3E"
)


async def seen(
    collector: Collector, page: Page, items: str, *, after: str = "", meanwhile: str = "", wait_ms: int = 1700
) -> list[str]:
    """What the click on the button at the end says was seen, the button apart."""
    body = LIST.format(items + BUTTON) + after
    await page.goto(collector.page("/", body, tag=NEVER))
    await running(page)
    if meanwhile:
        await page.evaluate(meanwhile)
    await page.evaluate(f"new Promise(done => setTimeout(done, {wait_ms}))")
    await page.evaluate("document.querySelector('[data-relay-item=b]').click()")
    await page.evaluate(FLUSH)
    impression: list[str] = collector.of_type("Click")[0]["impression"]
    assert "b" in impression
    return [item for item in impression if item != "b"]


def slides(hide: str, inner: str = "") -> str:
    """Five slides on each other, the first shown."""
    place = "position:absolute;inset:0;background:#fff"
    each = "".join(
        f'<div data-relay-item="s{i}" style="{place};{hide if i else ""}">{inner or i}</div>' for i in range(5)
    )
    return f'<div style="position:relative;height:200px">{each}</div>'


@pytest.mark.parametrize("hide", ["opacity:0", "visibility:hidden", "opacity:0;z-index:2"])
async def test_of_slides_on_each_other_only_the_one_shown(collector: Collector, page: Page, hide: str) -> None:
    assert await seen(collector, page, slides(hide)) == ["s0"]


async def test_of_slides_that_fade_each_when_its_turn_comes(collector: Collector, page: Page) -> None:
    turn = """setTimeout(() => document.querySelectorAll('[data-relay-item^=s]')
        .forEach((slide, i) => slide.style.opacity = i === 1 ? 1 : 0), 1500)"""
    assert await seen(collector, page, slides("opacity:0"), meanwhile=turn, wait_ms=3500) == ["s0", "s1"]


UNSIZED = "".join(f'<a data-relay-item="p{i}" style="display:block"><img style="display:block"></a>' for i in range(30))
"""Pictures of 300 pixels, once `LOAD` has brought them."""
LOAD = f"""setTimeout(() => document.querySelectorAll('img')
    .forEach(img => {{ img.src = `{PICTURE.format(300)}` }}), 2500)"""


async def test_what_has_no_size_yet_is_seen_once_it_has(collector: Collector, page: Page) -> None:
    assert await seen(collector, page, UNSIZED, meanwhile=LOAD, wait_ms=4300) == ["p0", "p1"]


HIDDEN = {
    "empty": '<div data-relay-item="x"></div>',
    "cut to nothing": '<div data-relay-item="x" style="height:0;overflow:hidden">text</div>',
    "scaled to nothing": '<div data-relay-item="x" style="transform:scale(0)">text</div>',
    "content not rendered": '<div style="content-visibility:hidden;height:99px"><div data-relay-item="x">x</div></div>',
    "inert": '<div inert><div data-relay-item="x">text</div></div>',
    "in something transparent": '<div style="opacity:0"><div data-relay-item="x">text</div></div>',
}


@pytest.mark.parametrize("items", HIDDEN.values(), ids=HIDDEN.keys())
async def test_what_nobody_can_see_is_not(collector: Collector, page: Page, items: str) -> None:
    assert await seen(collector, page, items + '<div data-relay-item="p">p</div>') == ["p"]


BLOCKS = "".join(f'<div data-relay-item="p{i}" style="height:90px">{i}</div>' for i in range(3))
DIALOG = '<dialog style="width:100vw;height:100vh;max-width:none;max-height:none;margin:0">cookies?</dialog>'
OPENED = "document.querySelector('dialog').showModal()"
CLOSED_LATER = f"{OPENED}; setTimeout(() => document.querySelector('dialog').close(), 1500)"


async def test_what_a_dialog_covers_is_not_until_it_closes(collector: Collector, page: Page) -> None:
    assert await seen(collector, page, BLOCKS, after=DIALOG, meanwhile=OPENED) == []
    collector.beacons.clear()
    found = await seen(collector, page, BLOCKS, after=DIALOG, meanwhile=CLOSED_LATER, wait_ms=3300)
    assert found == ["p0", "p1", "p2"]


async def test_what_is_under_a_sticky_header_is_not_and_what_shines_through_is(
    collector: Collector, page: Page
) -> None:
    header = '<header style="position:fixed;inset:0 0 auto;height:100px;background:{}">shop</header>'
    assert await seen(collector, page, BLOCKS, after=header.format("#fff")) == ["p1", "p2"]
    collector.beacons.clear()
    assert await seen(collector, page, BLOCKS, after=header.format("rgba(0,0,0,.3)")) == ["p0", "p1", "p2"]


BOXES = {
    "of no height around a picture that floats": '<a data-relay-item="p" style="display:block">{}</a>',
    "of no height around a picture that is placed": (
        '<a data-relay-item="p" style="display:block;position:relative">{}</a>'
    ),
    "without a box of its own": '<a data-relay-item="p" style="display:contents"><i>{}</i></a>',
    "of a map": '<map name="m"><area data-relay-item="p" shape="rect" coords="0,0,200,200"></map>{}',
}


def boxed(kind: str) -> str:
    """An item of this kind around its picture."""
    style = "float:left" if "floats" in kind else "position:absolute;top:0;left:100px" if "placed" in kind else ""
    usemap = 'usemap="#m"' if "map" in kind else ""
    return BOXES[kind].format(f'<img src="{PICTURE.format(200)}" style="{style}" {usemap}>')


@pytest.mark.parametrize("kind", BOXES)
async def test_what_has_a_picture_but_no_box_is(collector: Collector, page: Page, kind: str) -> None:
    assert await seen(collector, page, boxed(kind)) == ["p"]


PANEL = (
    '<div style="height:250px;overflow:auto"><div data-relay-item="p" style="height:600px">card</div>'
    '<div data-relay-item="q" style="height:600px">below</div></div>'
)


async def test_a_large_card_is_when_it_fills_the_panel_it_is_in(collector: Collector, page: Page) -> None:
    assert await seen(collector, page, PANEL) == ["p"]


async def test_a_card_in_a_frame_as_high_as_its_content_is_when_it_fills_the_window(
    collector: Collector, page: Page
) -> None:
    card = '<div data-relay-item="p" style="height:2000px">card</div>'
    collector.page("/frame", LIST.format(card + BUTTON) + '<div style="height:3000px"></div>', tag=NEVER)
    frame = '<iframe src="/frame" style="width:700px;height:5000px;border:0"></iframe>'
    await page.goto(collector.raw("/", f"<!doctype html><body style='margin:0'>{frame}"))
    await until(lambda: len(page.frames) == 2)
    await page.frames[1].wait_for_function("window.relay && !Array.isArray(relay.q)")
    await page.evaluate("new Promise(done => setTimeout(done, 1500))")
    await page.frames[1].evaluate("document.querySelector('[data-relay-item=b]').click(); " + FLUSH)
    assert collector.of_type("Click")[0]["impression"] == ["p", "b"]


async def test_a_view_in_a_closed_dialog_counts_when_it_opens(collector: Collector, page: Page) -> None:
    body = '<main data-relay-view="p1">one</main><dialog><div data-relay-view="q1">quick look</div></dialog>'
    await page.goto(collector.page("/", body, tag=NEVER))
    await running(page)

    async def views() -> list[str]:
        await page.evaluate(FLUSH)
        return [event["itemId"] for event in collector.of_type("View")]

    await page.evaluate("new Promise(done => setTimeout(done, 1300))")
    assert await views() == ["p1"]
    for times in (1, 2):
        await page.evaluate("document.querySelector('dialog').showModal()")

        async def opened(expected: list[str]) -> bool:
            return await views() == expected

        expected = ["p1", *["q1"] * times]
        await until(lambda: opened(expected), otherwise=collector.summary)  # noqa: B023 # awaited within the round
        await page.evaluate("document.querySelector('dialog').close(); new Promise(done => setTimeout(done, 400))")
