"""Bots and Global Privacy Control: beacons that are taken and thrown away, and say so."""

import pytest

from relay.core.model import Piece
from relay.web.routes.beacon_rules import MOST_LOST
from relay.web.routes.known_bots import BotKind, bot_kind
from tests.support.relay import SESSION, RunningEdge, running_edge

PEOPLE = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) Mobile/15E148 [FBAN/FBIOS;FBAV/530.0;MetaIAB Facebook]",
    "Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/AP4A; wv) AppleWebKit/537.36 Chrome/141.0 Mobile Instagram 400.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Electron/39.0 Shop/1.0",
    "Mozilla/5.0 (iPhone) WhatsApp",
]
LIBRARIES = [
    "curl/8.16.0",
    "python-requests/2.32",
    "python-httpx/0.28",
    "Go-http-client/2.0",
    "axios/1.12",
    "okhttp/5.1",
]
BOTS = {
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": BotKind.CRAWLER,
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/130.0": BotKind.CRAWLER,
    "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)": BotKind.CRAWLER,
    "SomeNewBot/0.1": BotKind.CRAWLER,
    "facebookexternalhit/1.1": BotKind.PREVIEW,
    "WhatsApp/2.23.20": BotKind.PREVIEW,
    "Mozilla/5.0 (compatible; Google-Read-Aloud)": BotKind.PREFETCH,
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/142.0 Safari/537.36": BotKind.HEADLESS,
    "Mozilla/5.0 (Linux; Android 11) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36 Chrome-Lighthouse": (
        BotKind.HEADLESS
    ),
}
GOOGLEBOT = next(iter(BOTS))


@pytest.mark.parametrize("agent", [*PEOPLE, *LIBRARIES, ""])
def test_people_and_http_libraries_are_no_bots(agent: str) -> None:
    assert bot_kind(agent.encode()) is None


@pytest.mark.parametrize("agent", BOTS)
def test_bots_are_known_by_their_names(agent: str) -> None:
    assert bot_kind(agent.encode()) is BOTS[agent]


async def metric(relay: RunningEdge, line: str) -> bool:
    return line in (await relay.http.get(f"{relay.admin_url}/metrics")).text


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
async def test_a_bot_s_beacon_is_dropped_and_counted(straight: bool) -> None:
    async with running_edge(straight=straight) as relay:
        answer = await relay.post(relay.beacon({"eventType": "View"}, {"eventType": "View"}), user_agent=GOOGLEBOT)
        assert answer.status_code == 202
        assert answer.json() == {"accepted": 0, "rejected": [], "identity": "none", "ignored": 2}
        assert relay.spool.stats().accepted == 0
        assert await metric(relay, 'relay_beacons_ignored_total{cause="crawler"} 1.0')


async def test_a_bot_s_beacon_is_kept_when_asked_and_counted_when_marked() -> None:
    async with running_edge(bots="mark") as relay:
        assert (await relay.post(relay.beacon(), user_agent=GOOGLEBOT)).json()["accepted"] == 1
        assert await metric(relay, 'relay_beacons_marked_total{cause="crawler"} 1.0')
    async with running_edge(bots="keep") as kept, running_edge(dev="1") as at_home:
        for relay in (kept, at_home):
            assert (await relay.post(relay.beacon(), user_agent=GOOGLEBOT)).json()["accepted"] == 1


async def test_a_forged_token_of_a_bot_is_still_a_401() -> None:
    async with running_edge() as relay:
        assert (await relay.post(relay.beacon(token="x.y.z"), user_agent=GOOGLEBOT)).status_code == 401


async def test_global_privacy_control_is_the_page_s_to_decide_unless_told() -> None:
    async with running_edge() as relay:
        assert (await relay.post(relay.beacon(), sec_gpc="1")).json()["accepted"] == 1
    async with running_edge(gpc="off") as relay:
        assert (await relay.post(relay.beacon(), sec_gpc="1")).json()["ignored"] == 1
        assert (await relay.post(relay.beacon(), sec_gpc="0")).json()["accepted"] == 1
        assert await metric(relay, 'relay_beacons_ignored_total{cause="gpc"} 1.0')


async def test_who_wants_not_to_be_known_uses_and_makes_no_binding() -> None:
    async with running_edge(gpc="anonymous") as relay:
        token = relay.login("u1")
        await relay.send(identity=token)
        answer = await relay.post(relay.beacon(identity=token), sec_gpc="1")
        assert answer.json() == {"accepted": 1, "rejected": [], "identity": "none"}
        other = "another-session-0001"
        await relay.post(relay.beacon(identity=token, session=other), sec_gpc="1")
        await relay.send(identity=relay.login("u2"), session=other)
        by_session: list[tuple[str, str | None]] = []
        while relay.spool.stats().pending:
            for lease in await relay.spool.lease(max_sessions=10):
                by_session += [(record.key.session_id, record.user_id) for record in lease.records]
                relay.spool.settle(lease, delivered=[Piece(record, record.waiting) for record in lease.records])
    assert sorted(by_session, key=str) == sorted(
        [(SESSION, "u1"), (SESSION, None), (other, None), (other, "u2")], key=str
    ), "what came anonymously stays so, and the session is nobody's by it"


async def test_what_a_page_says_it_lost_is_bounded() -> None:
    async with running_edge() as relay:
        await relay.send(lost={"outbox_full": 2**53})
        assert await metric(relay, f'relay_events_lost_total{{reason="outbox_full"}} {MOST_LOST}.0')
