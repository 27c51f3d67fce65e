"""`interactions.csv`: what Personalize would train on."""

import csv
import io
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from relay.emulator.data.properties import column_name
from relay.emulator.runtime.training import FIXED_COLUMNS
from tests.emulator.raw_client import SENT_AT, RawClient, raw_client
from tests.support.emulator import running_emulator


@pytest.fixture
async def raw() -> AsyncGenerator[RawClient]:
    async with running_emulator(state_seconds=0) as running, raw_client(running) as client:
        yield client


async def _put(raw: RawClient, session: str = "s1", user: str | None = None, **event: Any) -> None:
    call = {"sessionId": session, "userId": user}
    assert (await raw.put_event(call=call, **event)).status == 200


async def _rows(raw: RawClient, query: str = "") -> list[dict[str, str]]:
    answer = await raw.get("/_emulator/interactions.csv" + query)
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def _pairs(raw: RawClient, query: str = "") -> list[tuple[str, str]]:
    return [(row["USER_ID"], row["ITEM_ID"]) for row in await _rows(raw, query)]


async def test_an_empty_file_has_its_head(raw: RawClient) -> None:
    answer = await raw.get("/_emulator/interactions.csv")
    assert answer.text == ",".join(FIXED_COLUMNS) + "\n"


async def test_an_event_becomes_a_row_with_all_it_carried(raw: RawClient) -> None:
    await _put(
        raw,
        user="ada",
        itemId='tent, "blue"',
        eventType="Click",
        sentAt=SENT_AT + 0.9,
        eventValue=19.9,
        recommendationId="RID-1",
        impression=["a", "b"],
        properties=json.dumps({"numRatings": 12, "onSale": True, "colours": ["x"], "none": None}),
    )
    [row] = await _rows(raw)
    assert row == {
        "USER_ID": "ada",
        "ITEM_ID": 'tent, "blue"',
        "TIMESTAMP": str(SENT_AT),
        "EVENT_TYPE": "Click",
        "EVENT_VALUE": "19.9",
        "RECOMMENDATION_ID": "RID-1",
        "IMPRESSION": "a|b",
        "COLOURS": '["x"]',
        "NONE": "",
        "NUM_RATINGS": "12",
        "ON_SALE": "True",
    }


async def test_one_event_with_the_user_joins_all_of_the_session_to_them(raw: RawClient) -> None:
    await _put(raw, "s1", itemId="before")
    await _put(raw, "s1", "ada", itemId="link")
    await _put(raw, "s1", itemId="after")
    await _put(raw, "s2", "ada", itemId="elsewhere")
    assert await _pairs(raw) == [("ada", "before"), ("ada", "link"), ("ada", "after"), ("ada", "elsewhere")]


async def test_sessions_nobody_logged_in_to_are_left_out_unless_asked_for(raw: RawClient) -> None:
    await _put(raw, "anonymous", itemId="a")
    await _put(raw, "s1", "ada", itemId="b")
    assert await _pairs(raw) == [("ada", "b")]
    assert await _pairs(raw, "?anonymous=1") == [("anonymous", "a"), ("ada", "b")]


async def test_two_users_of_one_session_keep_their_own_events_and_the_first_gets_the_anonymous(raw: RawClient) -> None:
    await _put(raw, "s1", itemId="a")
    await _put(raw, "s1", "ada", itemId="b")
    await _put(raw, "s1", "bob", itemId="c")
    assert await _pairs(raw) == [("ada", "a"), ("ada", "b"), ("bob", "c")]


async def test_of_a_repeated_event_id_the_first_counts(raw: RawClient) -> None:
    await _put(raw, "s1", "ada", itemId="first", eventId="e")
    await _put(raw, "s2", "ada", itemId="second", eventId="e")
    assert await _pairs(raw) == [("ada", "first")]


async def test_twins_of_the_same_second_count_once_whatever_their_ids(raw: RawClient) -> None:
    await _put(raw, "s1", "ada", itemId="a", eventId="e1", sentAt=SENT_AT + 0.1)
    await _put(raw, "s1", "ada", itemId="a", eventId="e2", sentAt=SENT_AT + 0.8)
    await _put(raw, "s1", "ada", itemId="a", eventId="e3", sentAt=SENT_AT + 1)
    await _put(raw, "s1", "ada", itemId="a", eventId="e4", eventType="Click")
    await _put(raw, "s1", "ada", itemId="a", eventId="e5", properties='{"k": 1}')
    await _put(raw, "s2", "bob", itemId="a", eventId="e6")
    assert len(await _rows(raw)) == 5


async def test_events_without_an_item_are_left_out_but_still_link(raw: RawClient) -> None:
    await _put(raw, "s1", itemId="a")
    await _put(raw, "s1", "ada", itemId=None, eventType="Login")
    assert await _pairs(raw) == [("ada", "a")]


async def test_item_and_value_may_come_in_the_properties(raw: RawClient) -> None:
    await _put(raw, "s1", "ada", itemId=None, properties='{"itemId": "a", "eventValue": 3}')
    [row] = await _rows(raw)
    assert (row["ITEM_ID"], row["EVENT_VALUE"]) == ("a", "3")
    assert set(row) == set(FIXED_COLUMNS)


async def test_a_session_named_null_is_taken_and_ignored_as_the_service_does(raw: RawClient) -> None:
    await _put(raw, "null", "ada", itemId="a")
    await _put(raw, "undefined", "ada", itemId="b")
    assert await _rows(raw, "?anonymous=1") == []


async def test_refused_calls_leave_no_trace(raw: RawClient) -> None:
    assert (await raw.put_event(call={"userId": "ada"}, itemId="")).status == 400
    assert await _rows(raw, "?anonymous=1") == []


async def test_trackers_are_told_apart(raw: RawClient) -> None:
    made = await raw.call("/", {"name": "other"}, target="CreateDatasetGroup")
    group = json.loads(made.body)["datasetGroupArn"]
    tracker = await raw.call("/", {"name": "other", "datasetGroupArn": group}, target="CreateEventTracker")
    other = json.loads(tracker.body)["trackingId"]
    await _put(raw, "s1", itemId="a", eventId="e")
    for item in ("b", "c"):
        call = {"trackingId": other, "sessionId": "s1", "userId": "ada"}
        assert (await raw.put_event(call=call, itemId=item, eventId=f"e{item}" if item == "c" else "e")).status == 200
    assert await _pairs(raw) == [("ada", "b"), ("ada", "c")]
    assert await _pairs(raw, "?anonymous=1") == [("s1", "a"), ("ada", "b"), ("ada", "c")]
    assert await _pairs(raw, f"?trackingId={raw.running.tracking_id}&anonymous=1") == [("s1", "a")]


@pytest.mark.parametrize(
    ("key", "column"), [("numRatings", "NUM_RATINGS"), ("price", "PRICE"), ("item2Buy", "ITEM2_BUY"), ("A_B", "A_B")]
)
def test_keys_become_columns(key: str, column: str) -> None:
    assert column_name(key) == column
