"""Which items count as seen, and what carries them."""

import pytest
from playwright.async_api import BrowserContext, Page

from tests.browser.snippet.shop import NEVER, running, set_hidden
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser

DEBUG = NEVER + " data-debug"


def list_of(items: str, *, style: str = "", recommendation: str = "RID-1") -> str:
    """A list of one block an item."""
    blocks = "".join(
        f'<a data-relay-item="{item}" style="display:block;{style}">{item}</a>' for item in items.split(",")
    )
    return (
        f'<section data-relay-list data-relay-recommendation-id="{recommendation}" data-relay-source="s">'
        f"{blocks}</section>"
    )


class Seen:
    """The items the snippet says were seen, in order."""

    def __init__(self, page: Page) -> None:
        self.items: list[str] = []
        page.on("console", lambda message: self._note(message.text))

    def _note(self, text: str) -> None:
        prefix = "[relay] seen "
        if text.startswith(prefix):
            self.items.append(text.removeprefix(prefix))


@pytest.fixture
def seen(page: Page) -> Seen:
    return Seen(page)


async def click_of(collector: Collector, page: Page, text: str) -> dict[str, object]:
    before = len(collector.of_type("Click"))
    await page.click(f"text={text}")
    await page.evaluate("new Promise(done => relay('flush', done))")
    clicks = collector.of_type("Click")
    assert len(clicks) == before + 1
    return clicks[-1]


async def test_only_what_is_half_visible_is_seen(collector: Collector, page: Page, seen: Seen) -> None:
    # 600 pixels of window: p1 and p2 whole, two thirds of p3, nothing of p4.
    await page.goto(collector.page("/", list_of("p1,p2,p3,p4", style="height:240px"), tag=DEBUG))
    await until(lambda: seen.items == ["p1", "p2"], otherwise=lambda: seen.items)
    await page.evaluate("scrollTo(0, 100)")
    await until(lambda: seen.items == ["p1", "p2", "p3"], otherwise=lambda: seen.items)
    assert (await click_of(collector, page, "p2"))["impression"] == ["p1", "p2", "p3"]


async def test_a_glance_is_not_enough(collector: Collector, page: Page, seen: Seen) -> None:
    await page.goto(collector.page("/", list_of("p1,p2,p3,p4", style="height:600px"), tag=DEBUG))
    await until(lambda: seen.items == ["p1"])
    # Past p2 and p3 in less than a second, to stay at p4.
    for top in (600, 1200, 1800):
        await page.evaluate(f"scrollTo(0, {top}); new Promise(done => requestAnimationFrame(done))")
    await until(lambda: "p4" in seen.items)
    assert seen.items == ["p1", "p4"]


async def test_an_element_of_many_screens_is_seen_when_it_fills_half_of_one(
    collector: Collector, page: Page, seen: Seen
) -> None:
    body = '<div style="height:400px"></div>' + list_of("p1", style="height:15000px")
    await page.goto(collector.page("/", body, tag=DEBUG))
    await running(page)
    await page.evaluate("scrollTo(0, 80)")  # 280 of 600
    assert seen.items == []
    await page.evaluate("scrollTo(0, 160)")  # 360 of 600
    await until(lambda: seen.items == ["p1"])


@pytest.mark.parametrize(
    ("width", "height"),
    [(100, 3000), (4000, 100), (700, 90_000), (1, 1)],
    ids=["narrow and five windows high", "five windows wide and low", "150 windows", "a dot"],
)
async def test_an_element_of_any_shape_is_seen_when_half_of_what_fits_is_visible(
    collector: Collector, page: Page, seen: Seen, width: int, height: int
) -> None:
    block = list_of("p1", style=f"width:{width}px;height:{height}px")
    fits = min(height, 600)
    body = f'<style>body {{ margin: 0 }}</style><div style="height:600px"></div>{block}<div style="height:600px"></div>'
    await page.goto(collector.page("/", body, tag=DEBUG))
    await running(page)
    await page.evaluate(f"scrollTo(0, {fits // 3})")
    await page.evaluate("new Promise(done => setTimeout(done, 1200))")
    assert seen.items == []
    await page.evaluate(f"scrollTo(0, {fits * 2 // 3 + 1})")
    await until(lambda: seen.items == ["p1"])


async def test_one_observer_watches_all_lists(
    collector: Collector, context: BrowserContext, page: Page, seen: Seen
) -> None:
    await context.add_init_script(
        "window.observers = 0; window.IntersectionObserver = class extends IntersectionObserver {"
        "constructor(...args) { super(...args); window.observers++ } }"
    )
    await page.goto(collector.page("/", list_of("a1,a2") + list_of("b1,b2"), tag=DEBUG))
    await until(lambda: len(seen.items) == 4)
    assert await page.evaluate("observers") == 1


async def test_a_hidden_page_sees_nothing_and_begins_anew_when_shown(
    collector: Collector, page: Page, seen: Seen
) -> None:
    await page.goto(collector.page("/", list_of("p1,p2"), tag=DEBUG))
    await running(page)
    # A page that is really hidden observes nothing any more; this one only says so, and its first look must be over.
    for _ in range(2):
        await page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    await set_hidden(page, hidden=True)
    await page.evaluate("new Promise(done => setTimeout(done, 1200))")
    assert seen.items == []
    await set_hidden(page, hidden=False)
    await until(lambda: seen.items == ["p1", "p2"])


async def test_items_added_later_and_recycled_elements_are_found(collector: Collector, page: Page, seen: Seen) -> None:
    await page.goto(collector.page("/", list_of("p1"), tag=DEBUG))
    await until(lambda: seen.items == ["p1"])
    await page.evaluate(
        """() => {
            const item = document.querySelector('[data-relay-item]');
            const more = item.cloneNode();
            more.dataset.relayItem = more.textContent = 'p2';
            item.after(more);
        }"""
    )
    await until(lambda: seen.items == ["p1", "p2"])
    await page.evaluate("document.querySelector('[data-relay-item]').dataset.relayItem = 'p9'")
    await until(lambda: seen.items == ["p1", "p2", "p9"])
    await page.evaluate("document.querySelector('[data-relay-item]').remove()")
    click = await click_of(collector, page, "p2")
    assert sorted(click["impression"]) == ["p1", "p2", "p9"]  # type: ignore[call-overload] # JSON


async def test_a_list_that_is_used_again_for_another_recommendation_begins_anew(
    collector: Collector, page: Page, seen: Seen
) -> None:
    await page.goto(collector.page("/", list_of("p1,p2,p3"), tag=DEBUG + " data-impressions"))
    await until(lambda: len(seen.items) == 3)
    # As a framework does it: same elements, other content; p2 is recommended again.
    await page.evaluate(
        """() => {
            document.querySelector('section').dataset.relayRecommendationId = 'RID-2';
            for (const [old, item] of [['p1', 'p8'], ['p3', 'p9']]) {
                const element = document.querySelector(`[data-relay-item=${old}]`);
                element.dataset.relayItem = element.textContent = item;
            }
        }"""
    )
    await until(lambda: sorted(seen.items[3:]) == ["p2", "p8", "p9"], otherwise=lambda: seen.items)
    click = await click_of(collector, page, "p9")
    assert (click["recommendationId"], click["impression"]) == ("RID-2", ["p8", "p2", "p9"])
    old = collector.of_type("Impression")
    assert [(event["recommendationId"], event["impression"]) for event in old] == [("RID-1", ["p1", "p2", "p3"])]


async def test_a_click_carries_25_items_with_the_one_clicked_among_them(
    collector: Collector, page: Page, seen: Seen
) -> None:
    items = ",".join(f"p{i:02}" for i in range(40))
    await page.goto(collector.page("/", list_of(items, style="height:14px"), tag=DEBUG))
    await until(lambda: len(seen.items) == 40)
    click = await click_of(collector, page, "p03")
    assert click["impression"] == ["p03", *[f"p{i:02}" for i in range(16, 40)]]


async def test_items_that_are_watched_a_moment_later_are_seen_as_well(
    collector: Collector, page: Page, seen: Seen
) -> None:
    items = [f"p{i:03}" for i in range(300)]
    block = list_of(",".join(items), style="height:2px;overflow:hidden")
    await page.goto(collector.page("/", f"<style>body {{ margin: 0 }}</style>{block}", tag=DEBUG))
    await until(lambda: sorted(seen.items) == items, otherwise=lambda: len(seen.items))


async def test_lists_do_not_mix_and_an_unseen_item_counts_when_clicked(
    collector: Collector, page: Page, seen: Seen
) -> None:
    far_below = '<div style="height:3000px"></div>'
    body = list_of("a1,a2", recommendation="RID-A") + far_below + list_of("b1,b2", recommendation="RID-B")
    await page.goto(collector.page("/", body, tag=DEBUG))
    await until(lambda: len(seen.items) == 2)
    await page.dispatch_event("[data-relay-item=b2]", "click")  # a click of Playwright's scrolls there first
    await page.evaluate("new Promise(done => relay('flush', done))")
    [click] = collector.of_type("Click")
    assert (click["recommendationId"], click["impression"]) == ("RID-B", ["b2"])


async def test_lists_seen_and_not_clicked_leave_at_hide_where_the_site_wants_them(
    collector: Collector, context: BrowserContext, page: Page, seen: Seen
) -> None:
    body = list_of("a1,a2", recommendation="RID-A") + list_of("b1,b2", recommendation="RID-B")
    await page.goto(collector.page("/", body, tag=DEBUG + " data-impressions"))
    await until(lambda: len(seen.items) == 4)
    await click_of(collector, page, "b2")
    await set_hidden(page, hidden=True)
    await set_hidden(page, hidden=False)
    await set_hidden(page, hidden=True)
    impressions = await until(lambda: collector.of_type("Impression"))
    await page.close()
    assert len(collector.of_type("Impression")) == len(impressions) == 1
    assert impressions[0]["recommendationId"] == "RID-A"
    assert impressions[0]["impression"] == ["a1", "a2"]
    assert impressions[0]["metricAttribution"] == {"eventAttributionSource": "s"}
    assert "itemId" not in impressions[0]
    assert context.pages == []


async def test_without_the_option_no_impression_leaves(collector: Collector, page: Page, seen: Seen) -> None:
    await page.goto(collector.page("/", list_of("p1,p2"), tag=DEBUG))
    await until(lambda: len(seen.items) == 2)
    await page.evaluate("relay('event', 'Bye')")
    await page.close()
    await until(lambda: collector.of_type("Bye"))
    assert collector.summary() == [("Bye", None)]
