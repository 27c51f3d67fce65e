"""A click is a visitor's: no drag, no selection, no slider; every press of a control; a tap that leaves at once."""

import pytest
from playwright.async_api import Browser, Page

from tests.browser.snippet.shop import NEVER, running
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser

FLUSH = "new Promise(done => relay('flush', done))"
CARD = 'style="display:block;width:300px;height:120px;font:20px monospace"'


async def open_page(collector: Collector, page: Page, body: str, head: str = "") -> None:
    await page.goto(collector.page("/", body, tag=NEVER, head=head))
    await running(page)


async def drag(page: Page, selector: str, by: int) -> None:
    box = await page.locator(selector).bounding_box()
    assert box
    x, y = box["x"] + 20, box["y"] + 12
    await page.mouse.move(x, y)
    await page.mouse.down()
    for step in range(1, 6):
        await page.mouse.move(x + by * step / 5, y)
    await page.mouse.up()


async def told(collector: Collector, page: Page) -> list[tuple[str, str | None]]:
    await page.evaluate(FLUSH)
    return collector.summary()


async def test_a_drag_is_none(collector: Collector, page: Page) -> None:
    await open_page(collector, page, f'<a data-relay-item="p1" draggable="false" {CARD} href="#x">slide</a>')
    await drag(page, "a", 210)
    await drag(page, "a", -15)
    assert await told(collector, page) == []
    await drag(page, "a", 3)  # a hand that trembles
    assert await told(collector, page) == [("Click", "p1")]


async def test_selecting_text_is_none(collector: Collector, page: Page) -> None:
    await open_page(collector, page, f'<div data-relay-item="p1" {CARD}>some text to select</div>')
    await drag(page, "div", 120)
    assert await page.evaluate("String(getSelection())")
    assert await told(collector, page) == []


async def test_a_slider_inside_a_card_is_none(collector: Collector, page: Page) -> None:
    await open_page(collector, page, f'<div data-relay-item="p1" {CARD}>card <input type="range"></div>')
    await drag(page, "input", 60)
    await page.click("input", position={"x": 100, "y": 8})
    assert await told(collector, page) == []


async def test_a_control_that_is_to_be_ignored_is_none(collector: Collector, page: Page) -> None:
    heart = '<button data-relay-ignore><b id="heart">♥</b></button>'
    await open_page(collector, page, f'<div data-relay-item="p1" {CARD}>card {heart}</div>')
    await page.click("#heart")
    assert await told(collector, page) == []
    await page.click("text=card")
    assert await told(collector, page) == [("Click", "p1")]


async def test_every_press_of_a_control_counts(collector: Collector, page: Page) -> None:
    await open_page(collector, page, '<button data-relay-item="p1" data-relay-event="AddToCart">+</button>')
    for _ in range(4):
        await page.click("button")
        await page.evaluate("new Promise(done => setTimeout(done, 250))")
    assert await told(collector, page) == [("AddToCart", "p1")] * 4


async def test_a_label_of_a_control_is_pressed_once(collector: Collector, page: Page) -> None:
    body = '<label data-relay-item="p1" data-relay-event="Choose">choose <input type="checkbox"></label>'
    await open_page(collector, page, body)
    await page.click("text=choose")
    assert await told(collector, page) == [("Choose", "p1")]


async def test_a_keyboard_and_a_script_click_wherever_the_pointer_was_pressed(collector: Collector, page: Page) -> None:
    body = f'<p {CARD}>elsewhere</p><button data-relay-item="p1">one</button><button data-relay-item="p2">two</button>'
    await open_page(collector, page, body)
    await page.click("p")
    await page.focus("text=one")
    await page.keyboard.press("Enter")
    await page.evaluate("document.querySelector('[data-relay-item=p2]').click()")
    assert await told(collector, page) == [("Click", "p1"), ("Click", "p2")]


AWAY = """<script>addEventListener('touchend', event => {
    const link = event.target.closest('a');
    if (link) { event.preventDefault(); location.href = link.href }
}, {passive: false})</script>"""
FAST = """<script>addEventListener('touchend', event => {
    event.preventDefault();
    event.target.dispatchEvent(new MouseEvent('click', {bubbles: true, composed: true, cancelable: true, detail: 1}));
}, {passive: false})</script>"""


async def test_a_tap_that_leaves_the_page_by_itself_is_one(collector: Collector, browser: Browser) -> None:
    collector.raw("/next", "<!doctype html>next")
    context = await browser.new_context(has_touch=True, is_mobile=True)
    page = await context.new_page()
    await open_page(collector, page, f'<a data-relay-item="p1" {CARD} href="/next">one</a>', AWAY)
    await page.tap("a")
    await page.wait_for_url("**/next")
    await until(lambda: collector.summary() == [("Click", "p1")], otherwise=collector.summary)
    await context.close()


async def test_a_tap_counts_once_however_it_becomes_a_click(collector: Collector, browser: Browser) -> None:
    context = await browser.new_context(has_touch=True, is_mobile=True)
    body = (
        f'<b data-relay-item="p1" {CARD}>one</b><button data-relay-item="p2" data-relay-event="AddToCart">two</button>'
    )
    for path, head in (("/", ""), ("/fast", FAST)):
        page = await context.new_page()
        await page.goto(collector.page(path, body, tag=NEVER, head=head))
        await running(page)
        await page.tap("b")
        await page.tap("button")
        await page.evaluate(FLUSH)
    assert collector.summary() == [("AddToCart", "p2")] * 2 + [("Click", "p1")] * 2
    await context.close()
