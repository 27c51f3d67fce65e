"""PutEvents: every limit at its edge and one past it, types, keys, trackers."""

import json
from typing import Any

import pytest

from tests.emulator.raw_client import SENT_AT, RawClient

_OVERHEAD = len(json.dumps({"k": ""}))


def _properties(length: int) -> str:
    return json.dumps({"k": "x" * (length - _OVERHEAD)})


def _source(length: int) -> dict[str, str]:
    return {"eventAttributionSource": "a" * length}


@pytest.mark.parametrize(
    ("member", "edge", "past"),
    [
        ("eventType", "t" * 256, "t" * 257),
        ("eventType", "t", ""),
        ("eventId", "e" * 256, "e" * 257),
        ("eventId", "e", ""),
        ("itemId", "i" * 256, "i" * 257),
        ("itemId", "\U0001f600" * 256, "\U0001f600" * 257),
        ("itemId", "i", ""),
        ("recommendationId", "r" * 40, "r" * 41),
        ("recommendationId", "r", ""),
        ("impression", ["i"] * 25, ["i"] * 26),
        ("impression", ["i"], []),
        ("impression", ["i" * 256], ["i" * 257]),
        ("impression", ["i"], [""]),
        ("properties", _properties(1024), _properties(1025)),
        ("properties", "{}", ""),
        ("eventValue", 3.4028234663852886e38, 3.5e38),
        ("eventValue", -3.4028234663852886e38, -3.5e38),
        ("metricAttribution", _source(1024), _source(1025)),
        ("metricAttribution", {"eventAttributionSource": " ~ "}, {"eventAttributionSource": "   "}),
        ("metricAttribution", {"eventAttributionSource": "e"}, {"eventAttributionSource": "é"}),
        ("metricAttribution", _source(1), {"eventAttributionSource": ""}),
        ("metricAttribution", _source(1), {}),
        ("sentAt", 0, -1),
        ("sentAt", 253_402_300_799, SENT_AT * 1000),
        ("sentAt", SENT_AT + 0.5, None),
        ("eventType", "t", None),
    ],
)
async def test_a_member_of_an_event_is_taken_at_its_limit_and_refused_past_it(
    raw: RawClient, member: str, edge: Any, past: Any
) -> None:
    good = await raw.put_event(**{member: edge})
    assert (good.status, good.code, good.body) == (200, None, b"")
    bad = await raw.put_event(**{member: past})
    assert (bad.status, bad.code) == (400, "InvalidInputException")
    assert member in bad.message or member == "properties"


@pytest.mark.parametrize(
    ("member", "edge", "past"),
    [
        ("sessionId", "s" * 256, "s" * 257),
        ("sessionId", "s", ""),
        ("sessionId", "s", None),
        ("userId", "u" * 256, "u" * 257),
        ("userId", "u", ""),
        ("userId", None, ""),
        ("eventList", [{"eventType": "t", "sentAt": 1}] * 10, [{"eventType": "t", "sentAt": 1}] * 11),
        ("eventList", [{"eventType": "t", "sentAt": 1}], []),
        ("eventList", [{"eventType": "t", "sentAt": 1}], None),
    ],
)
async def test_a_member_of_the_call_is_taken_at_its_limit_and_refused_past_it(
    raw: RawClient, member: str, edge: Any, past: Any
) -> None:
    assert (await raw.put_event(call={member: edge})).status == 200
    bad = await raw.put_event(call={member: past})
    assert (bad.status, bad.code) == (400, "InvalidInputException")
    assert member in bad.message


@pytest.mark.parametrize(
    "event",
    [
        {"eventType": 1},
        {"itemId": 5},
        {"itemId": ["p1"]},
        {"sentAt": "1719511760"},
        {"sentAt": True},
        {"eventValue": "19.9"},
        {"eventValue": "NaN"},
        {"eventValue": True},
        {"properties": {"price": 1}},
        {"impression": "p1|p2"},
        {"impression": [1]},
        {"metricAttribution": "home"},
    ],
)
async def test_a_wrong_type_is_a_serialization_error(raw: RawClient, event: dict[str, Any]) -> None:
    answer = await raw.put_event(**event)
    assert (answer.status, answer.code) == (400, "SerializationException")
    assert next(iter(event)) in answer.message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"sessionId":"\\ud800"}', b"[" * 100_000])
async def test_a_body_that_is_no_object_of_json_is_a_serialization_error(raw: RawClient, body: bytes) -> None:
    answer = await raw.call("/events", body)
    assert (answer.status, answer.code) == (400, "SerializationException")


async def test_null_and_members_nobody_knows_are_passed_over_and_counted(raw: RawClient) -> None:
    before = (await raw.get("/_emulator/stats")).json()["overlooked"]
    body = raw.put_events_body(itemID="p1", call={"identity": "x"}) | {"userId": None}
    assert (await raw.call("/events", body)).status == 200
    [*_, call] = raw.running.emulator.calls.after(0)
    assert sorted(call.overlooked) == ["identity", "itemID", "userId=null"]
    after = (await raw.get("/_emulator/stats")).json()["overlooked"]
    assert {name: after[name] - before.get(name, 0) for name in call.overlooked} == dict.fromkeys(call.overlooked, 1)


async def test_what_is_required_must_be_more_than_null(raw: RawClient) -> None:
    answer = await raw.call("/events", raw.put_events_body() | {"sessionId": None})
    assert (answer.status, answer.code) == (400, "InvalidInputException")
    assert "sessionId" in answer.message
    assert (await raw.put_event(call={"eventList": [None]})).code == "SerializationException"


@pytest.mark.parametrize("ids", [["i" * 250] * 4, ["é"] * 25, ["x"]])
async def test_an_impression_has_a_thousand_characters_at_most(raw: RawClient, ids: list[str]) -> None:
    ids = [*ids[:-1], ids[-1] + "x" * (256 - len(ids[-1]))] if len("|".join(ids)) > 1000 else ids
    fits = len("|".join(ids)) <= 1000
    assert (await raw.put_event(impression=ids)).status == (200 if fits else 400)


@pytest.mark.parametrize("key", ["userId", "sessionId", "eventType", "timestamp", "recommendationId", "impression"])
async def test_reserved_keys_of_properties_are_refused_in_any_case(raw: RawClient, key: str) -> None:
    for spelling in (key, key.upper(), key.lower()):
        answer = await raw.put_event(properties=json.dumps({"price": 1, spelling: "x"}))
        assert (answer.status, answer.code) == (400, "InvalidInputException")
        assert spelling in answer.message


@pytest.mark.parametrize("properties", ["null", "[]", '"x"', "{", "price=1", '"{\\"double\\":1}"', "[" * 1000])
async def test_properties_must_be_a_json_object_in_a_string(raw: RawClient, properties: str) -> None:
    answer = await raw.put_event(properties=properties)
    assert (answer.status, answer.code) == (400, "InvalidInputException")
    assert answer.message == "Error parsing properties json"


async def test_item_and_value_may_stand_in_the_properties(raw: RawClient) -> None:
    assert (await raw.put_event(properties='{"itemId": "p1", "eventValue": 3}')).status == 200


async def test_an_event_over_ten_kilobytes_is_refused_with_its_neighbours(raw: RawClient) -> None:
    def event(length: int) -> dict[str, Any]:
        return {
            "eventType": "View",
            "sentAt": SENT_AT,
            "impression": ["🛒" * 250] * 3 + ["🛒" * 247],
            "properties": json.dumps({"a": "🛒" * length}, ensure_ascii=False),
            "itemId": "🛒" * 256,
            "eventId": "🛒" * 256,
            "metricAttribution": {"eventAttributionSource": "x" * 1024},
        }

    fits, too_large = event(700), event(1010)
    assert (await raw.put_event(call={"eventList": [fits] * 10})).status == 200
    answer = await raw.put_event(call={"eventList": [fits, too_large]})
    assert (answer.status, answer.code) == (400, "InvalidInputException")
    assert "10 KB" in answer.message


async def test_one_bad_event_refuses_the_whole_call(raw: RawClient) -> None:
    taken = len(raw.running.events())
    good = {"eventType": "View", "sentAt": SENT_AT}
    answer = await raw.put_event(call={"eventList": [good, good | {"recommendationId": "r" * 41}]})
    assert "eventList.2.member.recommendationId" in answer.message
    assert len(raw.running.events()) == taken


@pytest.mark.parametrize(
    "tracking_id", ["unknown", "t" * 257, "", "arn:aws:personalize:us-east-1:1:event-tracker/demo"]
)
async def test_a_tracking_id_nobody_has_is_invalid_input(raw: RawClient, tracking_id: str) -> None:
    answer = await raw.put_event(call={"trackingId": tracking_id})
    assert (answer.status, answer.code) == (400, "InvalidInputException")


async def test_a_body_over_four_megabytes_is_refused(raw: RawClient) -> None:
    answer = await raw.call("/events", b" " * (4 * 1024 * 1024 + 1))
    assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")


async def test_every_answer_has_its_own_request_id(raw: RawClient) -> None:
    answers = [await raw.put_event(), await raw.put_event(itemId=""), await raw.put_event()]
    assert len({answer.headers["x-amzn-requestid"] for answer in answers}) == 3


async def test_an_operation_nobody_knows_is_refused_with_the_error_every_service_models(raw: RawClient) -> None:
    for path, target in (("/event", None), ("/", "PutEvents"), ("/", "CreateGenius"), ("/", None)):
        answer = await raw.call(path, {}, target=target)
        assert (answer.status, answer.code) == (400, "InvalidInputException")
        assert b'"__type":"InvalidInputException"' in answer.body
        assert "There is no operation" in answer.message
