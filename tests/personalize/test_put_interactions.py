"""Past events go through the relay's own spool and dispatcher, each with its own time and none lost."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay.emulator.wire.faults import FaultSpec
from relay.personalize.history.past_events import HistoryRows, PastEvent
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.rows import Row
from relay.personalize.schema.columns import Schema, parse_schema
from relay.personalize.schema.ready_made import interactions_schema
from tests.personalize.command_line import Finished, command, started
from tests.support.emulator import RunningEmulator, running_emulator

pytestmark = pytest.mark.process

LONG_AGO_S = 1_400_000_000


@pytest.fixture
async def fast() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator(state_seconds=0, quotas={}) as running:
        yield running


async def put(running: RunningEmulator, file: str, *rest: str, cwd: Path) -> Finished:
    return await command(
        "put", "interactions", file, "--tracking-id", running.tracking_id, *rest, env=running.env, cwd=cwd
    )


def row(content: Mapping[str, object], number: int = 1) -> Row:
    return Row(number, 0, content, b"raw", "")


def rows_of(*own: str) -> HistoryRows:
    columns = parse_schema(interactions_schema()).columns
    fields = ",".join(own)
    more = parse_schema(f'{{"type":"record","fields":[{fields}]}}').columns if own else ()
    return HistoryRows(Schema((*columns, *more)), "csv")


def test_a_row_becomes_an_event_with_every_field_of_the_service() -> None:
    rows = rows_of('{"name":"PAGE_SECTION","type":["null","string"]}', '{"name":"NUM","type":["null","int"]}')
    event = rows.event(
        row({
            "USER_ID": "u1", "ITEM_ID": "p1", "TIMESTAMP": "1400000000", "EVENT_TYPE": "View", "EVENT_VALUE": "2.5",
            "IMPRESSION": "p1|p2", "RECOMMENDATION_ID": "RID-1", "EVENT_ATTRIBUTION_SOURCE": "home",
            "pageSection": "top", "NUM": "3",
        })
    )  # fmt: skip
    assert isinstance(event, PastEvent)
    assert (event.user_id, event.at_s) == ("u1", 1_400_000_000)
    assert event.fields == {
        "eventType": "View", "itemId": "p1", "eventValue": 2.5, "impression": ["p1", "p2"],
        "recommendationId": "RID-1", "metricAttribution": {"eventAttributionSource": "home"},
        "properties": {"pageSection": "top", "num": 3},
    }  # fmt: skip


def test_sessions_are_one_a_user_unless_the_file_has_its_own() -> None:
    rows = rows_of()
    basic = {"TIMESTAMP": "1400000000", "EVENT_TYPE": "View"}
    one, two, other, own = (
        rows.event(row(basic | more))
        for more in ({"USER_ID": "u1"}, {"USER_ID": "u1"}, {"USER_ID": "u2"}, {"USER_ID": "u1", "SESSION_ID": "s"})
    )
    assert isinstance(one, PastEvent)
    assert isinstance(two, PastEvent)
    assert isinstance(other, PastEvent)
    assert isinstance(own, PastEvent)
    assert one.session_id == two.session_id != other.session_id
    assert own.session_id == "s"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"TIMESTAMP": "1400000000000"}, "bad_time"),
        ({"TIMESTAMP": "-1"}, "bad_time"),
        ({"TIMESTAMP": "yesterday"}, "bad_number"),
        ({"TIMESTAMP": ""}, "empty"),
        ({"EVENT_TYPE": ""}, "empty"),
        ({"USER_ID": ""}, "missing_field"),
        ({"USER_ID": "x" * 257}, "too_long"),
        ({"USER_ID": " "}, "empty"),
        ({"COLOUR": "red"}, "unknown_column"),
        ({"EVENT_VALUE": "much"}, "bad_number"),
        ({"IMPRESSION": "|".join(["x" * 100] * 10)}, "too_long"),
        ({"TIMESTAMP": "0"}, "bad_time"),
        ({"PROPERTIES": "[1]"}, "bad_type"),
        ({"PROPERTIES": "{"}, "bad_type"),
    ],
)
def test_a_row_that_is_no_event_is_refused_with_its_reason(change: dict[str, str], reason: str) -> None:
    good: dict[str, object] = {"USER_ID": "u1", "TIMESTAMP": "1400000000", "EVENT_TYPE": "View"}
    assert isinstance(rows_of().event(row(good)), PastEvent)
    problem = rows_of().event(row(good | change))
    assert isinstance(problem, RowProblem)
    assert problem.reason == reason


def test_all_properties_may_be_in_one_column_and_an_own_column_goes_before_them() -> None:
    rows = rows_of('{"name":"PAGE","type":["null","string"]}')
    basic: dict[str, object] = {"USER_ID": "u1", "ITEM_ID": "p", "TIMESTAMP": "1400000000", "EVENT_TYPE": "View"}
    whole = '{"itemId":"x","PAGE":"a","price":1.50}'
    alone = rows.event(row(basic | {"PROPERTIES": whole}))
    both = rows.event(row(basic | {"PROPERTIES": whole, "PAGE": "top"}))
    none = rows.event(row(basic | {"PROPERTIES": ""}))
    assert isinstance(alone, PastEvent)
    assert isinstance(both, PastEvent)
    assert isinstance(none, PastEvent)
    assert alone.fields["properties"] == whole, "as it is, to the letter"
    assert both.fields["properties"] == {"itemId": "x", "PAGE": "a", "price": 1.5, "page": "top"}
    assert "properties" not in none.fields


def test_a_nested_object_of_properties_overwrites_no_field_beside_it() -> None:
    rows = HistoryRows(Schema(parse_schema(interactions_schema()).columns), "jsonl")
    event = rows.event(
        row({
            "userId": "u1", "itemId": "p1", "sentAt": 1_400_000_000, "eventType": "View",
            "properties": {"itemId": "other", "eventType": 5}, "impression": ["p1", "p2"],
        })
    )  # fmt: skip
    assert isinstance(event, PastEvent)
    assert event.fields["itemId"] == "p1"
    assert event.fields["impression"] == ["p1", "p2"]
    assert event.fields["properties"] == {"itemId": "other", "eventType": 5}


def history(count: int) -> str:
    lines = [f"u{n % 30},p{n % 17},{LONG_AGO_S + n},View,{n}" for n in range(count)]
    return "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n" + "\n".join(lines) + "\n"


def seen(running: RunningEmulator) -> list[tuple[str, str, int, float]]:
    return sorted((e["userId"], e["itemId"], e["sentAt"], e["eventValue"]) for e in running.events())


def expected(count: int) -> list[tuple[str, str, int, float]]:
    return sorted((f"u{n % 30}", f"p{n % 17}", LONG_AGO_S + n, float(n)) for n in range(count))


async def test_a_file_is_delivered_with_its_own_times_and_not_sent_twice(fast: RunningEmulator, tmp_path: Path) -> None:
    bad = "u1,p1,1400000000000,View,1\nu1,p1,1400000000,,1\n"
    (tmp_path / "h.csv").write_text(history(2000) + bad)
    ended = await put(fast, "h.csv", "--json", cwd=tmp_path)
    assert ended.code == 0, ended.err
    figures = ended.json
    assert (figures["taken"], figures["delivered"], figures["rejected"], figures["pending"]) == (2000, 2000, 2, 0)
    assert seen(fast) == expected(2000)
    assert len(fast.bodies()) <= 2 * 2000 / 10
    refused = [msgspec.json.decode(line) for line in (tmp_path / "h.csv.rejected.jsonl").read_bytes().splitlines()]
    assert [line["reason"] for line in refused] == ["bad_time", "empty"]
    again = await put(fast, "h.csv", cwd=tmp_path)
    assert again.code == 3
    assert len(fast.events()) == 2000


async def test_a_file_that_ends_in_events_the_service_refuses_comes_to_its_end(
    fast: RunningEmulator, tmp_path: Path
) -> None:
    fast.emulator.faults.apply(FaultSpec(refuse_items=["bad"]))
    refused = "".join(f"v{number},bad,{LONG_AGO_S},View,1\n" for number in range(60))
    (tmp_path / "h.csv").write_text(history(20) + refused)
    ended = await put(fast, "h.csv", "--json", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert (ended.json["delivered"], ended.json["buried"], ended.json["pending"]) == (20, 60, 0)


async def test_json_lines_in_the_words_of_the_api_are_taken(fast: RunningEmulator, tmp_path: Path) -> None:
    event: dict[str, Any] = {
        "userId": "u1", "sessionId": "s1", "eventId": "e1", "eventType": "View", "itemId": "p1", "sentAt": LONG_AGO_S,
        "impression": ["p1", "p2"],
    }  # fmt: skip
    (tmp_path / "h.jsonl").write_bytes(msgspec.json.encode(event) + b"\n")
    ended = await put(fast, "h.jsonl", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert fast.events() == [event]


@pytest.mark.faults
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_a_replay_cut_short_is_gone_on_with_and_no_event_is_lost(
    fast: RunningEmulator, tmp_path: Path, how: signal.Signals
) -> None:
    (tmp_path / "h.csv").write_text(history(6000))
    fast.emulator.faults.apply(FaultSpec(throttling=0.05, server_error=0.05, seed=3))
    arguments = ("put", "interactions", "h.csv", "--tracking-id", fast.tracking_id)
    async with started(*arguments, env=fast.env, cwd=tmp_path) as process, asyncio.timeout(40):
        while len(fast.bodies()) < 100:  # noqa: ASYNC110 - the emulator rings no bell
            await asyncio.sleep(0.01)
        process.send_signal(how)
        _, err = await process.communicate()
    assert process.returncode in {1, -signal.SIGKILL}, err
    ended = await put(fast, "h.csv", "--json", cwd=tmp_path)
    assert ended.code in {0, 3}, ended.err
    assert ended.json["pending"] == 0
    times = Counter(event["eventId"] for event in fast.events())
    assert len(times) == 6000
    once = {event["eventId"]: event for event in fast.events()}
    assert sorted((e["userId"], e["itemId"], e["sentAt"], e["eventValue"]) for e in once.values()) == expected(6000)


async def test_the_tracker_is_the_relay_s_unless_another_is_named(fast: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(history(3))
    env = fast.env | {"RELAY_TRACKING_ID": fast.tracking_id}
    ended = await command("put", "interactions", "h.csv", "--json", env=env, cwd=tmp_path)
    assert (ended.code, ended.json["delivered"]) == (0, 3), ended.err
    nobody = await command("put", "interactions", "h.csv", env=fast.env, cwd=tmp_path)
    assert (nobody.code, "RELAY_TRACKING_ID" in nobody.err) == (2, True)


async def test_wrong_use_is_told_before_anything_is_sent(fast: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("USER,ITEM_ID,WHEN\n1,2,3\n")
    ended = await put(fast, "h.csv", cwd=tmp_path)
    assert ended.code == 2
    assert {line.split()[1] for line in ended.lines} == {"'USER'", "'WHEN'", "EVENT_TYPE", "TIMESTAMP", "USER_ID"}
    arn = await command("put", "interactions", "h.csv", "--tracking-id", "arn:aws:x", env=fast.env, cwd=tmp_path)
    assert arn.code == 2
    unknown = await command("put", "interactions", "h.csv", "--tracking-id", "nobody", env=fast.env, cwd=tmp_path)
    assert (unknown.code, len(unknown.lines)) == (1, 1)
    assert "'nobody'" in unknown.err
    assert fast.events() == []
