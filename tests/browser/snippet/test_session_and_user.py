"""One session a visitor, one user a session."""

import asyncio
import re

import pytest
from playwright.async_api import BrowserContext, Page
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.browser.snippet.shop import NEVER, product, running
from tests.support.browser import until
from tests.support.collector import Beacon, Collector

pytestmark = pytest.mark.browser

SESSION = "new Promise(done => relay('session', done))"
FLUSH = "new Promise(done => relay('flush', done))"
ALICE, BOB = "alice." + "a" * 30, "bob." + "b" * 30


def saying(identity: str) -> JSONResponse:
    return JSONResponse({"accepted": 0, "rejected": [], "identity": identity}, 202)


async def test_three_calls_in_one_tick_and_two_tabs_at_once_get_one_id(
    collector: Collector, context: BrowserContext
) -> None:
    url = collector.page("/", "", tag=NEVER)
    tabs = [await context.new_page() for _ in range(2)]
    await asyncio.gather(*(tab.goto(url) for tab in tabs))
    three = "Promise.all([1, 2, 3].map(() => new Promise(done => relay('session', done))))"
    ids = await asyncio.gather(*(tab.evaluate(three) for tab in tabs))
    assert len({session_id for some in ids for session_id in some}) == 1
    assert re.fullmatch(r"\d{30,40}", ids[0][0])


async def test_plain_http_has_sessions_over_all_subdomains(collector: Collector, context: BrowserContext) -> None:
    url = collector.page("/", "", tag=NEVER)
    ids = []
    for host in ("www.shop.example", "checkout.shop.example", "other.example"):
        page = await context.new_page()
        await page.goto(url.replace("127.0.0.1", host))
        assert await page.evaluate("window.isSecureContext") is False
        ids.append(await page.evaluate(SESSION))
    assert ids[0] == ids[1]
    assert ids[2] != ids[0]


async def test_idle_time_ends_a_session(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", "", tag=NEVER + ' data-session-minutes="0.01"'))
    first = await page.evaluate(SESSION)
    assert await page.evaluate(SESSION) == first
    await page.evaluate("new Promise(done => setTimeout(done, 700))")
    assert await page.evaluate(SESSION) != first


async def test_a_reload_keeps_the_session_even_where_the_site_clears_its_cookies(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", "", tag=NEVER))
    first = await page.evaluate(SESSION)
    await context.clear_cookies()
    await page.reload()
    assert await page.evaluate(SESSION) == first


async def test_a_login_binds_at_once_and_what_waits_goes_along(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    await running(page)
    await page.evaluate(f"relay('user', '{ALICE}')")
    await until(lambda: collector.beacons)
    assert collector.beacons[0]["identity"] == ALICE
    assert [event["eventType"] for event in collector.beacons[0]["eventList"]] == ["View"]
    await page.evaluate(FLUSH)
    await page.evaluate(f"relay('user', '{ALICE}')")  # every page of a site may say so
    await page.evaluate(FLUSH)
    assert len(collector.beacons) == 1


async def test_a_login_with_nothing_to_tell_sends_an_empty_beacon(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", "", tag=NEVER))
    await running(page)
    await page.evaluate(f"relay('user', '{ALICE}')")
    await until(lambda: collector.beacons)
    assert collector.beacons[0]["eventList"] == []
    assert collector.beacons[0]["identity"] == ALICE


async def test_a_login_whose_beacon_failed_is_told_by_the_next_page(collector: Collector, page: Page) -> None:
    collector.answer = lambda _: Response("{}", 500)
    await page.goto(collector.page("/", "", tag=NEVER))
    await running(page)
    await page.evaluate(f"relay('user', '{ALICE}')")
    await until(lambda: collector.beacons)
    collector.answer = lambda _: None
    await page.goto(collector.page("/other", "", tag=NEVER))
    await until(lambda: len(collector.beacons) >= 2)
    assert all(beacon["identity"] == ALICE for beacon in collector.beacons)


async def test_a_logout_flushes_as_the_old_user_and_begins_a_new_session(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", product("p1"), tag=NEVER))
    old = await page.evaluate(SESSION)
    other_tab = await context.new_page()
    await other_tab.goto(collector.page("/other", "", tag=NEVER))
    await running(other_tab)
    await page.evaluate(
        f"relay('user', '{ALICE}'); relay('event', 'Purchase'); relay('user', null); relay('event', 'After')"
    )
    await other_tab.evaluate("relay('event', 'Elsewhere')")
    await page.evaluate(FLUSH)
    await until(lambda: len(collector.events) == 4, otherwise=collector.summary)
    sessions = {event["eventType"]: event["sessionId"] for event in collector.events}
    assert sessions["View"] == sessions["Purchase"] == old
    assert sessions["After"] == sessions["Elsewhere"] != old
    users = {beacon["sessionId"]: beacon.get("identity") for beacon in collector.beacons}
    assert users == {old: ALICE, sessions["After"]: None}


async def test_a_logout_offline_still_tells_the_old_users_events_as_theirs(
    collector: Collector, context: BrowserContext, page: Page
) -> None:
    await page.goto(collector.page("/", "", tag=NEVER))
    old = await page.evaluate(SESSION)
    await context.set_offline(True)
    await page.evaluate(f"relay('user', '{ALICE}'); relay('event', 'Purchase'); relay('user', null)")
    await page.evaluate(f"relay('user', '{BOB}'); relay('event', 'Purchase')")
    await page.evaluate(FLUSH)
    assert collector.beacons == []
    await context.set_offline(False)
    await until(lambda: len(collector.events) == 2, otherwise=collector.summary)
    assert [(beacon["sessionId"] == old, beacon["identity"]) for beacon in collector.beacons] == [
        (True, ALICE),
        (False, BOB),
    ]


async def test_a_conflict_begins_a_new_session_for_the_new_user(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", "", tag=NEVER))
    old = await page.evaluate(SESSION)

    def shared(beacon: Beacon) -> Response | None:
        return saying("conflict") if beacon["sessionId"] == old else None

    collector.answer = shared
    await page.evaluate(f"relay('user', '{BOB}')")
    await until(lambda: len(collector.beacons) == 2)
    assert collector.beacons[1]["sessionId"] == await page.evaluate(SESSION) != old
    assert collector.beacons[1]["identity"] == BOB


@pytest.mark.parametrize("answer", [PlainTextResponse(BOB + "\n"), JSONResponse({"identity": BOB})])
@pytest.mark.parametrize("result", ["expired", "mismatch"])
async def test_a_token_that_no_longer_fits_is_fetched_again(
    collector: Collector, page: Page, answer: Response, result: str
) -> None:
    collector.pages["/whoami"] = answer
    collector.answer = lambda beacon: saying(result) if beacon.get("identity") == ALICE else None
    await page.goto(collector.page("/", "", tag=NEVER + ' data-identity-url="/whoami"'))
    await running(page)
    await page.evaluate(f"relay('user', '{ALICE}')")
    await until(lambda: len(collector.beacons) == 2)
    assert collector.beacons[1]["identity"] == BOB


async def test_a_login_page_in_place_of_a_token_is_no_token(collector: Collector, page: Page) -> None:
    collector.raw("/whoami", "<html>please log in</html>")
    collector.answer = lambda beacon: saying("expired") if beacon.get("identity") else None
    await page.goto(collector.page("/", "", tag=NEVER + ' data-identity-url="/whoami"'))
    await running(page)
    async with page.expect_response("**/whoami"):
        await page.evaluate(f"relay('user', '{ALICE}')")
    await page.evaluate("relay('event', 'After')")
    await page.evaluate(FLUSH)
    assert "identity" not in collector.beacons[-1]


async def test_an_idle_break_keeps_the_user(collector: Collector, page: Page) -> None:
    await page.goto(collector.page("/", "", tag=NEVER + ' data-session-minutes="0.01"'))
    await running(page)
    await page.evaluate(f"relay('user', '{ALICE}')")
    await page.evaluate(FLUSH)
    await page.evaluate("new Promise(done => setTimeout(done, 700))")
    await page.evaluate("relay('event', 'Back')")
    await page.evaluate(FLUSH)
    assert collector.beacons[-1]["identity"] == ALICE
    assert collector.beacons[-1]["sessionId"] != collector.beacons[0]["sessionId"]
