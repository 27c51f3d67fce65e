"""Two relays on one database: whichever is asked, its pages and the command line give what both have counted."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.cli.test_serve import run
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.postgres import Cluster
from tests.support.relay import SESSION, RunningRelay, relay_environ, running_relay

JSON = {"accept": "application/json"}
PAGES = ("/", "/refusals", "/lists", "/losses", "/properties")
LIST = {"metricAttribution": {"eventAttributionSource": "home"}, "properties": {"price": 1}}
Two = tuple[RunningRelay, RunningRelay]


@pytest.fixture
async def emulator() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


@asynccontextmanager
async def two_relays(emulator: RunningEmulator, database: str) -> AsyncGenerator[Two]:
    """That share sessions between them, once both know of the other."""
    async with (
        running_relay(env=emulator.env, spool_url=database, archive_bytes="1048576") as one,
        running_relay(env=emulator.env, spool_url=database, archive_bytes="1048576") as other,
    ):
        async with asyncio.timeout(30):
            while min(relay.relay.edge.spool.share() for relay in (one, other)) == 0:  # noqa: ASYNC110 - of the database
                await asyncio.sleep(0.05)
        yield one, other


async def data(relay: RunningRelay, path: str) -> Any:
    return (await relay.http.get(relay.admin_url + path, headers=JSON)).json()


async def at_both(relays: Two, path: str, pick: Callable[[Any], Any], expected: object) -> None:
    """Both relays say it, soon: what another has counted is some seconds old."""
    found: list[Any] = []
    try:
        async with asyncio.timeout(45):
            while [expected] * 2 != (found := [pick(await data(relay, path)) for relay in relays]):  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.1)
    except TimeoutError:
        assert found == [expected] * 2


def event(number: int, **fields: object) -> dict[str, object]:
    return {"eventId": f"e{number}", "eventType": "Click", "itemId": f"p{number}", **fields}


def beacons(found: Any) -> dict[str, int]:
    counted: dict[str, int] = found["day"]["beacons"]
    return counted


@pytest.mark.process
async def test_refusals_lists_and_properties_are_those_of_both_whichever_is_asked(
    emulator: RunningEmulator, database: str, cluster: Cluster
) -> None:
    async with two_relays(emulator, database) as relays:
        for number in range(6):
            await relays[number % 2].send(
                event(number, eventValue="much", **LIST), session=f"{SESSION}-{number}",
                identity=relays[0].login("canary-user", session_id=f"{SESSION}-{number}"),
            )  # fmt: skip
        await at_both(
            relays,
            "/refusals",
            lambda found: {one["reason"]: one["count"] for one in found["refusals"]},
            {"bad_number": 6},
        )
        await at_both(
            relays,
            "/lists",
            lambda found: [(one["name"], one["day"]["clicked"], one["hour"]["clicked"]) for one in found["sources"]],
            [("home", 6, 6)],
        )
        await at_both(
            relays,
            "/properties",
            lambda found: [(one["name"], one["events"]) for one in found["properties"]],
            [("price", 6)],
        )
        await at_both(relays, "/", lambda found: found["lastHour"]["ledger"]["delivered"], 6)
        for relay in relays:
            _, out, _ = await run("refusals", "--json", "--admin", relay.admin_url, **relay_environ())
            found = json.loads(out)
            assert [one["count"] for one in found["refusals"]] == [6]
            said = found["counted"].pop("says")
            assert found["counted"] == {"relays": 2, "uncounted": 0, "complete": True, "away": ""}
            assert "of all 2 relays that are at work on this spool" in said
            assert said in (await relay.http.get(f"{relay.admin_url}/refusals")).text
            for command in (("refusals",), ("lists",), ("session", SESSION), ("held", "--user", "canary-user")):
                _, out, err = await run(*command, "--admin", relay.admin_url, **relay_environ())
                assert "of all 2 relays that are at work on this spool" in " ".join(out.split()), (command, err)
        kept = "".join(
            cluster.sql(f"SELECT convert_from(key, 'UTF8') FROM relay.insight_{table}")  # noqa: S608 - a name of ours
            for table in ("counts", "causes")
        )
        assert "home" in kept
        assert "canary-user" not in kept
        assert SESSION not in kept


async def test_beacons_of_a_session_that_meet_two_relays_are_counted_once(
    emulator: RunningEmulator, database: str
) -> None:
    async with two_relays(emulator, database) as relays:
        one, other = relays
        await one.send(event(1), seq=1)
        await other.send(event(2), seq=2)
        await other.send(eventList=[], identity=one.login("u1"), seq=3)  # no event: a login alone
        await at_both(relays, "/losses", beacons, {"arrived": 3, "late": 0, "repeated": 0, "missing": 0})
        await one.send(*(event(number) for number in range(100, 115)), seq=4)  # two records
        await at_both(relays, "/losses", beacons, {"arrived": 4, "late": 0, "repeated": 0, "missing": 0})
        await other.send(event(7), seq=7)
        await at_both(relays, "/losses", beacons, {"arrived": 5, "late": 0, "repeated": 0, "missing": 2})
        await one.send(event(5), seq=5)
        await other.send(event(1), seq=1)  # the answer did not reach the page, which sends it to another
        await at_both(relays, "/losses", beacons, {"arrived": 5, "late": 1, "repeated": 1, "missing": 1})


async def test_a_session_is_found_whichever_relay_took_its_events(emulator: RunningEmulator, database: str) -> None:
    async with two_relays(emulator, database) as relays:
        await relays[0].send(event(1))
        await relays[1].send(event(2))
        await at_both(
            relays,
            f"/sessions/{SESSION}",
            lambda found: sorted((one["eventId"], one["place"]) for one in found["held"]["events"]),
            [("e1", "archived"), ("e2", "archived")],
        )


async def test_without_the_database_every_page_answers_with_what_this_relay_knows_and_says_so(
    emulator: RunningEmulator, database: str, cluster: Cluster
) -> None:
    async with two_relays(emulator, database) as relays:
        for relay in relays:
            await relay.send(event(1, eventValue="much", **LIST), session=f"{SESSION}-{relay.url[-5:]}")
        await at_both(relays, "/refusals", lambda found: [one["count"] for one in found["refusals"]], [2])
        cluster.crash()
        try:
            for path in PAGES:
                found = await data(relays[0], path)
                assert not found["counted"]["complete"], path
                assert "database" in found["counted"]["away"]
                page = (await relays[0].http.get(relays[0].admin_url + path)).text
                assert "Counts of this relay alone, since it started" in page
            assert [one["count"] for one in (await data(relays[0], "/refusals"))["refusals"]] == [1]
        finally:
            cluster.start()
        await at_both(relays, "/refusals", lambda found: [one["count"] for one in found["refusals"]], [2])


async def test_a_relay_of_an_earlier_version_beside_is_said_not_to_be_counted(
    emulator: RunningEmulator, database: str, cluster: Cluster
) -> None:
    async with running_relay(env=emulator.env, spool_url=database) as relay:
        cluster.sql("INSERT INTO relay.relays (name, beat, erased_seen, version) VALUES ('old', now(), 0, '0.1')")
        found = (await data(relay, "/losses"))["counted"]
        assert (found["relays"], found["uncounted"], found["complete"]) == (1, 1, False)
        assert "Not of 1 relay of an earlier version" in (await relay.http.get(f"{relay.admin_url}/losses")).text
