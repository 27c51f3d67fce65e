"""One event of a beacon: what means the same, what is left out of it, and what refuses it alone."""

import json
from typing import Any

import pytest

from relay.core.model import Reason
from relay.wire.beacon import decode
from relay.wire.event import BeaconEvent, Rejected

SESSION = "0b6e9d3c5a7f41e28c90d1b2a3f4e5d6"
GOOD: dict[str, Any] = {"eventId": "good", "eventType": "View", "itemId": "p1"}


def body(events: object = (), **fields: object) -> bytes:
    return json.dumps({"v": 1, "token": "t", "sessionId": SESSION, "eventList": events} | fields).encode()


def one(event: object) -> BeaconEvent | Rejected:
    """What becomes of an event between two good ones, which must be taken."""
    first, middle, last = decode(body([GOOD, event, GOOD])).events
    assert isinstance(first, BeaconEvent)
    assert isinstance(last, BeaconEvent)
    return middle


DEEP: Any = 0
for _ in range(400):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("event", "expected", "field"),
    [
        (None, Reason.BAD_TYPE, "eventList"),
        ("View", Reason.BAD_TYPE, "eventList"),
        ([], Reason.BAD_TYPE, "eventList"),
        (float("nan"), Reason.BAD_TYPE, "eventList"),
        ({}, Reason.MISSING_FIELD, "eventType"),
        ({"eventType": None}, Reason.MISSING_FIELD, "eventType"),
        ({"eventType": 1}, Reason.BAD_TYPE, "eventType"),
        ({"eventType": ""}, Reason.EMPTY, "eventType"),
        ({"eventType": "  "}, Reason.EMPTY, "eventType"),
        ({"itemId": ""}, Reason.EMPTY, "itemId"),
        ({"itemId": "undefined"}, Reason.EMPTY, "itemId"),
        ({"itemId": "null"}, Reason.EMPTY, "itemId"),
        ({"itemId": "\t"}, Reason.EMPTY, "itemId"),
        ({"itemId": "x" * 257}, Reason.TOO_LONG, "itemId"),
        ({"itemId": True}, Reason.BAD_TYPE, "itemId"),
        ({"itemId": False}, Reason.BAD_TYPE, "itemId"),
        ({"itemId": 4.5}, Reason.BAD_TYPE, "itemId"),
        ({"itemId": 2**53 + 1}, Reason.BAD_NUMBER, "itemId"),
        ({"itemId": 10**4000}, Reason.BAD_NUMBER, "itemId"),
        ({"itemId": float("inf")}, Reason.BAD_NUMBER, "itemId"),
        ({"itemId": DEEP}, Reason.BAD_TYPE, "itemId"),
        ({"itemId": "\ud800"}, Reason.BAD_UNICODE, "itemId"),
        ({"itemId": "a\0b"}, Reason.BAD_UNICODE, "itemId"),
        ({"sentAt": "now"}, Reason.BAD_TIME, "sentAt"),
        ({"sentAt": "2025-11-25T19:46:40Z"}, Reason.BAD_TIME, "sentAt"),
        ({"sentAt": True}, Reason.BAD_TIME, "sentAt"),
        ({"sentAt": float("inf")}, Reason.BAD_TIME, "sentAt"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_worthless_event_is_rejected_alone(event: object, expected: Reason, field: str) -> None:
    if isinstance(event, dict) and event and "eventType" not in event:
        event = {"eventType": "View", **event}
    middle = one(event)
    assert isinstance(middle, Rejected)
    assert (middle.reason, middle.field) == (expected, field)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"eventId": "x" * 257}, Reason.TOO_LONG),
        ({"eventId": {}}, Reason.BAD_TYPE),
        ({"eventId": True}, Reason.BAD_TYPE),
        ({"eventId": "undefined"}, Reason.EMPTY),
        ({"recommendationId": "r" * 41}, Reason.TOO_LONG),
        ({"recommendationId": "null"}, Reason.EMPTY),
        ({"recommendationId": 5}, Reason.BAD_TYPE),
        ({"eventValue": "free"}, Reason.BAD_NUMBER),
        ({"eventValue": "19,90"}, Reason.BAD_NUMBER),
        ({"eventValue": "1_0"}, Reason.BAD_NUMBER),
        ({"eventValue": "+1"}, Reason.BAD_NUMBER),
        ({"eventValue": "01"}, Reason.BAD_NUMBER),
        ({"eventValue": ".5"}, Reason.BAD_NUMBER),
        ({"eventValue": "5."}, Reason.BAD_NUMBER),
        ({"eventValue": "NaN"}, Reason.BAD_NUMBER),
        ({"eventValue": "1e999"}, Reason.BAD_NUMBER),
        ({"eventValue": "\u0661"}, Reason.BAD_NUMBER),
        ({"eventValue": "\u00a01"}, Reason.BAD_NUMBER),
        ({"eventValue": "1" * 1000}, Reason.BAD_NUMBER),
        ({"eventValue": "  "}, Reason.BAD_NUMBER),
        ({"eventValue": True}, Reason.BAD_TYPE),
        ({"eventValue": {}}, Reason.BAD_TYPE),
        ({"eventValue": float("nan")}, Reason.BAD_NUMBER),
        ({"eventValue": float("-inf")}, Reason.BAD_NUMBER),
        ({"eventValue": 1e39}, Reason.BAD_NUMBER),
        ({"eventValue": 10**400}, Reason.BAD_NUMBER),
        ({"eventValue": -(10**4000)}, Reason.BAD_NUMBER),
        ({"properties": 5}, Reason.BAD_TYPE),
        ({"properties": ["a"]}, Reason.BAD_TYPE),
        ({"properties": {"a": float("nan")}}, Reason.BAD_NUMBER),
        ({"properties": {"a": [{"b": "\udfff"}]}}, Reason.BAD_UNICODE),
        ({"properties": {"\ud800": 1}}, Reason.BAD_UNICODE),
        ({"properties": {"a": "\0"}}, Reason.BAD_UNICODE),
        ({"properties": {"a": DEEP, "b": "\0"}}, Reason.TOO_LONG),
        ({"impression": "p1"}, Reason.BAD_TYPE),
        ({"impression": {}}, Reason.BAD_TYPE),
        ({"impression": ["p", ""]}, Reason.EMPTY),
        ({"impression": ["p", True]}, Reason.BAD_TYPE),
        ({"impression": ["p", 1.5]}, Reason.BAD_TYPE),
        ({"impression": ["p" * 257]}, Reason.TOO_LONG),
        ({"metricAttribution": "home"}, Reason.BAD_TYPE),
        ({"metricAttribution": {"eventAttributionSource": 5}}, Reason.BAD_TYPE),
        ({"metricAttribution": {"eventAttributionSource": "   "}}, Reason.EMPTY),
        ({"metricAttribution": {"eventAttributionSource": "é"}}, Reason.BAD_UNICODE),
        ({"metricAttribution": {"eventAttributionSource": "a\n"}}, Reason.BAD_UNICODE),
        ({"metricAttribution": {"eventAttributionSource": "a" * 1025}}, Reason.TOO_LONG),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_field_that_cannot_be_used_is_left_out_and_named(fields: dict[str, Any], expected: Reason) -> None:
    (name,) = fields
    beacon = decode(body([GOOD, {"eventType": "View", "itemId": "p2", **fields}]))
    assert beacon.events == (BeaconEvent("View", "good", "p1"), BeaconEvent("View", item_id="p2"))
    assert [(one.index, one.field, one.reason) for one in beacon.dropped] == [(1, name, expected)]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"itemId": 42}, {"itemId": "42"}),
        ({"itemId": 42.0}, {"itemId": "42"}),
        ({"itemId": -7}, {"itemId": "-7"}),
        ({"itemId": 0}, {"itemId": "0"}),
        ({"itemId": 2**53}, {"itemId": "9007199254740992"}),
        ({"itemId": None}, {}),
        ({"eventId": 17}, {"eventId": "17"}),
        ({"eventId": ""}, {}),
        ({"sentAt": None}, {}),
        ({"sentAt": ""}, {}),
        ({"sentAt": "1795312345000"}, {"sentAt": 1795312345000}),
        ({"eventValue": "19.90"}, {"eventValue": 19.9}),
        ({"eventValue": "\t -1.5e1\r\n"}, {"eventValue": -15.0}),
        ({"eventValue": "0"}, {"eventValue": 0}),
        ({"eventValue": ""}, {}),
        ({"eventValue": None}, {}),
        ({"properties": None}, {}),
        ({"recommendationId": None}, {}),
        ({"recommendationId": ""}, {}),
        ({"impression": None}, {}),
        ({"impression": []}, {}),
        ({"impression": [None]}, {}),
        ({"impression": ["p1", None, 2]}, {"impression": ["p1", "2"]}),
        ({"metricAttribution": None}, {}),
        ({"metricAttribution": {}}, {}),
        ({"metricAttribution": {"eventAttributionSource": None}}, {}),
        ({"metricAttribution": {"eventAttributionSource": ""}}, {}),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_means_the_same_is_the_same(given: dict[str, Any], meant: dict[str, Any]) -> None:
    raw = decode(body([{"eventType": "View", **given}]))
    assert raw.events == decode(body([{"eventType": "View", **meant}])).events
    assert list(raw.dropped) == []


def test_of_a_long_impression_the_first_25_stay() -> None:
    seen = [f"p{number}" for number in range(40)]
    beacon = decode(body([{"eventType": "View", "impression": [None, *seen, {"bad": 1}]}]))
    assert beacon.events == (BeaconEvent("View", impression=seen[:25]),)
    assert [(one.field, one.reason) for one in beacon.dropped] == [("impression", Reason.TOO_MANY_ITEMS)]


@pytest.mark.parametrize(
    "fields",
    [
        {"itemId": "x" * 256},
        {"itemId": "😀" * 256},
        {"itemId": "\ud83d\ude00"},
        {"itemId": "\\u0000"},
        {"recommendationId": "r" * 40},
        {"impression": ["p" * 256] * 25},
        {"eventValue": 3.4028234663852886e38},
        {"eventValue": -5},
        {"metricAttribution": {"eventAttributionSource": "a" * 1024}},
        {"unknown": DEEP},
        {"unknown": "\ud800"},
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_is_within_the_limits_is_taken(fields: dict[str, Any]) -> None:
    assert isinstance(one({"eventType": "View", **fields}), BeaconEvent)


def test_a_rejected_event_keeps_its_id_where_it_has_one() -> None:
    assert one({"eventId": "e9"}) == Rejected(Reason.MISSING_FIELD, "eventType", "e9")
    assert one({"eventId": "e" * 300}) == Rejected(Reason.MISSING_FIELD, "eventType")
