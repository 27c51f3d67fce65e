"""What the pages tell."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from relay.emulator.wire.faults import FaultSpec
from relay.identity.tokens import ServerClaims, Tokens
from relay.insight.delivered import MOST_NAMES
from relay.insight.told import RefusedBeacon
from relay.web.admin.views import events, sessions
from relay.web.admin.views.answering import MOST_REST_MS
from tests.insight.attribution import attribute, counted
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import KEY, SESSION, RunningRelay, running_edge, running_relay

JSON = {"accept": "application/json"}
PAGES = ("/", "/events", "/sessions", "/refusals", "/lists", "/losses", "/properties", "/buried", "/words")
HOSTILE = "<img src=x onerror=alert(1)>\"'`&</td></table>\u202e${7*7}{{7}}"


@pytest.fixture
async def emulator() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


async def data(relay: Any, path: str) -> Any:
    return (await relay.http.get(relay.admin_url + path, headers=JSON)).json()


def admin(relay: Any) -> dict[str, str]:
    token = Tokens([KEY], clock=relay.clock).mint(ServerClaims("default", ("admin",)))
    return {"authorization": f"Bearer {token}"}


async def first_buried(relay: RunningRelay) -> Any:
    """The first that is buried, once it is on disk."""
    async with asyncio.timeout(15):
        while not (found := (await data(relay, "/buried"))["buried"]):  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.05)
    return found[0]


async def test_the_pages_own_stream_says_only_that_there_is_more_and_pages_say_how_long_to_rest(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    async with running_relay(env=emulator.env, spool_url=f"sqlite:///{tmp_path}/s.db") as relay:
        await relay.send({"eventId": "e1", "eventType": "Click", "itemId": "p1"})
        async with relay.http.stream("GET", f"{relay.admin_url}/events/stream?bell&after=0") as answer:
            said = [line async for line in _until_data(answer.aiter_lines())]
        assert said[-1] == "data: {}"
        page = await relay.http.get(f"{relay.admin_url}/events")
        assert 0 <= int(page.headers["relay-rest-ms"]) <= MOST_REST_MS


async def _until_data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith("data:"):
            return


async def test_a_session_is_followed_from_its_beacon_to_the_call_with_its_request_id(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    async with running_relay(
        env=emulator.env, spool_url=f"sqlite:///{tmp_path}/s.db", archive_bytes="1048576"
    ) as relay:
        await relay.send({"eventId": "e1", "eventType": "Click", "itemId": "p1", "eventValue": "much"}, seq=3)
        await relay.delivered()
        await relay.send({"eventId": "e2", "eventType": "Purchase", "itemId": "p1"}, identity=relay.login("u1"), seq=4)
        await relay.delivered()
        found = await data(relay, f"/sessions/{SESSION}")
        beacons = [line for line in found["timeline"] if line["kind"] == "beacon"]
        calls = [line for line in found["timeline"] if line["kind"] == "call"]
        assert [(one["seq"], one["identity"]) for one in beacons] == [(3, "none"), (4, "ok")]
        assert beacons[0]["events"][0]["dropped"] == [{"field": "eventValue", "reason": "bad_number"}]
        ids = [one["events"][0]["calls"][0]["requestId"] for one in beacons]
        assert ids == [call["requestId"] for call in calls]
        assert all(ids)
        page = (await relay.http.get(f"{relay.admin_url}/sessions/{SESSION}")).text
        assert ids[0] in page
        assert "u1" not in page
        for wanted in (SESSION, "e2", "p1"):
            assert [one["session"] for one in (await data(relay, f"/sessions?q={wanted}"))["sessions"]] == [SESSION]
        assert (await data(relay, "/sessions?q=u1"))["sessions"] == [], "users are not shown, nor found"


async def test_users_are_shown_and_found_where_that_is_set() -> None:
    async with running_edge(admin_show_users="1") as relay:
        await relay.send(identity=relay.login("u1"))
        assert [one["session"] for one in (await data(relay, "/sessions?q=u1"))["sessions"]] == [SESSION]
        assert (await data(relay, "/events?user=u1"))["events"][0]["user"] == "u1"
        assert (await data(relay, "/events?user=other"))["events"] == []


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [("session", SESSION, 2), ("item", "p1", 1), ("item", "p9", 0), ("type", "View", 1), ("verdict", "empty", 1),
     ("verdict", "origin", 1), ("verdict", "gpc", 0), ("verdict", "dropped", 2), ("verdict", "bad_type", 1),
     ("verdict", "bad_number", 1), ("site", "default", 2), ("site", "other", 0)],
)  # fmt: skip
async def test_the_tail_is_filtered(name: str, value: str, count: int) -> None:
    async with running_edge() as relay:
        await relay.send({"eventType": "View", "itemId": "p1"}, {"eventType": ""}, lost="much")
        await relay.send({"eventType": "Click", "itemId": "p2", "eventValue": "much"})
        await relay.post(relay.beacon(), origin="https://evil.example")
        assert len((await data(relay, f"/events?{name}={value}"))["events"]) == count


async def test_lists_count_as_the_metric_attribution_of_the_service_does(emulator: RunningEmulator) -> None:
    kinds = ("Click", "AddToCart", "Purchase")
    await attribute(emulator, *kinds)
    async with running_relay(env=emulator.env) as relay:
        for number in range(30):
            source = {} if number % 7 == 0 else {"eventAttributionSource": f"list-{number % 4}"}
            event: dict[str, Any] = {"eventType": kinds[number % 3], "itemId": f"p{number}"}
            if source:
                event["metricAttribution"] = source
            await relay.send(event | {"recommendationId": f"RID-{number % 4}"}, session=f"session-{number % 5:020}")
        await relay.delivered()
        shown = {row["name"]: row["hour"] for row in (await data(relay, "/lists"))["sources"]}
        expected = counted(emulator)
        assert {
            (name, kind): row[column]
            for name, row in shown.items()
            for kind, column in zip(kinds, ("clicked", "carts", "purchases"), strict=True)
            if row[column]
        } == expected
        assert len(expected) > 9


async def test_of_recommendation_ids_so_many_are_told_apart_and_the_rest_is_one_row(
    emulator: RunningEmulator,
) -> None:
    async with running_relay(env=emulator.env) as relay:
        more = MOST_NAMES["recommendation"] + 7
        await relay.send(
            *({"eventType": "Click", "itemId": "p1", "recommendationId": f"RID-{number}"} for number in range(more))
        )
        await relay.delivered()
        rows = (await data(relay, "/lists"))["recommendations"]
        assert sum(row["day"]["clicked"] for row in rows) >= more - 1, "the page has 200 rows at most"
        assert {row["name"]: row["hour"]["clicked"] for row in rows}["(others)"] == 7


async def test_what_was_seen_counts_once_for_a_session_however_often_it_is_told(emulator: RunningEmulator) -> None:
    async with running_relay(env=emulator.env) as relay:
        event = {"eventType": "Click", "itemId": "a", "impression": ["a", "b"], "recommendationId": "RID-1"}
        for session in ("session-of-anna-0001", "session-of-anna-0001", "session-of-bert-0001"):
            await relay.send(event, session=session)
        await relay.delivered()
        (row,) = (await data(relay, "/lists"))["recommendations"]
        assert (row["hour"]["seen"], row["hour"]["clicked"], row["hour"]["clickThrough"]) == (4, 3, 0.75)


async def test_losses_are_told_by_browser_and_the_last_hour_outlives_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    agent = "Mozilla/5.0 (X11; rv:127.0) Gecko/20100101 Firefox/127.0"
    async with running_relay(spool_url=url, sink=f"jsonl:{tmp_path}/out") as relay:
        for number in (1, 5, 3, 5):
            lost = {"outbox_full": 2} if number == 1 else {}
            answer = await relay.post(relay.beacon(seq=number, lost=lost), user_agent=agent)
            assert answer.status_code == 202
        await data(relay, "/losses")  # all is counted
        metrics = (await relay.http.get(f"{relay.admin_url}/metrics")).text
        assert 'relay_beacons_numbered_total{browser="Firefox",state="missing"} 3.0' in metrics
    async with running_relay(spool_url=url, sink=f"jsonl:{tmp_path}/out") as relay:
        hour = (await data(relay, "/losses"))["hour"]
        assert hour["browsers"] == {"Firefox": {"arrived": 2, "late": 1, "repeated": 1, "missing": 2}}
        assert hour["lost"] == [{"reason": "outbox_full", "browser": "Firefox", "events": 2}]
        live = await data(relay, "/")
        assert live["lastHour"]["ledger"]["accepted"] == 4
        assert live["sinceStart"]["accepted"] == 0


@pytest.mark.parametrize(
    "path", ["/events?item=nothing-like-it", "/sessions?q=nothing-like-it", "/sessions/nobody-knows"]
)
async def test_who_looks_for_a_needle_lets_others_in_between(path: str) -> None:
    async with running_edge() as relay:
        for number in range(1_000):
            beacon = RefusedBeacon(
                "beacon", 403, "origin", "", "https://o.example", "", f"session-{number}", trusted=False
            )
            relay.edge.insight.ring.add(relay.clock.now_ms(), beacon.session_id, 1, beacon)
        loop, turns = asyncio.get_running_loop(), 0
        view = {"/events": events.events, "/sessions": sessions.sessions}.get(path.partition("?")[0], sessions.session)
        scope = {"type": "http", "query_string": path.partition("?")[2].encode(), "path_params": {"session": "nobody"}}

        def turn() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(turn)

        loop.call_soon(turn)
        await view(relay.edge, Request(scope))
        assert turns >= 1_000 // 200


async def test_hostile_strings_in_every_field_stay_text() -> None:
    async with running_edge(admin_show_users="1") as relay:
        event = {"eventType": HOSTILE, "itemId": HOSTILE, "eventId": HOSTILE, "recommendationId": HOSTILE,
                 "impression": [HOSTILE], "properties": {HOSTILE: HOSTILE}, HOSTILE: HOSTILE}  # fmt: skip
        await relay.send(
            event, {"eventType": "x", "eventValue": HOSTILE}, identity=relay.login(HOSTILE), lost={HOSTILE: 1}
        )
        await relay.post(relay.beacon(), origin=HOSTILE.encode("ascii", "ignore").decode())
        for path in (
            *PAGES,
            f"/sessions/{SESSION}",
            "/sessions?q=" + "%22%3E%3Cimg%20src%3Dx%3E",
            "/sessions/%3Cimg%3E",
        ):
            text = (await relay.http.get(relay.admin_url + path)).text
            assert "<img" not in text, path
            assert "</table>\u202e" not in text, path


async def test_what_is_buried_is_sent_again_after_it_was_confirmed_with_a_token(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    emulator.emulator.faults.apply(FaultSpec(refuse_items=["bad"]))
    async with running_relay(env=emulator.env, spool_url=f"sqlite:///{tmp_path}/s.db") as relay:
        await relay.send({"eventType": "View", "itemId": "bad"})
        one = await first_buried(relay)
        form = {"verb": "replay", "number": str(one["number"])}
        url = f"{relay.admin_url}/buried"
        assert (await relay.http.post(url, data=form)).status_code == 401
        foreign = admin(relay) | {"origin": "https://evil.example"}
        assert (await relay.http.post(url, data=form, headers=foreign)).status_code == 403
        asked = await relay.http.post(url, data=form, headers=admin(relay) | JSON)
        assert asked.json()["confirm"] == "replay"
        assert relay.relay.edge.spool.stats().accepted == 1, "not yet"
        emulator.emulator.faults.apply(FaultSpec())
        done = await relay.http.post(url, data=form | {"confirmed": "yes"}, headers=admin(relay) | JSON)
        assert done.json()["done"] == 1
        await relay.delivered()
        assert [event["itemId"] for event in emulator.events()] == ["bad"]


async def test_what_is_buried_is_discarded_the_same_way_and_a_get_changes_nothing(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    emulator.emulator.faults.apply(FaultSpec(refuse_items=["bad"]))
    async with running_relay(env=emulator.env, spool_url=f"sqlite:///{tmp_path}/s.db") as relay:
        await relay.send({"eventType": "View", "itemId": "bad"})
        one = await first_buried(relay)
        form = {"verb": "discard", "number": str(one["number"]), "confirmed": "yes"}
        url = f"{relay.admin_url}/buried"
        assert (await relay.http.get(url, params=form, headers=admin(relay) | JSON)).json()["buried"] == [one]
        done = await relay.http.post(url, data=form, headers=admin(relay) | JSON)
        assert done.json()["done"] == 1
        assert (await data(relay, "/buried"))["buried"] == []
        assert relay.relay.edge.spool.stats().buried == {"InvalidInputException": 1}, "it was buried all the same"


async def test_an_access_request_finds_what_is_held_and_an_erasure_leaves_nothing(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    async with running_relay(
        env=emulator.env, spool_url=f"sqlite:///{tmp_path}/s.db", archive_bytes="1048576"
    ) as relay:
        await relay.send({"eventType": "View", "itemId": "p1"}, identity=relay.login("anna"))
        await relay.delivered()
        body = {"userId": "anna"}
        url = f"{relay.admin_url}/held"
        assert (await relay.http.post(url, json=body)).status_code == 401, "it changes nothing, and is about a person"
        found = (await relay.http.post(url, json=body, headers=admin(relay) | JSON)).json()
        assert (found["remembered"], found["sessions"]) == (2, [SESSION])
        await relay.relay.edge.spool.erase(user_id="anna")
        left = (await relay.http.post(url, json=body, headers=admin(relay) | JSON)).json()
        assert (left["remembered"], left["sessions"], left["events"], left["refused"]) == (0, [], [], True)
        assert (await data(relay, f"/sessions/{SESSION}"))["timeline"] == []
