"""Bytes to a beacon: shape, tolerance, and that the two ways of looking agree."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.model import Reason
from relay.wire import beacon as beacon_module
from relay.wire.beacon import Beacon, NotABeaconError, decode
from relay.wire.event import BeaconEvent, Rejected
from relay.wire.values import Field

SESSION = "0b6e9d3c5a7f41e28c90d1b2a3f4e5d6"
GOOD: dict[str, Any] = {"eventId": "good", "eventType": "View", "itemId": "p1"}


def body(events: object = (), **fields: object) -> bytes:
    return json.dumps({"v": 1, "token": "t", "sessionId": SESSION, "eventList": events} | fields).encode()


def reason(raw: bytes) -> str:
    with pytest.raises(NotABeaconError) as caught:
        decode(raw)
    return caught.value.reason


def test_every_field_arrives() -> None:
    beacon = decode(body([GOOD], identity="i", sentAt=1795312345678, seq=7, lost={"outbox_full": 2}, extra=[1]))
    assert beacon == Beacon(
        SESSION,
        (BeaconEvent("View", "good", "p1"),),
        "t",
        "i",
        1795312345678.0,
        7,
        {"outbox_full": 2},
        [],
        {"extra": 1},
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
        (body(eventList=None), "missing_field"),
        (body(eventList={}), "bad_type"),
        (body([GOOD] * 501), "too_many_events"),
        (body([{"bad": 1}] * 501), "too_many_events"),
        (body([GOOD]) + b"x", "not_json"),
        (b"[" * 60_000, "not_json"),
        (b"[" * 30_000 + b"]" * 30_000, "bad_type"),
        (b'{"a":"' + b'\\"' * 30_000, "not_json"),
    ],
)
def test_what_is_no_beacon_is_refused_as_a_whole(raw: bytes, expected: str) -> None:
    assert reason(raw) == expected


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("sentAt", "now", "bad_time"),
        ("sentAt", float("nan"), "bad_time"),
        ("sentAt", 10**400, "bad_time"),
        ("sentAt", True, "bad_time"),
        ("sentAt", 1e16, "bad_time"),
        ("seq", -1, "bad_number"),
        ("seq", 1.5, "bad_number"),
        ("seq", 2**53 + 2, "bad_number"),
        ("seq", [], None),
        ("seq", {}, "bad_type"),
        ("lost", 5, "bad_type"),
        ("lost", "x", "bad_type"),
        ("lost", {"refused": "y"}, "bad_number"),
        ("lost", {"refused": -1}, "bad_number"),
        ("lost", {"refused": True}, "bad_type"),
        ("lost", {"refused": None}, None),
        ("lost", None, None),
        ("seq", None, None),
        ("sentAt", None, None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_stands_beside_the_events_never_costs_them(field: Field, value: object, reason: str | None) -> None:
    beacon = decode(body([GOOD], **{field: value}))
    assert beacon.events == (BeaconEvent("View", "good", "p1"),)
    assert (beacon.sent_at_ms, beacon.seq, beacon.lost) == (None, None, {})
    assert [(one.field, one.reason) for one in beacon.dropped] == ([(field, reason)] if reason else [])


def test_counts_and_times_written_as_text_are_those_numbers() -> None:
    beacon = decode(body([GOOD], sentAt=" 1795312345678 ", seq="7", lost={"refused": "2"}))
    assert (beacon.sent_at_ms, beacon.seq, beacon.lost, list(beacon.dropped)) == (
        1795312345678.0,
        7,
        {"refused": 2},
        [],
    )


def test_a_count_that_is_none_costs_only_itself() -> None:
    beacon = decode(body([GOOD], lost={"outbox_full": 3, "refused": []}))
    assert beacon.lost == {"outbox_full": 3}
    assert [(one.field, one.reason) for one in beacon.dropped] == [("lost", Reason.BAD_TYPE)]


@pytest.mark.parametrize("identity", [5, [], {}, True, False, 0])
def test_an_identity_of_the_wrong_kind_is_still_one_to_be_judged(identity: object) -> None:
    beacon = decode(body([GOOD], identity=identity))
    assert (beacon.identity, len(beacon.events)) == (identity, 1)


def test_names_nobody_knows_are_counted_wherever_they_stand() -> None:
    events = [{**GOOD, "evntValue": 3}, {**GOOD, "eventId": "b", "evntValue": 4, "metricAttribution": {"sorce": 1}}]
    assert decode(body(events, client="x")).unknown == {"client": 1, "evntValue": 2, "sorce": 1}


def test_names_that_are_no_names_and_names_past_the_bound_are_others() -> None:
    odd = {"": 1, "a" * 65: 1, "a-b": 1, "ä": 1, "a" * 64: 1}
    assert decode(body([], **odd)).unknown == {"other": 4, "a" * 64: 1}
    unknown = decode(body([], **{f"n{number}": 1 for number in range(500)})).unknown
    assert (len(unknown), unknown["other"], sum(unknown.values())) == (201, 300, 500)


def test_a_beacon_without_faults_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beacon_module, "_second_look", lambda _: pytest.fail("a second decode"))
    full = json.loads((Path(__file__).parent.parent / "contract/beacons-taken.json").read_text())[0]["beacon"]
    assert decode(json.dumps(full).encode()).unknown == {}


@pytest.mark.parametrize("identity", [None, ""])
def test_no_identity_is_none(identity: object) -> None:
    assert decode(body([GOOD], identity=identity)).identity is None


def test_reasons_of_losses_are_a_closed_list() -> None:
    lost = {"outbox_full": 1, **{f"made up {number}": 2 for number in range(50)}}
    assert decode(body([GOOD], lost=lost)).lost == {"outbox_full": 1, "other": 100}


def test_the_most_hostile_bodies_of_the_largest_size_take_little_time() -> None:
    hostile = [
        body([{"eventType": 1}] * 500, pad="x" * 40_000),
        b'{"v":1,"eventList":[' + b"[" * 32_000 + b"]" * 32_000 + b"]}",
        b'{"v":1,' + b'[{"' * 20_000,
        body([{"eventType": "V", "properties": {f"k{number}": 1 for number in range(5000)}}]),
        body([{"eventType": "V", "eventValue": int("9" * 4000)}] * 14),
        b'{"v":1,"eventList":[' + b"9" * 60_000 + b"]}",
        b'{"a":"' + b"\\u0000" * 10_000 + b'"}',
        body([{"eventType": "V", "properties": "[" * 60_000}]),
        body([{"eventType": "V", "eventValue": "1" * 60_000}]),
        body([], **{f"n{number}": 1 for number in range(6000)}),
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


@pytest.mark.parametrize("blank", [" ", "   ", "\t", "\n", "\u00a0", "\u2003", "\x1f"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_blank_id_is_refused_however_it_is_written(blank: str, ascii_only: bool) -> None:
    events = [GOOD, GOOD | {"eventId": "other", "itemId": "p2", "eventType": blank}]
    whole = {"v": 1, "sessionId": SESSION, "eventList": events}
    raw = json.dumps(whole, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    good, bad = decode(raw).events
    assert isinstance(good, BeaconEvent)
    assert isinstance(bad, Rejected)
    assert (bad.reason, bad.field) == (Reason.EMPTY, "eventType")


@given(EVENTS, st.booleans())
def test_the_quick_look_and_the_second_look_agree(event: dict[str, Any], compact: bool) -> None:
    raw = body([event])
    if compact:  # as a browser writes it
        raw = json.dumps(json.loads(raw), separators=(",", ":")).encode()
    slow = beacon_module._second_look(raw).events[0]
    try:
        quick = decode(raw).events[0]
    except NotABeaconError:
        pytest.fail("an event may not spoil the beacon")
    assert quick == slow
    try:
        typed = msgspec.json.decode(raw, type=beacon_module.WireBeacon).event_list[0]
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
