"""Bytes to a beacon: shape, tolerance, and that the two ways of looking agree."""

import json
import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.model import Reason
from relay.wire import beacon as beacon_module
from relay.wire.beacon import Beacon, NotABeaconError, decode
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


def reason(raw: bytes) -> str:
    with pytest.raises(NotABeaconError) as caught:
        decode(raw)
    return caught.value.reason


def test_every_field_arrives() -> None:
    beacon = decode(body([GOOD], identity="i", sentAt=1795312345678, seq=7, lost={"outbox_full": 2}, extra=[1]))
    assert beacon == Beacon(
        SESSION, (BeaconEvent("View", "good", "p1"),), "t", "i", 1795312345678.0, {"outbox_full": 2}
    )


def test_the_least_is_enough() -> None:
    beacon = decode(body([{"eventType": "View"}]))
    assert beacon.events == (BeaconEvent("View"),)
    assert (beacon.sent_at_ms, beacon.identity, beacon.lost) == (None, None, {})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "not_json"),
        (b"\xff", "not_utf8"),
        (b'{"v":1,"x":"\xff"}', "not_utf8"),
        ("{}".encode("utf-16"), "not_utf8"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b"[]", "bad_type"),
        (b'"x"', "bad_type"),
        (b"NaN", "bad_type"),
        (b"{}", "bad_version"),
        (body(v=2), "bad_version"),
        (body(v=True), "bad_version"),
        (body(v="1"), "bad_version"),
        (body(sessionId=5), "bad_session_id"),
        (body(sessionId="short"), "bad_session_id"),
        (body(eventList=None), "bad_type"),
        (body([GOOD] * 501), "too_many_events"),
        (body([{"bad": 1}] * 501), "too_many_events"),
        (body([GOOD], sentAt="now"), "bad_time"),
        (body([GOOD], sentAt=float("nan")), "bad_time"),
        (body([GOOD], sentAt=10**400), "bad_time"),
        (body([GOOD], sentAt=None), "bad_time"),
        (body([GOOD], seq=-1), "bad_type"),
        (body([GOOD], lost=[]), "bad_type"),
        (body([GOOD], lost={"x": "y"}), "bad_type"),
        (body([GOOD]) + b"x", "not_json"),
        (b"[" * 60_000, "not_json"),
        (b"[" * 30_000 + b"]" * 30_000, "bad_type"),
        (b'{"a":"' + b'\\"' * 30_000, "not_json"),
    ],
)
def test_what_is_no_beacon_is_refused_as_a_whole(raw: bytes, expected: str) -> None:
    assert reason(raw) == expected


@pytest.mark.parametrize("identity", [None, ""])
def test_no_identity_is_none(identity: object) -> None:
    assert decode(body([GOOD], identity=identity)).identity is None


def test_reasons_of_losses_are_a_closed_list() -> None:
    lost = {"outbox_full": 1, **{f"made up {number}": 2 for number in range(50)}}
    assert decode(body([GOOD], lost=lost)).lost == {"outbox_full": 1, "other": 100}


DEEP: Any = 0
for _ in range(400):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (None, Reason.BAD_TYPE),
        ("View", Reason.BAD_TYPE),
        ([], Reason.BAD_TYPE),
        (float("nan"), Reason.BAD_TYPE),
        ({}, Reason.MISSING_FIELD),
        ({"eventType": None}, Reason.BAD_TYPE),
        ({"eventType": ""}, Reason.EMPTY),
        ({"eventType": "  "}, Reason.EMPTY),
        ({"itemId": "undefined"}, Reason.EMPTY),
        ({"itemId": "null"}, Reason.EMPTY),
        ({"itemId": "\t"}, Reason.EMPTY),
        ({"itemId": "x" * 257}, Reason.TOO_LONG),
        ({"itemId": None}, Reason.BAD_TYPE),
        ({"itemId": DEEP}, Reason.BAD_TYPE),
        ({"itemId": "\ud800"}, Reason.BAD_UNICODE),
        ({"itemId": "a\0b"}, Reason.BAD_UNICODE),
        ({"eventId": "x" * 257}, Reason.TOO_LONG),
        ({"recommendationId": "r" * 41}, Reason.TOO_LONG),
        ({"eventValue": "19.9"}, Reason.BAD_TYPE),
        ({"eventValue": True}, Reason.BAD_TYPE),
        ({"eventValue": float("nan")}, Reason.BAD_NUMBER),
        ({"eventValue": float("-inf")}, Reason.BAD_NUMBER),
        ({"eventValue": 1e39}, Reason.BAD_NUMBER),
        ({"eventValue": 10**400}, Reason.BAD_NUMBER),
        ({"eventValue": -(10**4000)}, Reason.BAD_NUMBER),
        ({"sentAt": "now"}, Reason.BAD_TYPE),
        ({"sentAt": float("inf")}, Reason.BAD_NUMBER),
        ({"properties": 5}, Reason.BAD_TYPE),
        ({"properties": {"a": float("nan")}}, Reason.BAD_NUMBER),
        ({"properties": {"a": [{"b": "\udfff"}]}}, Reason.BAD_UNICODE),
        ({"properties": {"\ud800": 1}}, Reason.BAD_UNICODE),
        ({"properties": {"a": "\0"}}, Reason.BAD_UNICODE),
        ({"properties": {"a": DEEP, "b": "\0"}}, Reason.TOO_LONG),
        ({"impression": "p1"}, Reason.BAD_TYPE),
        ({"impression": []}, Reason.EMPTY),
        ({"impression": ["p"] * 26}, Reason.TOO_MANY_ITEMS),
        ({"impression": ["p", ""]}, Reason.EMPTY),
        ({"impression": ["p", 5]}, Reason.BAD_TYPE),
        ({"impression": ["p" * 257]}, Reason.TOO_LONG),
        ({"metricAttribution": "home"}, Reason.BAD_TYPE),
        ({"metricAttribution": {}}, Reason.MISSING_FIELD),
        ({"metricAttribution": {"eventAttributionSource": ""}}, Reason.EMPTY),
        ({"metricAttribution": {"eventAttributionSource": "   "}}, Reason.EMPTY),
        ({"metricAttribution": {"eventAttributionSource": "é"}}, Reason.BAD_UNICODE),
        ({"metricAttribution": {"eventAttributionSource": "a\n"}}, Reason.BAD_UNICODE),
        ({"metricAttribution": {"eventAttributionSource": "a" * 1025}}, Reason.TOO_LONG),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_bad_event_is_rejected_alone(event: object, expected: Reason) -> None:
    if isinstance(event, dict) and event and "eventType" not in event:
        event = {"eventType": "View", **event}
    middle = one(event)
    assert isinstance(middle, Rejected)
    assert middle.reason is expected


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
    assert one({"eventId": "e9"}) == Rejected(Reason.MISSING_FIELD, "e9")
    assert one({"eventId": "e" * 300, "eventType": "View"}) == Rejected(Reason.TOO_LONG, None)


def test_the_most_hostile_bodies_of_the_largest_size_take_little_time() -> None:
    hostile = [
        body([{"eventType": 1}] * 500, pad="x" * 40_000),
        b'{"v":1,"eventList":[' + b"[" * 32_000 + b"]" * 32_000 + b"]}",
        b'{"v":1,' + b'[{"' * 20_000,
        body([{"eventType": "V", "properties": {f"k{number}": 1 for number in range(5000)}}]),
        body([{"eventType": "V", "eventValue": int("9" * 4000)}] * 14),
        b'{"v":1,"eventList":[' + b"9" * 60_000 + b"]}",
        b'{"a":"' + b"\\u0000" * 10_000 + b'"}',
    ]
    for raw in hostile:
        started_s = time.thread_time()  # of this thread's own computing: others on the machine do not count
        with suppress(NotABeaconError):
            decode(raw)
        assert time.thread_time() - started_s < 0.25, raw[:40]  # 5-20 ms here; the bound is for slow machines


IDS = st.one_of(st.text(max_size=3), st.sampled_from(["p" * 256, "p" * 257, "null", " ", "\ud800", "é" * 256]))
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([1e39, -0.0, 10**400, 3.4e38]))
JUNK: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.just([]), st.just({}))
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "eventType": st.one_of(st.just("View"), IDS, JUNK),
        "eventId": st.one_of(IDS, JUNK),
        "itemId": st.one_of(IDS, JUNK),
        "sentAt": st.one_of(NUMBERS, JUNK),
        "eventValue": st.one_of(NUMBERS, JUNK),
        "properties": st.one_of(st.dictionaries(IDS, st.one_of(NUMBERS, IDS, JUNK), max_size=3), IDS, JUNK),
        "recommendationId": st.one_of(st.just("r" * 41), IDS, JUNK),
        "impression": st.one_of(st.lists(IDS, max_size=27), JUNK),
        "metricAttribution": st.one_of(JUNK, st.fixed_dictionaries({"eventAttributionSource": st.one_of(IDS, JUNK)})),
        "other": JUNK,
    },
)


@given(EVENTS)
def test_the_quick_look_and_the_second_look_agree(event: dict[str, Any]) -> None:
    raw = body([event])
    slow = beacon_module._tolerant(raw).events[0]
    try:
        quick = decode(raw).events[0]
    except NotABeaconError:
        pytest.fail("an event may not spoil the beacon")
    assert quick == slow
    try:
        typed = msgspec.json.decode(raw, type=beacon_module._Wire).event_list[0]
    except (msgspec.DecodeError, ValueError):
        return
    if isinstance(slow, BeaconEvent):
        assert typed == slow


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with suppress(NotABeaconError):
        decode(raw)


@given(st.recursive(JUNK | IDS | NUMBERS, lambda inner: st.lists(inner) | st.dictionaries(IDS, inner), max_leaves=20))
def test_no_json_raises_anything_else(value: object) -> None:
    for raw in (
        json.dumps(value).encode(),
        body(value),
        body([value]),
        body([{"eventType": "V", "properties": value}]),
    ):
        with suppress(NotABeaconError):
            decode(raw)
