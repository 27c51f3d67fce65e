"""The whole path: a real browser in the demo's shop, and what Amazon Personalize has of it afterwards."""

import csv
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, ConsoleMessage, Page

from tests.support.browser import ITEMS_BY_ID, chromium, until
from tests.support.demo import RunningDemo, running_demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
async def demo() -> AsyncGenerator[RunningDemo]:
    async with running_demo("--no-replay", env={"SHOP_DEBUG": "1"}) as one:
        yield one


@pytest.fixture
async def visitor(demo: RunningDemo) -> AsyncGenerator["Visitor"]:
    async with chromium() as browser:
        context = await browser.new_context(viewport={"width": 1280, "height": 900}, base_url=demo.shop)
        await context.add_init_script(ITEMS_BY_ID)
        yield Visitor(context, await context.new_page())


class Visitor:
    """Somebody in the shop. What the page complains of is kept in `complaints`."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.complaints: list[str] = []
        self._seen: list[str] = []
        self._listen(page)

    def _listen(self, page: Page) -> None:
        self.page = page
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("framenavigated", lambda _: self._seen.clear())

    def _hear(self, message: ConsoleMessage) -> None:
        if message.text.startswith("[relay] seen "):
            self._seen.append(message.text.removeprefix("[relay] seen "))
        elif message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def new_tab(self) -> None:
        self._seen.clear()
        self._listen(await self.context.new_page())

    async def look_at(self, source: str) -> tuple[list[str], str | None]:
        """Bring a list into view until the snippet has counted all of it as seen: its items and recommendation."""
        await self.page.wait_for_function("relay.q && !Array.isArray(relay.q)")
        shown = self.page.locator(f'[data-relay-source="{source}"]')
        await shown.evaluate("list => list.scrollIntoView({block: 'center', behavior: 'instant'})")
        items: list[str] = await shown.locator(".card").evaluate_all(
            "cards => cards.map(card => card.dataset.relayItem)"
        )
        await until(lambda: set(items) <= set(self._seen), otherwise=lambda: f"{items} of {self._seen}")
        return items, await shown.get_attribute("data-relay-recommendation-id")

    async def click_item(self, source: str, item: str) -> None:
        await self.page.locator(f'[data-relay-source="{source}"] [data-relay-item="{item}"]').click()
        await self.page.wait_for_url(f"**/p/{item}")

    async def sign_in(self, name: str) -> None:
        await self.page.goto("/login")
        await self.page.get_by_role("button", name=name).click()
        await self.page.get_by_role("button", name="Sign out").wait_for()

    async def told(self) -> None:
        """Wait until the shop's backend knows the session."""

        async def knows() -> bool:
            return any(cookie.get("name") == "kiln_session" for cookie in await self.context.cookies())

        await until(knows)

    async def session(self) -> str:
        await self.page.wait_for_function("relay.q && !Array.isArray(relay.q)")
        session: str = await self.page.evaluate("new Promise(resolve => relay('session', resolve))")
        return session


async def _delivered(demo: RunningDemo, count: int) -> list[dict[str, Any]]:
    """Events in the emulator once there are `count`, and no more are on their way."""

    async def all_there() -> bool:
        return len(await demo.events()) >= count and await demo.pending() == 0

    await until(all_there)
    return await demo.events()


async def _training_data(demo: RunningDemo) -> list[dict[str, str]]:
    return list(csv.DictReader((await demo.text(f"{demo.emulator}/_emulator/interactions.csv")).splitlines()))


async def test_a_visit_from_the_first_look_to_the_purchase_arrives_exactly(demo: RunningDemo, visitor: Visitor) -> None:
    await visitor.page.goto("/")
    first, popular = await visitor.look_at("home-recommended")
    assert len(first) == 8
    assert popular is not None, "the first click, too, is credited"
    looked_at = first[1]
    await visitor.click_item("home-recommended", looked_at)
    session = await visitor.session()

    together, recommendation = await visitor.look_at("product-together")
    assert len(together) == 4
    assert recommendation is not None
    bought = together[2]
    await visitor.click_item("product-together", bought)
    price = float(await visitor.page.locator("[data-relay-event]").get_attribute("data-relay-value") or "nan")
    await visitor.page.get_by_role("button", name="Add to cart").click()
    await visitor.page.wait_for_url("**/cart")
    anonymous = await _delivered(demo, 5)

    await visitor.sign_in("Ada")
    await visitor.page.goto("/checkout")
    await visitor.page.get_by_role("button", name="Place order").click()
    await visitor.page.wait_for_url("**/thanks")
    order = await visitor.page.locator("[data-order]").get_attribute("data-order")
    assert await visitor.session() == session
    await visitor.page.close()
    events = await _delivered(demo, 6)

    home = {
        "metricAttribution": {"eventAttributionSource": "home-recommended"},
        "recommendationId": popular,
    }
    product = {
        "metricAttribution": {"eventAttributionSource": "product-together"},
        "recommendationId": recommendation,
    }
    anybody = {"sessionId": session}
    expected: list[dict[str, Any]] = [
        {**anybody, **home, "eventType": "Click", "itemId": looked_at, "impression": first},
        {**anybody, **home, "eventType": "View", "itemId": looked_at},
        {**anybody, **product, "eventType": "Click", "itemId": bought, "impression": together},
        {**anybody, **product, "eventType": "View", "itemId": bought},
        {**anybody, **product, "eventType": "AddToCart", "itemId": bought, "eventValue": price},
        {
            **anybody,
            **product,
            "userId": "ada",
            "eventType": "Purchase",
            "itemId": bought,
            "eventValue": price,
            "properties": f'{{"order":"{order}","quantity":1}}',
        },
    ]
    assert [_without_id_and_time(event) for event in events] == expected
    assert len({event["eventId"] for event in events}) == 6
    assert anonymous == events[:5]
    assert visitor.complaints == []

    trained = await _training_data(demo)
    assert {row["USER_ID"] for row in trained} == {"ada"}
    assert [(row["EVENT_TYPE"], row["ITEM_ID"]) for row in trained] == [
        (event["eventType"], event["itemId"]) for event in expected
    ]


async def test_two_people_at_one_browser_never_share_a_session(demo: RunningDemo, visitor: Visitor) -> None:
    await visitor.page.goto("/p/dune-vase")
    first = await visitor.session()
    await visitor.sign_in("Ada")
    await visitor.page.goto("/p/quiet-clock")
    await _delivered(demo, 2)
    await visitor.page.get_by_role("button", name="Sign out").click()
    await visitor.page.get_by_role("link", name="Sign in").first.wait_for()
    second = await visitor.session()
    assert second != first

    await visitor.page.goto("/p/oak-stool")
    await visitor.sign_in("Grace")
    await visitor.page.goto("/p/arch-mirror")
    await visitor.page.close()
    events = await _delivered(demo, 4)

    assert {(event["itemId"], event["sessionId"]) for event in events} == {
        ("dune-vase", first),
        ("quiet-clock", first),
        ("oak-stool", second),
        ("arch-mirror", second),
    }
    assert {event.get("userId") for event in events if event["sessionId"] == first} <= {None, "ada"}
    assert {event.get("userId") for event in events if event["sessionId"] == second} <= {None, "grace"}
    assert {(row["ITEM_ID"], row["USER_ID"]) for row in await _training_data(demo)} == {
        ("dune-vase", "ada"),
        ("quiet-clock", "ada"),
        ("oak-stool", "grace"),
        ("arch-mirror", "grace"),
    }
    assert visitor.complaints == []


async def test_recommendations_follow_what_one_looks_at(demo: RunningDemo, visitor: Visitor) -> None:
    await visitor.page.goto("/p/monstera")
    await visitor.page.goto("/p/boston-fern")
    await _delivered(demo, 2)
    await visitor.told()

    await visitor.page.goto("/")
    shown = visitor.page.locator('[data-relay-source="home-recommended"]')
    hrefs: list[str] = await shown.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.relayItem)")

    plants = {"monstera", "snake-plant", "cactus-trio", "olive-tree", "boston-fern", "string-of-pearls"}
    assert set(hrefs[:6]) == plants
    assert (await shown.get_attribute("data-relay-recommendation-id") or "").startswith("RID-")


async def test_the_drawer_shows_the_calls_as_they_arrive(demo: RunningDemo, visitor: Visitor) -> None:
    await visitor.page.goto("/p/dune-vase")
    await visitor.page.get_by_role("button", name="Show calls").click()
    anonymous = visitor.page.locator(".strip-call", has_text="anonymous")
    await anonymous.locator(".strip-event", has_text="Dune Vase").wait_for()

    await visitor.sign_in("Grace")
    await visitor.page.goto("/p/oak-stool")
    known = visitor.page.locator(".strip-call", has_text="user grace")
    await known.locator(".strip-event", has_text="Oak Stool").wait_for()
    assert visitor.complaints == []
    assert await demo.calls()


def _without_id_and_time(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("eventId", "sentAt")}


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (320, 640)])
async def test_the_open_drawer_covers_nothing_one_wants_to_press(
    demo: RunningDemo, visitor: Visitor, width: int, height: int
) -> None:
    page = visitor.page
    await page.set_viewport_size({"width": width, "height": height})
    await page.goto("/p/dune-vase")
    await page.get_by_role("button", name="Show calls").click()
    await page.get_by_role("button", name="Add to cart").click()
    await page.wait_for_url("**/cart")
    recommended = page.locator('[data-relay-source="cart-recommended"] .card')
    assert "dune-vase" not in await recommended.evaluate_all("cards => cards.map(card => card.dataset.relayItem)")
    await page.goto("/checkout")
    place = page.get_by_role("button", name="Place order")
    await place.evaluate("button => button.scrollIntoView({block: 'end', behavior: 'instant'})")
    assert await place.evaluate(
        "button => { const {x, y, width, height} = button.getBoundingClientRect();"
        " return button.contains(document.elementFromPoint(x + width / 2, y + height / 2)) }"
    )
    await place.click()
    await page.wait_for_url("**/thanks")
    if width < 600:
        for link in await page.locator("header nav a").all():
            box = await link.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width, "every category is on the screen"
