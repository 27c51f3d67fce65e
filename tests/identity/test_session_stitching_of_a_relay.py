"""The link Personalize needs, seen in what it would train on: `interactions.csv` of the emulator."""

import csv
import io
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import SESSION, RunningRelay, running_relay, until

LOOKED_AT = ["p1", "p2", "p3"]


@pytest.fixture
async def emulator() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


async def look_and_log_in(relay: RunningRelay, *events: dict[str, object]) -> None:
    """A visitor who looks around, then logs in; the beacon of the login holds these events."""
    now_ms = relay.clock.now_ms()
    for number, item in enumerate(LOOKED_AT):
        await relay.send({"eventType": "View", "itemId": item, "sentAt": now_ms - 60_000 + number * 1000})
    await relay.delivered()
    beacon = relay.beacon(eventList=list(events), identity=relay.login("u1"))
    assert (await relay.post(beacon)).json()["identity"] == "ok"
    await relay.delivered()


async def trained_on(relay: RunningRelay, emulator: RunningEmulator) -> list[tuple[str, str]]:
    """User and item of every interaction."""
    text = (await relay.http.get(f"{emulator.url}/_emulator/interactions.csv")).text
    return [(row["USER_ID"], row["ITEM_ID"]) for row in csv.DictReader(io.StringIO(text))]


async def links(relay: RunningRelay) -> int:
    text = (await relay.http.get(f"{relay.admin_url}/metrics")).text
    (line,) = [line for line in text.splitlines() if line.startswith("relay_link_events_total ")]
    return int(float(line.split()[1]))


async def test_without_links_what_was_looked_at_before_a_login_counts_for_nobody(emulator: RunningEmulator) -> None:
    async with running_relay(env=emulator.env) as relay:
        await look_and_log_in(relay)
        assert await trained_on(relay, emulator) == []
        assert await links(relay) == 0
    assert len(emulator.events()) == 3


async def test_with_them_it_is_the_users_for_the_price_of_one_interaction_too_many(emulator: RunningEmulator) -> None:
    async with running_relay(env=emulator.env, link_after_s="0.2") as relay:
        await look_and_log_in(relay)
        await until(lambda: len(emulator.events()) == 4)
        assert await trained_on(relay, emulator) == [("u1", item) for item in [*LOOKED_AT, LOOKED_AT[-1]]]
        *first, repeat = emulator.events()
        assert (repeat["sessionId"], repeat["userId"]) == (SESSION, "u1")
        assert repeat["eventId"] not in {event["eventId"] for event in first}
        assert repeat["sentAt"] == first[-1]["sentAt"] + 1
        await relay.delivered()
        assert await links(relay) == 1
        text = (await relay.http.get(f"{relay.admin_url}/metrics")).text
        assert "relay_events_accepted_total 4.0" in text
        assert "relay_events_delivered_total 4.0" in text


async def test_nothing_is_repeated_where_an_event_of_the_visitors_own_makes_the_link(
    emulator: RunningEmulator,
) -> None:
    async with running_relay(env=emulator.env, link_after_s="0.5") as relay:
        await look_and_log_in(relay, {"eventType": "View", "itemId": "p4"})
        # A second visitor, later and without an event: once theirs is repeated, the first one's time is over, too.
        second = "session-of-the-second-visitor"
        await relay.send({"eventType": "View", "itemId": "q1"}, session=second)
        await relay.delivered()
        await relay.post(relay.beacon(eventList=[], identity=relay.login("u2"), session=second))
        await until(lambda: any(event.get("userId") == "u2" for event in emulator.events()))
        users = [("u1", item) for item in [*LOOKED_AT, "p4"]] + [("u2", "q1"), ("u2", "q1")]
        assert await trained_on(relay, emulator) == users
        assert await links(relay) == 1


async def test_an_outage_does_not_make_a_link_that_is_not_needed(emulator: RunningEmulator) -> None:
    async with running_relay(env=emulator.env, link_after_s="0.1") as relay:
        await relay.send({"eventType": "View", "itemId": "p1"})
        await relay.delivered()
        await faults(relay, emulator, {"throttling": 1.0})
        await relay.send({"eventType": "View", "itemId": "p2"}, identity=relay.login("u1"))
        await until(lambda: len(emulator.bodies(taken=False)) > 2)
        await faults(relay, emulator, {})
        await relay.delivered()
        assert await trained_on(relay, emulator) == [("u1", "p1"), ("u1", "p2")]
        assert await links(relay) == 0


async def test_a_link_not_yet_made_survives_a_restart(emulator: RunningEmulator, tmp_path: Path) -> None:
    spool = {"spool_url": f"sqlite:///{tmp_path / 'spool.db'}", "link_after_s": "600"}
    async with running_relay(env=emulator.env, **spool) as relay:
        await look_and_log_in(relay)
    async with running_relay(env=emulator.env, **spool) as relay:
        await relay.delivered()
        users = [("u1", item) for item in [*LOOKED_AT, LOOKED_AT[-1]]]
        assert await trained_on(relay, emulator) == users
        await relay.post(relay.beacon(eventList=[], identity=relay.login("u1")))
    async with running_relay(env=emulator.env, **spool) as relay:
        await relay.delivered()
        assert await trained_on(relay, emulator) == users


async def test_an_erased_user_is_not_brought_back(emulator: RunningEmulator) -> None:
    async with running_relay(env=emulator.env, link_after_s="3") as relay:  # time enough to erase
        await look_and_log_in(relay)
        await relay.relay.edge.spool.erase(user_id="u1")
        second = "session-of-the-second-visitor"
        await relay.send({"eventType": "View", "itemId": "q1"}, session=second)
        await relay.delivered()
        await relay.post(relay.beacon(eventList=[], identity=relay.login("u2"), session=second))
        await until(lambda: any(event.get("userId") == "u2" for event in emulator.events()))
        assert all(event.get("userId") != "u1" for event in emulator.events())


async def faults(relay: RunningRelay, emulator: RunningEmulator, plan: dict[str, Any]) -> None:
    answer = await relay.http.put(f"{emulator.url}/_emulator/faults", json=plan)
    assert answer.is_success, answer.text
