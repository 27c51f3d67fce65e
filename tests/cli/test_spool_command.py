"""`personalize-relay spool` as a process, with and without a relay at work."""

import asyncio
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from relay.core.clock import SystemClock
from relay.emulator.wire.faults import FaultSpec
from relay.spool.sqlite.spool import SqliteSpool
from tests.cli.filled_spool import as_json, fill, spool
from tests.cli.test_serve import run
from tests.spool.leases import burial, pieces
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.records import key, new_record, single
from tests.support.relay import SESSION as PAGE_SESSION
from tests.support.relay import ServedRelay, relay_environ, served_relay, until

pytestmark = pytest.mark.process

GONE = "http://127.0.0.1:9"


async def test_status_shows_the_ledger_for_people_and_for_machines(path: Path) -> None:
    code, out, err = await spool("status", path=path)
    assert (code, err) == (0, "")
    figures = {line.split()[0]: line.split()[1] for line in out.splitlines()[2:7]}
    assert figures == {"accepted": "4", "delivered": "1", "buried": "2", "erased": "0", "pending": "1"}
    assert "tracker-1" in out
    assert "Why: `refusals`, `session ID` and `lists`" in out
    status = await as_json("status", path=path)
    assert status["accepted"] == status["delivered"] + sum(status["buried"].values()) + status["pending"] == 4
    assert status["buriedNow"] == {"InvalidInputException": 2}
    assert [(one["target"], one["pending"]) for one in status["waiting"]] == [("tracker-1", 1)]


async def test_buried_records_are_listed_without_bodies_unless_asked(path: Path) -> None:
    _, out, err = await spool("buried", "--limit", "1", path=path)
    assert "e1" in out
    assert "InvalidInputException" in out
    assert "itemId" not in out
    assert "anna" not in out
    assert "--after 2" in err
    _, out, _ = await spool("buried", "--show", path=path)
    assert '"itemId":"p1"' in out
    (one, two) = await as_json("buried", path=path)
    assert (one["id"], one["eventId"], two["eventId"]) == (2, "e1", "e2")
    assert not {"body", "userId", "sessionId"} & one.keys()
    (shown,) = await as_json("buried", "--show", "--after", "2", path=path)
    assert (shown["userId"], json.loads(shown["body"])["eventId"]) == ("anna", "e2")


async def test_nothing_from_outside_reaches_the_terminal_as_it_came(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202etxt\x9b31m\r\n"
    records = [
        new_record("e0"),
        single(key("evil\x1b[31m"), "a\x1b[0m", "e1", b'{"eventId":"e1","eventType":"\\u001b[5m"}'),
    ]
    await fill(tmp_path / "spool.db", records, buried=(1,), message=evil)
    for arguments in (["buried"], ["buried", "--show"], ["buried", "--show", "--json"], ["status"]):
        code, out, err = await spool(*arguments, path=tmp_path / "spool.db")
        assert code == 0
        assert not set(out + err) & set("\x1b\x07\x9b\u202e\r\x7f"), arguments


async def test_replayed_records_wait_again_and_what_is_not_buried_is_said(path: Path) -> None:
    code, _, err = await spool("replay", "2", "99", path=path)
    assert (code, err) == (0, "1 record replayed, 1 of these is not buried, or damaged.\n")
    assert await as_json("replay", "--all", path=path) == {"replayed": 1}
    status = await as_json("status", path=path)
    assert (status["pending"], status["accepted"], status["buriedNow"]) == (3, 6, {})


@pytest.fixture
async def mixed(tmp_path: Path) -> Path:
    """A spool with 2,600 buried records, every 13th of them for another reason than the rest."""
    path = tmp_path / "spool.db"
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=1 << 30) as spool:
        await spool.append([new_record(f"e{n}", f"session-of-mixed-{n // 10}") for n in range(2600)])
        for lease in await spool.lease(max_sessions=1000):
            whys = ["corrupt" if one.seq % 13 == 0 else "InvalidInputException" for one in lease.records]
            burials = [burial(one, why) for one, why in zip(pieces(lease), whys, strict=True)]
            spool.settle(lease, delivered=[], buried=burials)
        await spool.work(lambda _: None)  # on disk
    return path


async def test_buried_records_are_chosen_by_their_reason(mixed: Path) -> None:
    listed = await as_json("buried", "--reason", "corrupt", "--limit", "150", path=mixed)
    assert [one["reason"] for one in listed] == ["corrupt"] * 150
    _, _, err = await spool("buried", "--reason", "corrupt", "--limit", "150", path=mixed)
    assert err == f"There are 50 others; --after {listed[-1]['id']} goes on.\n"
    assert len(await as_json("buried", "--reason", "corrupt", "--after", str(listed[-1]["id"]), path=mixed)) == 50
    assert await as_json("discard", "--reason", "corrupt", path=mixed) == {"discarded": 200}
    assert (await as_json("status", path=mixed))["buriedNow"] == {"InvalidInputException": 2400}
    code, _, err = await spool("replay", "--reason", "corrupt", path=mixed)
    assert (code, err) == (3, "Nothing replayed: nothing is buried for corrupt and intact.\n")
    code, _, err = await spool("buried", "--reason", "corrupt", path=mixed)
    assert (code, err) == (0, "Nothing is buried for corrupt.\n")
    assert await as_json("replay", "--reason", "corrupt", "--reason", "InvalidInputException", path=mixed) == {
        "replayed": 2400
    }


async def test_all_that_is_buried_can_be_discarded(mixed: Path) -> None:
    assert await as_json("discard", "--all", path=mixed) == {"discarded": 2600}
    assert (await as_json("status", path=mixed))["buriedNow"] == {}
    code, _, err = await spool("discard", "--all", path=mixed)
    assert (code, err) == (3, "Nothing discarded: nothing is buried and intact.\n")


async def test_what_waits_for_a_tracker_that_is_gone_can_be_discarded(path: Path) -> None:
    assert await as_json("discard", "--waiting-for", "tracker-1", path=path) == {"discarded": 1}
    after = await as_json("status", path=path)
    assert (after["pending"], after["erased"], after["buriedNow"]) == (0, 1, {"InvalidInputException": 2})
    code, _, err = await spool("discard", "--waiting-for", "tracker-1", path=path)
    assert (code, err) == (3, "Nothing discarded: nothing waits for tracker-1.\n")
    assert (await spool("discard", "--waiting-for", "tracker-1", "--all", path=path))[0] == 2


async def test_a_relay_at_work_forgets_what_waits_for_a_tracker_that_is_not_there(tmp_path: Path) -> None:
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env, tracking_id="gone") as relay:
        await relay.send({"eventType": "View", "itemId": "p1"}, {"eventType": "View", "itemId": "p2"})
        code, _, err = await spool("discard", "--waiting-for", "gone", path=tmp_path / "spool.db")
        assert (code, err) == (0, "2 events discarded that waited for gone.\n")
        metrics = (await relay.http.get(f"{relay.admin_url}/metrics")).text
        assert "relay_events_pending 0.0" in metrics
        assert "relay_events_erased_total 2.0" in metrics


async def test_nothing_to_do_is_code_3(path: Path) -> None:
    assert (await spool("discard", "2", "3", path=path))[0] == 0
    for arguments in (["replay", "--all"], ["replay", "2"], ["discard", "2"]):
        code, out, err = await spool(*arguments, path=path)
        assert (code, out, len(err.splitlines())) == (3, "", 1)
    assert json.loads((await spool("replay", "--all", "--json", path=path))[1]) == {"replayed": 0}


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "--all", "2"],
        ["discard"],
        ["discard", "--all", "2"],
        ["discard", "--all", "--reason", "corrupt"],
        ["replay", "--reason", "corrupt", "2"],
        ["erase", "--user", "a", "--session", "b"],
        ["erase", "--user", ""],
        ["export"],
        ["buried", "--limit", "0"],
    ],
)
async def test_wrong_use_is_code_2_and_changes_nothing(path: Path, arguments: list[str]) -> None:
    before = content(path)
    code, out, err = await spool(*arguments, path=path)
    assert (code, out) == (2, "")
    assert err
    assert content(path) == before


def content(path: Path) -> bytes:
    return path.read_bytes()


async def test_a_spool_in_memory_or_a_bad_url_is_code_2() -> None:
    for url in ("memory:", "postgres://x"):
        code, _, err = await run("spool", "status", RELAY_SPOOL_URL=url)
        assert (code, len(err.splitlines())) == (2, 1)
        assert err.startswith("RELAY_SPOOL_URL: ")


@pytest.mark.parametrize("arguments", [["status"], ["erase", "--user", "a"]])
async def test_a_file_that_is_no_usable_spool_is_one_line_and_code_1(tmp_path: Path, arguments: list[str]) -> None:
    missing, garbage, foreign, newer, cut = (tmp_path / name for name in ("missing", "garbage", "other", "new", "cut"))
    garbage.write_bytes(os.urandom(10_000))
    with sqlite3.connect(foreign) as sql:
        sql.execute("CREATE TABLE t (x)")
    for path in (newer, cut):
        await fill(path, [new_record("e0")])
    with sqlite3.connect(newer) as sql:
        sql.execute("PRAGMA user_version = 9")
    cut.write_bytes(cut.read_bytes()[:5000])
    for path, message in (
        (missing, "no spool"),
        (garbage, "damaged"),
        (foreign, "not a spool"),
        (newer, "version 9"),
        (cut, "damaged"),
    ):
        code, out, err = await spool(*arguments, path=path)
        assert (code, out, len(err.splitlines())) == (1, "", 1), (path, err)
        assert message in err, err
    assert not missing.exists()


async def test_a_damaged_buried_record_is_listed_and_keeps_no_other_from_being_replayed(path: Path) -> None:
    with sqlite3.connect(path) as sql:
        sql.execute("UPDATE buried SET session_id = CAST(x'ff41' AS TEXT) WHERE number = 2")
    listed = await as_json("buried", path=path)
    assert [one["eventId"] for one in listed] == ["e1", "e2"]
    assert await as_json("replay", "--all", path=path) == {"replayed": 1}


async def test_a_spool_whose_pages_are_damaged_is_one_line_until_serve_has_salvaged_it(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    await fill(path, [new_record(f"e{number}") for number in range(500)])
    content = bytearray(path.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = b"\xaa" * 4096
    path.write_bytes(content)
    code, out, err = await run("spool", "status", **relay_environ(spool_url=f"sqlite:///{path}"))
    assert (code, out, len(err.splitlines())) == (1, "", 1), err
    assert "damaged" in err
    async with served_relay(tmp_path, sink=f"jsonl:{tmp_path / 'calls'}") as relay:
        relay.process.terminate()
        assert await relay.ended() == 0
    status = await as_json("status", path=path)
    assert status["accepted"] == 500
    assert 0 < status["buried"]["corrupt"] < 60
    assert status["delivered"] + status["pending"] + status["buried"]["corrupt"] == 500
    assert path.with_name("spool.db.damaged").exists()


async def test_an_erased_user_is_gone_and_the_next_relay_refuses_it(tmp_path: Path) -> None:
    async with running_emulator() as emulator:
        async with served_relay(tmp_path, env={**emulator.env, "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": GONE},
                                drain_s="0") as relay:  # fmt: skip
            await relay.send({"eventType": "View", "itemId": "before"}, identity=relay.login("anna"))
            relay.process.terminate()
            assert await relay.ended() == 0
        assert await as_json("erase", "--user", "anna", path=tmp_path / "spool.db") == {"erased": 1}
        async with served_relay(tmp_path, env=emulator.env) as relay:
            await refused(relay, "anna", emulator)


async def test_an_erasure_reaches_a_relay_that_runs(tmp_path: Path) -> None:
    """Pending, buried, bound on disk and in memory: gone, and refused from the same moment."""
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env) as relay:
        emulator.emulator.faults.apply(FaultSpec(refuse_items=["bad"]))
        await relay.send({"eventType": "View", "itemId": "bad"}, identity=relay.login("anna"))
        path = tmp_path / "spool.db"
        await eventually(lambda: as_json("buried", path=path), lambda found: len(found) == 1)
        assert await as_json("erase", "--user", "anna", path=path) == {"erased": 1}
        assert await as_json("buried", path=path) == []
        await refused(relay, "anna", emulator)
        metrics = (await relay.http.get(f"{relay.admin_url}/metrics")).text
        assert "relay_events_accepted_total 3.0" in metrics


async def refused(relay: ServedRelay, user_id: str, emulator: RunningEmulator) -> None:
    """The session the user had is anonymous, and a login does not change that."""
    count = len(emulator.events())
    await relay.send({"eventType": "View", "itemId": "after"})
    answer = await relay.send({"eventType": "View", "itemId": "later"}, identity=relay.login(user_id))
    assert answer["identity"] == "invalid"
    await until(lambda: len(emulator.events()) == count + 2)
    assert [event.get("userId") for event in emulator.events()[count:]] == [None, None]


async def test_an_erased_session_is_nobodys_until_it_logs_in_again(tmp_path: Path) -> None:
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env) as relay:
        await relay.send({"eventType": "View", "itemId": "p"}, identity=relay.login("anna"))
        await until(lambda: len(emulator.events()) == 1)
        await as_json("erase", "--session", PAGE_SESSION, path=tmp_path / "spool.db")
        await relay.send({"eventType": "View", "itemId": "p"})
        await relay.send({"eventType": "View", "itemId": "p"}, identity=relay.login("anna"))
        await until(lambda: len(emulator.events()) == 3)
    assert [event.get("userId") for event in emulator.events()] == ["anna", None, "anna"]


async def test_a_running_relay_delivers_what_is_replayed(tmp_path: Path) -> None:
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env) as relay:
        emulator.emulator.faults.apply(FaultSpec(refuse_items=["bad"]))
        await relay.send({"eventType": "View", "itemId": "bad"}, {"eventType": "View", "itemId": "good"})
        path = tmp_path / "spool.db"
        await eventually(lambda: as_json("status", path=path), lambda found: found["buriedNow"])
        emulator.emulator.faults.apply(FaultSpec())
        assert await as_json("replay", "--all", path=path) == {"replayed": 1}
        await until(lambda: {event["itemId"] for event in emulator.events()} == {"bad", "good"})


async def eventually(ask: Any, good: Any) -> Any:
    """What `ask` gives, once it is good."""
    async with asyncio.timeout(20):
        while not good(found := await ask()):  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.05)
    return found
