"""A list is the list shown now; what was seen of it is not forgotten."""

import pytest
from playwright.async_api import Page

from tests.browser.snippet.shop import HOME, NEVER, running, same_page
from tests.browser.snippet.test_impressions import DEBUG, Seen, click_of, list_of
from tests.support.browser import until
from tests.support.collector import Collector

pytestmark = pytest.mark.browser


@pytest.fixture
def seen(page: Page) -> Seen:
    return Seen(page)


async def test_another_source_is_another_list(collector: Collector, page: Page, seen: Seen) -> None:
    body = list_of("s1,s2,s3").replace(
        'data-relay-recommendation-id="RID-1" data-relay-source="s"', 'data-relay-source="shoes"'
    )
    await page.goto(collector.page("/", body, tag=DEBUG))
    await until(lambda: len(seen.items) == 3)
    await page.evaluate(
        """() => {
            const list = document.querySelector('section');
            list.dataset.relaySource = 'hats';
            [...list.children].forEach((item, i) => item.dataset.relayItem = item.textContent = `h${i + 1}`);
        }"""
    )
    await until(lambda: len(seen.items) == 6)
    click = await click_of(collector, page, "h1")
    assert click["impression"] == ["h1", "h2", "h3"]
    assert click["metricAttribution"] == {"eventAttributionSource": "hats"}


async def test_only_the_source_changes(collector: Collector, page: Page, seen: Seen) -> None:
    await page.goto(collector.page("/", list_of("p1,p2"), tag=DEBUG))
    await until(lambda: len(seen.items) == 2)
    await page.evaluate("document.querySelector('section').dataset.relaySource = 'other'")
    click = await click_of(collector, page, "p1")
    assert click["impression"] == ["p1"]
    assert click["metricAttribution"] == {"eventAttributionSource": "other"}


async def test_the_same_value_set_again_forgets_nothing(collector: Collector, page: Page, seen: Seen) -> None:
    await page.goto(collector.page("/", list_of("p1,p2,p3"), tag=DEBUG))
    await until(lambda: len(seen.items) == 3)
    await page.evaluate(
        """() => {
            const list = document.querySelector('section');
            for (const name in list.dataset) list.dataset[name] = list.dataset[name];
            for (const item of list.children) item.dataset.relayItem = item.dataset.relayItem;
        }"""
    )
    assert (await click_of(collector, page, "p2"))["impression"] == ["p1", "p2", "p3"]


async def test_an_item_drawn_anew_in_place_keeps_its_second(collector: Collector, page: Page, seen: Seen) -> None:
    await page.goto(collector.page("/", list_of("p1,p2"), tag=DEBUG))
    await running(page)
    await page.evaluate("setInterval(() => { const l = document.querySelector('section'); l.innerHTML += '' }, 400)")
    await until(lambda: {"p1", "p2"} <= set(seen.items), within_s=5, otherwise=lambda: seen.items)


async def test_a_list_drawn_anew_is_the_same_list(collector: Collector, page: Page, seen: Seen) -> None:
    await page.goto(collector.page("/", f"<main>{list_of('p1,p2,p3')}</main>", tag=DEBUG))
    await until(lambda: len(seen.items) == 3)
    await page.evaluate("document.querySelector('main').innerHTML += ''")
    impression = (await click_of(collector, page, "p2"))["impression"]
    assert isinstance(impression, list)
    assert sorted(impression) == ["p1", "p2", "p3"]


async def test_back_out_of_the_cache_what_was_seen_still_counts(collector: Collector, page: Page, seen: Seen) -> None:
    collector.raw("/plain", "<!doctype html>plain")
    stay = "<script>addEventListener('click', event => event.preventDefault())</script>"
    await page.goto(collector.page("/", HOME, tag=NEVER + " data-debug", head=stay))
    await until(lambda: len(seen.items) == 2)
    await page.evaluate("window.isTheSame = true")
    await page.goto(collector.origin + "/plain")
    await page.evaluate("void setTimeout(() => history.back())")

    async def is_back() -> bool:
        return await same_page(page, "/")

    await until(is_back)
    assert (await click_of(collector, page, "one"))["impression"] == ["p1", "p2"]
