"""What the snippet says happened is what happened, where engines differ: presses, boxes, layers, storage, tags."""

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from tests.browser.other_engines.visitor import TAG, Visitor
from tests.browser.snippet.shop import product
from tests.browser.snippet.test_tags import TAGS
from tests.browser.snippet.test_what_is_a_click import CARD
from tests.browser.snippet.test_what_is_seen import (
    BLOCKS,
    BOXES,
    BUTTON,
    CLOSED_LATER,
    DIALOG,
    LIST,
    LOAD,
    OPENED,
    PANEL,
    UNSIZED,
    boxed,
)
from tests.browser.snippet.test_what_survives import JUNK, PROTOTYPE
from tests.support.browser import until
from tests.support.collector import Beacon, Collector

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

HEART = '<button data-relay-ignore style="float:right">heart</button>'
SLIDER = '<input type="range" style="width:200px">'
LINES = "<script>window.lines = []; console.warn = line => lines.push(line)</script>"


async def _open(collector: Collector, visitor: Visitor, body: str) -> None:
    await visitor.open(collector.page("/", body, tag=TAG))
    await visitor.session()


async def _told(collector: Collector, visitor: Visitor) -> list[tuple[str, str | None]]:
    await visitor.flush()
    return collector.summary()


async def _seen(
    collector: Collector, visitor: Visitor, items: str, *, after: str = "", meanwhile: str = "", wait_ms: int = 1700
) -> list[str]:
    """What the click on the button at the end says was seen, the button apart."""
    await _open(collector, visitor, LIST.format(items + BUTTON) + after)
    click = "document.querySelector('[data-relay-item=b]').click(); relay('flush')"
    await visitor.run(f"{meanwhile}; setTimeout(() => {{ {click} }}, {wait_ms})")
    impression: list[str] = (await until(lambda: collector.of_type("Click")))[0]["impression"]
    return [item for item in impression if item != "b"]


@pytest.mark.parametrize(
    "item",
    [
        f'<a data-relay-item="p1" draggable="false" {CARD} href="#x">slide</a>',
        f'<div data-relay-item="p1" {CARD}>some text to select, as long as that</div>',
    ],
    ids=["a slide", "text"],
)
async def test_a_drag_is_no_click(collector: Collector, visitor: Visitor, item: str) -> None:
    await _open(collector, visitor, item)
    await visitor.drag("[data-relay-item]", 200)
    assert await _told(collector, visitor) == []
    await visitor.click("[data-relay-item]")
    assert await _told(collector, visitor) == [("Click", "p1")]


async def test_a_slider_and_a_control_to_be_ignored_are_no_clicks(collector: Collector, visitor: Visitor) -> None:
    await _open(collector, visitor, f'<div data-relay-item="p1" {CARD}>{HEART}{SLIDER}<p>card</p></div>')
    await visitor.drag("input", 80)
    await visitor.click("input")
    await visitor.click("button")
    assert await _told(collector, visitor) == []
    await visitor.click("p")
    assert await _told(collector, visitor) == [("Click", "p1")]


async def test_every_press_of_a_control_counts(collector: Collector, visitor: Visitor) -> None:
    await _open(collector, visitor, '<button data-relay-item="p1" data-relay-event="AddToCart">+</button>')
    press = "document.querySelector('button').click()"
    await visitor.run(
        f"let left = 4; const timer = setInterval(() => {{ {press}; --left || clearInterval(timer) }}, 250)"
    )
    await until(lambda: visitor.run("return JSON.parse(localStorage['_relay.events'] ?? '[]').length === 4"))
    assert await _told(collector, visitor) == [("AddToCart", "p1")] * 4


async def test_pictures_that_come_late_are_seen_once_they_are_there(collector: Collector, visitor: Visitor) -> None:
    found = await _seen(collector, visitor, UNSIZED, meanwhile=LOAD, wait_ms=4500)
    # As many as this engine's window holds, and none of the others.
    room = await visitor.run("return innerHeight / 300")
    assert found == [f"p{i}" for i in range(round(room))]


async def test_what_a_dialog_covers_is_seen_when_it_has_closed(collector: Collector, visitor: Visitor) -> None:
    assert await _seen(collector, visitor, BLOCKS, after=DIALOG, meanwhile=OPENED) == []
    collector.beacons.clear()
    found = await _seen(collector, visitor, BLOCKS, after=DIALOG, meanwhile=CLOSED_LATER, wait_ms=3500)
    assert found == ["p0", "p1", "p2"]


@pytest.mark.parametrize("kind", BOXES)
async def test_what_has_a_picture_but_no_box_is_seen(collector: Collector, visitor: Visitor, kind: str) -> None:
    assert await _seen(collector, visitor, boxed(kind)) == ["p"]


async def test_a_large_card_is_seen_when_it_fills_the_panel_it_is_in(collector: Collector, visitor: Visitor) -> None:
    assert await _seen(collector, visitor, PANEL) == ["p"]


async def test_a_view_in_a_closed_dialog_counts_when_it_opens(collector: Collector, visitor: Visitor) -> None:
    body = '<main data-relay-view="p1">one</main><dialog><div data-relay-view="q1">quick look</div></dialog>'
    await _open(collector, visitor, body)
    assert await _told(collector, visitor) == [("View", "p1")]
    await visitor.run("document.querySelector('dialog').showModal()")
    await until(lambda: visitor.run("return JSON.parse(localStorage['_relay.events'] ?? '[]').length === 1"))
    assert await _told(collector, visitor) == [("View", "p1"), ("View", "q1")]


async def test_another_source_is_another_list(collector: Collector, visitor: Visitor) -> None:
    items = "".join(f'<div data-relay-item="s{i}" style="height:40px">s{i}</div>' for i in (1, 2, 3))
    body = f'<section data-relay-list data-relay-source="shoes">{items}</section>'
    await _open(collector, visitor, body)
    change = """const list = document.querySelector('section'); list.dataset.relaySource = 'hats';
        [...list.children].forEach((item, i) => { item.dataset.relayItem = `h${i + 1}` })"""
    click = "document.querySelector('[data-relay-item=h1]').click(); relay('flush')"
    await visitor.run(f"setTimeout(() => {{ {change} }}, 1700); setTimeout(() => {{ {click} }}, 3400)")
    found = (await until(lambda: collector.of_type("Click")))[0]
    assert found["impression"] == ["h1", "h2", "h3"]
    assert found["metricAttribution"] == {"eventAttributionSource": "hats"}


async def test_the_arrays_of_old_libraries_stop_neither_their_page_nor_the_next(
    collector: Collector, visitor: Visitor
) -> None:
    await visitor.open(collector.page("/old", product("p1"), tag=TAG, head=PROTOTYPE))
    await visitor.session()
    await visitor.click("button")
    await _open(collector, visitor, '<button data-relay-item="p2">buy</button>')
    await visitor.click("button")
    await visitor.run("relay('event', 'Purchase', {itemId: 'p2'})")
    await visitor.flush()
    expected = [("AddToCart", "p1"), ("Click", "p2"), ("Purchase", "p2"), ("View", "p1")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
async def test_stored_values_of_the_wrong_shape_are_dropped(collector: Collector, visitor: Visitor, junk: str) -> None:
    names = "['session', 'users', 'events', 'done', 'items', 'seq', 'lost', 'retry']"
    head = f"<script>for (const name of {names}) localStorage['_relay.' + name] = {junk}</script>"
    await visitor.open(collector.page("/", product("p1"), tag=TAG, head=head))
    await visitor.session()
    await visitor.click("button")
    assert await _told(collector, visitor) == [("AddToCart", "p1"), ("View", "p1")]


async def test_a_refusal_of_somebody_else_loses_nothing(collector: Collector, visitor: Visitor) -> None:
    answers = [HTMLResponse("<html>who are you?</html>", 403), JSONResponse({"message": "Forbidden"}, 403)]

    def answer(_: Beacon) -> Response | None:
        return answers.pop(0) if answers else None

    collector.answer = answer
    await visitor.open(collector.page("/", "", tag='data-debug data-flush-ms="50"'))
    await visitor.session()
    await visitor.run("for (let i = 0; i < 150; i++) relay('event', 'Click', {itemId: 'p' + i})")
    await until(lambda: len(collector.taken) == 150, within_s=30)
    assert answers == []


@pytest.mark.parametrize("kind", ["a module", "without its token"])
async def test_a_tag_says_why_it_does_not_start(collector: Collector, visitor: Visitor, kind: str) -> None:
    await visitor.open(collector.raw("/", f"<!doctype html><head>{LINES}{TAGS[kind]}</head><body>{product('p1')}"))
    lines = await until(lambda: visitor.run("return lines.length && lines"))
    assert len(lines) == 1
    assert "not started" in lines[0]
    assert collector.beacons == []
