"""The server API takes what backends really have: their ids, their times, their half-filled events."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from relay.core.clock import SystemClock
from relay.identity.tokens import ALL_SCOPES, SCOPES, Scope
from relay.spool.memory import MemorySpool
from tests.support.clock import FakeClock
from tests.support.relay import SESSION, RunningEdge, running_edge
from tests.web.api.test_server_api import ACTIONS_ID, ITEMS_ARN, USERS_ARN, actions, call

NOW_S = 1_764_100_000


@pytest.fixture
async def edge() -> AsyncGenerator[RunningEdge]:
    async with running_edge(clock=FakeClock(now_ms=NOW_S * 1000)) as running:
        yield running


async def entries(edge: RunningEdge) -> list[dict[str, Any]]:
    return [json.loads(record.body) for record in await edge.records()]


@pytest.mark.parametrize(
    "session",
    ["anon-id-new", "test-session1", "user:42:x", "YWJj/+==", "x", "ü" * 256, "null", " ", "a b\tc"],
)
async def test_a_session_id_is_whatever_the_service_takes(edge: RunningEdge, session: str) -> None:
    answer = await call(edge, "events", {"sessionId": session, "eventList": [{"eventType": "View"}]})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    (record,) = await edge.records()
    assert record.key.session_id == session


@pytest.mark.parametrize(
    ("session", "error"),
    [("", "empty"), ("x" * 257, "too_long"), (None, "missing_field"), (True, "bad_type"), ("a\0", "bad_unicode")],
)
async def test_what_the_service_takes_for_no_session_is_400(edge: RunningEdge, session: object, error: str) -> None:
    answer = await call(edge, "events", {"sessionId": session, "eventList": [{"eventType": "View"}]})
    assert (answer.status_code, answer.json()["error"], answer.json()["field"]) == (400, error, "sessionId")


async def test_ids_that_are_whole_numbers_are_their_digits(edge: RunningEdge) -> None:
    event = {"eventType": "View", "itemId": 42, "eventId": 7, "impression": [1, 2]}
    await call(edge, "events", {"sessionId": 12345, "userId": 42, "eventList": [event]})
    (record,) = await edge.records()
    assert (record.key.session_id, record.user_id) == ("12345", "42")
    assert json.loads(record.body) | {"itemId": "42", "eventId": "7", "impression": ["1", "2"]} == json.loads(
        record.body
    )
    assert (await call(edge, "users", {"datasetArn": USERS_ARN, "users": [{"userId": 42}]})).json()["accepted"] == 1
    assert (await call(edge, "items", {"datasetArn": ITEMS_ARN, "items": [{"itemId": 42}]})).json()["accepted"] == 1
    assert (await call(edge, "erase", {"userId": 42})).json() == {"erased": 2}


@pytest.mark.parametrize("user", [True, 4.5, [], {}, "x" * 257, "undefined", 2**53 + 1])
async def test_a_user_that_cannot_be_one_is_400_and_never_nobody(edge: RunningEdge, user: object) -> None:
    body = {"sessionId": SESSION, "userId": user, "eventList": [{"eventType": "View"}]}
    answer = await call(edge, "events", body)
    assert (answer.status_code, answer.json()["field"]) == (400, "userId")
    assert await edge.records() == []


TIMES = [
    NOW_S,
    NOW_S * 1000,
    NOW_S * 1000.0,
    f"{NOW_S}",
    f" {NOW_S}000 ",
    "2025-11-25T19:46:40Z",
    "2025-11-25T19:46:40+00:00",
    "2025-11-25T20:46:40+01:00",
    "2025-11-25T19:46:40.000Z",
    "2025-11-25 19:46:40",
    "20251125T194640Z",
]


@pytest.mark.parametrize("at", TIMES, ids=repr)
async def test_a_time_means_the_same_in_every_call(edge: RunningEdge, at: object) -> None:
    event = {"eventType": "View", "sentAt": at}
    assert (await call(edge, "events", {"sessionId": SESSION, "eventList": [event]})).json()["accepted"] == 1
    one = {"actionId": "a", "sessionId": SESSION, "eventType": "Taken", "timestamp": at}
    taken = await call(edge, "action-interactions", actions(one))
    assert taken.json()["accepted"] == 1
    found = await entries(edge)
    assert [entry.get("sentAt", entry.get("timestamp")) for entry in found] == [NOW_S, NOW_S]


@pytest.mark.parametrize(
    ("at", "understood"),
    [
        (17_641_000, "understood as 1970-07-24T04:16:40.000Z; at most 30 days back and 1 ahead are taken"),
        (NOW_S * 1000 + 2 * 86_400_000, "understood as 2025-11-27T19:46:40.000Z; at most 30 days back and 1 ahead"),
        ("2025-01-01", "understood as 2025-01-01T00:00:00.000Z"),
        ("yesterday", "a time is milliseconds, seconds (a number below 100000000000) or ISO 8601 text"),
        (True, "a time is milliseconds"),
        (1e300, "seconds after 1970"),
        ("9999-99-99", "a time is milliseconds"),
    ],
    ids=repr,
)
async def test_a_bad_time_says_what_was_understood(edge: RunningEdge, at: object, understood: str) -> None:
    event = {"eventType": "View", "eventId": "e", "sentAt": at}
    answer = await call(edge, "events", {"sessionId": SESSION, "eventList": [event, {"eventType": "View"}]})
    (rejected,) = answer.json()["rejected"]
    assert (answer.json()["accepted"], rejected["reason"], rejected["field"]) == (1, "bad_time", "sentAt")
    assert understood in rejected["detail"]


async def test_the_time_of_the_request_corrects_those_of_its_events_and_never_costs_them(edge: RunningEdge) -> None:
    later = datetime.fromtimestamp(NOW_S + 7200, UTC).isoformat()
    body = {"sessionId": SESSION, "sentAt": later, "eventList": [{"eventType": "View", "sentAt": NOW_S + 7190}]}
    assert (await call(edge, "events", body)).json()["accepted"] == 1
    assert [entry["sentAt"] for entry in await entries(edge)] == [NOW_S - 10]
    taken = (await call(edge, "events", body | {"sentAt": "soon", "eventList": [{"eventType": "View"}]})).json()
    assert (taken["accepted"], taken["dropped"]) == (1, [{"field": "sentAt", "reason": "bad_time"}])


async def test_what_cannot_be_used_of_an_event_or_an_interaction_is_left_out_and_counted(edge: RunningEdge) -> None:
    event = {"eventType": "View", "itemId": "p", "eventValue": "x", "evntValue": 3, "properties": {"userId": 1, "a": 2}}
    answer = await call(edge, "events", {"sessionId": SESSION, "eventList": [event], "context": {}})
    assert answer.json()["dropped"] == [
        {"field": "eventValue", "reason": "bad_number", "index": 0},
        {"field": "properties", "reason": "reserved_key", "index": 0},
    ]
    one = {"actionId": "a", "sessionId": "s", "eventType": "Taken", "timestamp": NOW_S, "recommendationId": "r" * 41}
    taken = await call(edge, "action-interactions", actions({**one, "properties": 5, "eventId": {}}))
    assert [(drop["field"], drop["reason"]) for drop in taken.json()["dropped"]] == [
        ("eventId", "bad_type"),
        ("recommendationId", "too_long"),
        ("properties", "bad_type"),
    ]
    metrics = (await edge.http.get(f"{edge.admin_url}/metrics")).text
    assert 'relay_fields_dropped_total{field="eventValue",reason="bad_number"} 1.0' in metrics
    assert 'relay_fields_unknown_total{field="evntValue"} 1.0' in metrics
    assert 'relay_fields_unknown_total{field="context"} 1.0' in metrics


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("users", {}, "datasetArn"),
        ("users", {"datasetArn": USERS_ARN}, "users"),
        ("users", {"datasetArn": USERS_ARN, "users": {}}, "users"),
        ("identity", {"userId": "u", "ttl": "60"}, "ttl"),
        ("identity", {"userId": "u", "ttl": True}, "ttl"),
        ("identity", {"userId": "u", "ttl": 0}, "ttl"),
        ("identity", {"userId": "u", "sessionId": []}, None),
        ("identity", {"userId": "u", "sessionId": {}}, "sessionId"),
        ("action-interactions", actions() | {"trackingId": None}, "trackingId"),
        ("action-interactions", actions() | {"trackingId": ITEMS_ARN}, "trackingId"),
        ("action-interactions", {"trackingId": ACTIONS_ID}, "actionInteractions"),
        ("events", {"sessionId": "s"}, "eventList"),
        ("events", {"sessionId": "s", "eventList": []}, "eventList"),
        ("erase", {"userId": None}, "userId"),
        ("allow", {}, "userId"),
    ],
    ids=repr,
)
async def test_a_400_names_the_field(edge: RunningEdge, path: str, body: Any, field: str | None) -> None:
    answer = await call(edge, path, body)
    assert (answer.status_code, answer.json().get("field")) == (400 if field else 200, field)
    assert not field or field in answer.json()["detail"]


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        (("users",), "users", 400),
        (("users",), "items", 403),
        (("records",), "actions", 400),
        (("events", "records", "identity", "erase"), "allow", 403),
        (("allow",), "allow", 400),
        (("admin",), "erase", 403),
    ],
)
async def test_scopes_allow_what_they_say(edge: RunningEdge, scopes: tuple[Scope, ...], path: str, status: int) -> None:
    assert (await call(edge, path, {}, *scopes)).status_code == status


async def test_an_erasure_is_lifted_by_allow_and_may_be_made_again_restarts_or_not() -> None:
    clock = SystemClock()
    spool = MemorySpool(clock=clock, max_bytes=1 << 20)
    for path, answer, identity in (
        ("allow", {"allowed": False}, "ok"),
        ("erase", {"erased": 1}, "invalid"),
        ("allow", {"allowed": True}, "ok"),
        ("allow", {"allowed": False}, "ok"),
        ("erase", {"erased": 3}, "invalid"),
    ):
        async with running_edge(clock=clock, spool=spool) as edge:
            assert (await call(edge, path, {"userId": "u1"})).json() == answer
            assert (await edge.send(identity=edge.login("u1")))["identity"] == identity
        async with running_edge(clock=clock, spool=spool) as edge:
            assert (await edge.send(session="c" * 20, eventList=[], identity=edge.login("u1")))["identity"] == identity


def test_a_token_made_without_scopes_can_neither_allow_nor_administrate() -> None:
    assert set(ALL_SCOPES) - set(SCOPES) == {"allow", "admin"}


async def test_a_property_that_is_denied_enters_the_spool_by_no_way() -> None:
    async with running_edge(properties_deny="eMail") as edge:
        properties = {"Email": "a@b.example", "price": 1}
        dropped = [{"field": "properties", "reason": "denied", "index": 0}]
        event = {"eventType": "View", "properties": properties}
        assert (await edge.send(event))["dropped"] == dropped
        body = {"sessionId": "s", "eventList": [event | {"properties": json.dumps(properties)}]}
        assert (await call(edge, "events", body)).json()["dropped"] == dropped
        one = {"actionId": "a", "sessionId": "s", "eventType": "T", "timestamp": NOW_S, "properties": properties}
        for path, sent in (
            ("users", {"datasetArn": USERS_ARN, "users": [{"userId": "u", "properties": properties}]}),
            ("items", {"datasetArn": ITEMS_ARN, "items": [{"itemId": "p", "properties": properties}]}),
            ("action-interactions", actions(one)),
        ):
            assert (await call(edge, path, sent)).json() == {"accepted": 1, "rejected": [], "dropped": dropped}
        assert [entry["properties"] for entry in await entries(edge)] == ['{"price":1}'] * 5
    async with running_edge(properties_allow="price,name", properties_deny="NAME") as edge:
        await edge.send({"eventType": "View", "properties": {"Price": 1, "name": "n", "other": 2}})
        assert [entry["properties"] for entry in await entries(edge)] == ['{"Price":1}']
