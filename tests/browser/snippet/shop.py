"""Pages of a small shop for these tests."""

from tests.support.collector import Collector

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
