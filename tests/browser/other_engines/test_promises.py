"""The same promises in Firefox and in Safari's engine: closing, navigating, hiding, tabs, storage, session, login."""

import asyncio
from contextlib import suppress
from functools import partial

import pytest
from starlette.responses import JSONResponse, Response

from tests.browser.other_engines.visitor import TAG, Visitor
from tests.browser.snippet.shop import HOME, product
from tests.browser.snippet.test_what_is_seen import HIDDEN, LIST, slides
from tests.support.browser import until
from tests.support.collector import Beacon, Collector, fail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WAITING = "JSON.parse(localStorage['_relay.events'] ?? '[]').length"
ALICE = "alice." + "a" * 30


def _has(collector: Collector, event: tuple[str, str]) -> bool:
    return event in collector.summary()


async def test_a_tab_that_closes_sends_what_waits_or_leaves_it_to_the_next_page(
    collector: Collector, visitor: Visitor
) -> None:
    arrived_at_close = 0
    for time in range(5):
        await visitor.open_in_new_tab(collector.page("/", product(f"p{time}"), tag=TAG))
        await visitor.session()
        await visitor.click("button")
        await visitor.close_tab()
        # A busy Firefox may end the process of a tab before its beacon is out.
        with suppress(AssertionError):
            await until(partial(_has, collector, ("AddToCart", f"p{time}")), within_s=2)
            arrived_at_close += 1
    await visitor.open(collector.page("/next", "", tag=TAG))
    expected = sorted((event, f"p{time}") for event in ("AddToCart", "View") for time in range(5))
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)
    assert arrived_at_close


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["on the site", "to another site"])
async def test_a_click_that_navigates_arrives(collector: Collector, visitor: Visitor, host: str) -> None:
    collector.raw("/plain", "<!doctype html>plain")
    url = collector.origin.replace("127.0.0.1", host) + "/plain"
    await visitor.open(collector.page("/", f'<a data-relay-item="p1" href="{url}">one</a>' + HOME, tag=TAG))
    await visitor.session()
    await visitor.click("a")
    await until(lambda: collector.summary() == [("Click", "p1")], otherwise=collector.summary)


async def test_a_page_that_is_hidden_and_shown_again_sends_without_losing_or_inventing(
    collector: Collector, visitor: Visitor
) -> None:
    await visitor.open(collector.page("/", product("p1"), tag=TAG))
    await visitor.session()
    await visitor.click("button")
    # MiniBrowser does not hide a tab behind another, so both are told so.
    for hidden in ("true", "false"):
        await visitor.run(
            f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}});"
            "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"
        )
    await until(lambda: len(collector.events) == 2, otherwise=collector.summary)
    await visitor.run("relay('event', 'Purchase', {itemId: 'p1'}); relay('flush')")
    expected = [("AddToCart", "p1"), ("Purchase", "p1"), ("View", "p1")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)
    await until(lambda: visitor.run(f"return {WAITING} === 0"))


async def test_back_and_forward_count_each_showing_once(collector: Collector, visitor: Visitor) -> None:
    for number in (1, 2):
        collector.page(f"/p/{number}", product(f"p{number}"), tag=TAG)
    await visitor.open(collector.origin + "/p/1")
    await visitor.session()
    await visitor.run("location.href = '/p/2'")
    for item, direction in (("p2", "back"), ("p1", "forward"), ("p2", "")):
        await until(partial(visitor.run, f"return !!document.querySelector('[data-relay-view={item}]')"))
        await visitor.session()
        if direction:
            await visitor.go(direction)
    await visitor.run("relay('flush')")
    expected = [("View", "p1"), ("View", "p1"), ("View", "p2"), ("View", "p2")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)


async def test_two_tabs_send_each_event_once_and_never_at_the_same_time(collector: Collector, visitor: Visitor) -> None:
    at_once = [0, 0]

    async def slowly(beacon: Beacon) -> Response:
        # At hide there is no time to take turns, and Firefox hides one tab when the other is shown.
        takes_turns = collector.beacons[-1]["headers"]["sec-fetch-mode"] == "cors"
        at_once[0] += takes_turns
        at_once[1] = max(at_once)
        await asyncio.sleep(0.03)  # the network
        at_once[0] -= takes_turns
        return JSONResponse({"accepted": len(beacon["eventList"]), "rejected": [], "identity": "none"}, 202)

    collector.answer = slowly
    url = collector.page("/", "", tag='data-debug data-flush-ms="20" data-flush-size="3"')
    await visitor.open(url)
    await visitor.session()
    await visitor.open_in_new_tab(url)
    await visitor.session()
    made = [(number, tab) for number in range(8) for tab in (0, 1)]
    for number, tab in made:
        await visitor.show_tab(tab)
        await visitor.run(f"relay('event', 'Click', {{itemId: 't{tab}-{number}'}})")
    expected = sorted(("Click", f"t{tab}-{number}") for number, tab in made)
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)
    await until(lambda: visitor.run(f"return {WAITING} === 0"))
    assert at_once[1] == 1
    assert len({event["sessionId"] for event in collector.events}) == 1
    await visitor.show_tab(1)
    await visitor.close_tab()


async def test_what_was_seen_goes_with_the_click(collector: Collector, visitor: Visitor) -> None:
    count = "<script>window.seen = 0; console.log = (...line) => { window.seen += line[1] === 'seen' }</script>"
    stay = "<script>addEventListener('click', event => event.preventDefault())</script>"
    await visitor.open(collector.page("/", HOME, tag='data-debug data-flush-ms="50"', head=count + stay))
    await until(lambda: visitor.run("return window.seen >= 2"))
    await visitor.click("a")
    click = (await until(lambda: collector.of_type("Click")))[0]
    assert (click["itemId"], click["impression"]) == ("p1", ["p1", "p2"])


async def test_tabs_and_reloads_share_a_session_until_logout(collector: Collector, visitor: Visitor) -> None:
    url = collector.page("/", product("p1"), tag=TAG)
    await visitor.open(url)
    first = await visitor.session()
    await visitor.open_in_new_tab(url)
    assert await visitor.session() == first
    await visitor.run("relay('user', null)")
    assert await visitor.session() == first  # nobody was logged in
    await visitor.run(f"relay('user', '{ALICE}'); relay('user', null)")
    fresh = await visitor.session()
    await visitor.close_tab()
    assert await visitor.session() == fresh != first


async def test_what_nobody_can_see_was_not_seen(collector: Collector, visitor: Visitor) -> None:
    hidden = [*HIDDEN.values(), '<div data-relay-item="x" style="opacity:0">x</div>', slides("visibility:hidden")]
    body = LIST.format("".join(hidden) + '<div data-relay-item="p">p</div>')
    header = '<header style="position:fixed;inset:0 0 auto;height:60px;background:#fff">shop</header>'
    covered = '<div data-relay-item="c" style="height:50px">covered</div>'
    await visitor.open(collector.page("/", body.replace("<section", f"{header}<section", 1), tag=TAG))
    await visitor.session()
    await visitor.run(f"document.querySelector('section').insertAdjacentHTML('afterbegin', `{covered}`)")
    click = "document.querySelector('[data-relay-item=p]').click()"
    await visitor.run(f"setTimeout(() => {{ {click}; relay('flush') }}, 1800)")
    found = (await until(lambda: collector.of_type("Click")))[0]
    assert found["impression"] == ["s0", "p"]


async def test_values_that_cannot_be_used_cost_themselves(collector: Collector, visitor: Visitor) -> None:
    body = (
        '<section data-relay-list data-relay-source="Für dich">'
        '<button data-relay-item="p1" data-relay-event="AddToCart" data-relay-value="19,90">add</button></section>'
    )
    await visitor.open(collector.page("/", body, tag=TAG))
    await visitor.session()
    await visitor.click("button")
    await visitor.run("relay('event', 'Purchase', {itemId: 42, eventValue: '19.90'}); relay('flush')")
    cart, purchase = await until(lambda: len(collector.events) == 2 and collector.events)
    assert not {"eventValue", "metricAttribution"} & cart.keys()
    assert (purchase["itemId"], purchase["eventValue"]) == ("42", 19.9)


async def test_storage_cleared_after_a_purchase_loses_nothing(collector: Collector, visitor: Visitor) -> None:
    await visitor.open(collector.page("/", product("p1"), tag=TAG))
    await visitor.session()
    await visitor.run("relay('event', 'Purchase', {itemId: 'p1'}); localStorage.clear(); relay('flush')")
    expected = [("Purchase", "p1"), ("View", "p1")]
    await until(lambda: collector.summary() == expected, otherwise=collector.summary)


async def test_a_login_binds_at_once(collector: Collector, visitor: Visitor) -> None:
    await visitor.open(collector.page("/", product("p1"), tag=TAG))
    await visitor.session()
    await visitor.run(f"relay('user', '{ALICE}')")
    await until(lambda: collector.beacons)
    assert collector.beacons[0]["identity"] == ALICE
    await visitor.run("relay('user', null)")


async def test_a_sandboxed_frame_has_sessions_in_memory(collector: Collector, visitor: Visitor) -> None:
    collector.page("/frame", product("p1"), tag='data-debug data-flush-ms="20"')
    await visitor.open(collector.raw("/", '<!doctype html><iframe sandbox="allow-scripts" src="/frame"></iframe>'))
    await until(lambda: collector.of_type("View"))


async def test_an_outage_survives_a_reload(collector: Collector, visitor: Visitor) -> None:
    collector.answer = fail(500)
    await visitor.open(collector.page("/", product("p1"), tag='data-debug data-flush-ms="20"'))
    await until(lambda: collector.beacons)
    collector.answer = lambda _: None
    await visitor.open(collector.page("/other", "", tag='data-debug data-flush-ms="20"'))
    await until(lambda: collector.taken)
    assert collector.summary() == [("View", "p1")]
