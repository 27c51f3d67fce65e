"""Pages of a small shop for these tests."""

from playwright.async_api import Error, Page

from tests.support.collector import Collector

NEVER = 'data-flush-ms="600000"'
"""Nothing leaves by time: only size and hide are left."""

HOME = """
<section data-relay-list data-relay-recommendation-id="RID-1" data-relay-source="home-top">
  <a data-relay-item="p1" href="/p/1">one</a> <a data-relay-item="p2" href="/p/2">two</a>
</section>
"""


def product(item: str) -> str:
    """A product page with a button that adds it to the cart."""
    return (
        f'<main data-relay-view="{item}">{item}</main>'
        f'<button data-relay-item="{item}" data-relay-event="AddToCart" data-relay-value="19.9">Add</button>'
        f'<a id="home" href="/">home</a>'
    )


def open_shop(collector: Collector, *, tag: str = "", head: str = "") -> str:
    """Serve home, /p/1 and /p/2; the URL of home."""
    for number in (1, 2):
        collector.page(f"/p/{number}", product(f"p{number}"), tag=tag, head=head)
    return collector.page("/", HOME, tag=tag, head=head)


async def running(page: Page) -> None:
    """Wait until the snippet has begun on this page."""
    await page.wait_for_function("window.relay && new Promise(done => relay('session', done))")


async def same_page(page: Page, path: str) -> bool:
    """Whether the page at `path` is shown, as it was left."""
    try:
        is_the_same: bool = await page.evaluate(f"location.pathname === '{path}' && window.isTheSame === true")
    except Error:  # between two pages
        return False
    return is_the_same


async def set_hidden(page: Page, *, hidden: bool) -> None:
    """As if the visitor changed tabs: Playwright keeps every tab visible, so the page is told so."""
    await page.evaluate(
        """hidden => {
            Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
            document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
        }""",
        hidden,
    )
