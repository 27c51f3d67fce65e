"""Carousels, virtual lists and frameworks in the engines in which their own code takes other ways."""

from pathlib import Path

import pytest

from tests.browser.other_engines.visitor import TAG, Visitor
from tests.browser.snippet.test_libraries import serve
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

LONG_ENOUGH_MS = 1700
"""For what is in sight to be seen."""


async def _open(collector: Collector, visitor: Visitor, file: Path, name: str = "") -> None:
    """A page of the script tag with a page's own script, and what that has drawn."""
    url = collector.page("/", "", tag=TAG, head=await serve(collector, file))
    await visitor.open(f"{url}?{name}#{name}")  # another fragment alone would be the same page
    await visitor.session()


async def _after_a_look(visitor: Visitor, script: str) -> None:
    await visitor.run(f"setTimeout(() => {{ {script} }}, {LONG_ENOUGH_MS})")


def _press(text: str) -> str:
    return f"[...document.querySelectorAll('button')].find(one => one.textContent === '{text}').click()"


@pytest.mark.parametrize("library", ["swiper", "embla", "splide"])
async def test_a_slide_that_is_dragged_is_not_clicked_and_one_that_is_clicked_is(
    collector: Collector, visitor: Visitor, pages: Path, library: str
) -> None:
    await _open(collector, visitor, pages / "carousels.mjs", library)
    await until(lambda: visitor.run("return document.body.id === 'ready'"))
    await visitor.drag("[data-relay-item=p2]", -160)
    await visitor.flush()
    assert collector.summary() == []
    await _after_a_look(visitor, "document.querySelector('[data-relay-item=p3]').click(); relay('flush')")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert click["itemId"] == "p3"
    assert {"p2", "p3"} <= set(click["impression"])


async def test_of_slides_that_fade_only_the_one_shown_is_seen(
    collector: Collector, visitor: Visitor, pages: Path
) -> None:
    await _open(collector, visitor, pages / "carousels.mjs", "fade")
    await _after_a_look(visitor, "document.querySelector('[data-relay-item=p1]').click(); relay('flush')")
    assert (await until(lambda: collector.of_type("Click")))[0]["impression"] == ["p1"]


async def test_rows_of_a_virtual_list_that_come_later_are_seen(
    collector: Collector, visitor: Visitor, pages: Path
) -> None:
    await visitor.open(collector.raw("/", f"<!doctype html><body>{await serve(collector, pages / 'rows.mjs')}"))
    await until(lambda: visitor.run("return document.body.innerText.includes('row i1')"))
    await _after_a_look(visitor, _press("third"))
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert (click["itemId"], click["impression"]) == ("i3", ["i1", "i2", "i3", "i4", "i5"])


async def test_a_list_that_grows_keeps_what_was_seen(collector: Collector, visitor: Visitor, pages: Path) -> None:
    url = collector.raw("/growing", f"<!doctype html><body>{await serve(collector, pages / 'rows.mjs')}")
    await visitor.open(f"{url}#growing")
    await until(lambda: visitor.run("return document.body.innerText.includes('buy i5')"))
    await _after_a_look(visitor, f"{_press('more')}; setTimeout(() => {_press('buy i4')}, 50)")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert (click["itemId"], click["impression"]) == ("i4", ["i1", "i2", "i3", "i4", "i5"])
