"""One event to one entry of PutEvents."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core import limits
from relay.core.model import Reason
from relay.wire.event import BeaconEvent, entry, packed_properties

NOW_MS = 1_795_312_345_678
DAY_MS = 86_400_000


def made(event: BeaconEvent, *, skew_ms: float = 0.0) -> dict[str, Any] | Reason:
    result = entry(event, event_id="e1", skew_ms=skew_ms, now_ms=NOW_MS, max_age_ms=30 * DAY_MS)
    if isinstance(result, Reason):
        return result
    fields: dict[str, Any] = json.loads(result)
    return fields


def test_the_entry_has_the_service_s_names_and_whole_seconds() -> None:
    event = msgspec.convert(
        {
            "eventType": "Click",
            "itemId": "p1",
            "sentAt": NOW_MS - 678.5,
            "eventValue": 19.9,
            "properties": {"price": 19.9, "name": "ü"},
            "recommendationId": "RID",
            "impression": ["p1", "p2"],
            "metricAttribution": {"eventAttributionSource": "home"},
        },
        BeaconEvent,
    )
    assert made(event) == {
        "eventId": "e1",
        "eventType": "Click",
        "sentAt": 1_795_312_344,
        "itemId": "p1",
        "eventValue": 19.9,
        "properties": '{"price":19.9,"name":"ü"}',
        "recommendationId": "RID",
        "impression": ["p1", "p2"],
        "metricAttribution": {"eventAttributionSource": "home"},
    }


def test_what_was_not_sent_is_not_there() -> None:
    assert made(BeaconEvent("View")) == {"eventId": "e1", "eventType": "View", "sentAt": NOW_MS // 1000}


def test_a_browser_whose_clock_is_wrong_is_corrected() -> None:
    wrong_by_ms = 5 * 365 * DAY_MS
    event = BeaconEvent("View", sent_at=NOW_MS + wrong_by_ms - 2000)
    assert made(event, skew_ms=-wrong_by_ms) == {"eventId": "e1", "eventType": "View", "sentAt": NOW_MS // 1000 - 2}


@pytest.mark.parametrize(
    "at_ms",
    [NOW_MS + DAY_MS + 1, NOW_MS - 30 * DAY_MS - 1, -1, 0, NOW_MS / 1000, 1e14, 1e300, -1e300, 32_503_680_000_000],
)
def test_a_time_that_cannot_be_is_refused(at_ms: float) -> None:
    assert made(BeaconEvent("View", sent_at=at_ms)) is Reason.BAD_TIME


@pytest.mark.parametrize("at_ms", [NOW_MS + DAY_MS, NOW_MS - 30 * DAY_MS, NOW_MS])
def test_the_bounds_of_time_are_within(at_ms: float) -> None:
    assert not isinstance(made(BeaconEvent("View", sent_at=at_ms)), Reason)


def test_properties_are_packed_whether_object_or_string() -> None:
    assert packed_properties({"a": 1, "b": [True, None]}) == '{"a":1,"b":[true,null]}'
    assert packed_properties(' { "a" : 1.5 } ') == '{"a":1.5}'


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("", Reason.EMPTY),
        ("  ", Reason.EMPTY),
        ("x", Reason.BAD_TYPE),
        ("[]", Reason.BAD_TYPE),
        ('"{}"', Reason.BAD_TYPE),
        ('{"a":NaN}', Reason.BAD_NUMBER),
        ('{"a":1e999}', Reason.BAD_NUMBER),
        ('{"a":"\\ud800"}', Reason.BAD_UNICODE),
        ('{"a":"\\u0000"}', Reason.BAD_UNICODE),
        ('{"a":' + "[" * 30_000 + "]" * 30_000 + "}", Reason.TOO_LONG),
        ('{"UserId":1}', Reason.RESERVED_KEY),
        *(({key.upper(): 1}, Reason.RESERVED_KEY) for key in sorted(limits.RESERVED_PROPERTY_KEYS)),
        ({"a": "x" * 1017}, Reason.TOO_LONG),
        ({"a": "é" * 1017}, Reason.TOO_LONG),
        ({"a": '"' * 509}, Reason.TOO_LONG),
    ],
    ids=lambda value: str(value)[:40],
)
def test_properties_the_service_would_refuse_are_refused(properties: Any, reason: Reason) -> None:
    assert packed_properties(properties) is reason


@pytest.mark.parametrize("value", ["x" * 1016, "é" * 1016, '"' * 508])
def test_1024_characters_of_properties_fit(value: str) -> None:
    packed = packed_properties({"a": value})
    assert len(packed) == 1024
    assert json.loads(packed) == {"a": value}


def test_an_event_of_more_than_ten_kilobytes_is_too_large() -> None:
    most = BeaconEvent("V", impression=["é" * 250] * 25)
    assert made(most) is Reason.TOO_LARGE
    ascii_most = BeaconEvent(
        "V" * 256,
        item_id="i" * 256,
        recommendation_id="r" * 40,
        impression=["p" * 256] * 25,
        properties={"a": "x" * 1016},
    )
    assert not isinstance(made(ascii_most), Reason)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4))
def test_packing_keeps_the_meaning(properties: dict[str, Any]) -> None:
    packed = packed_properties(properties)
    if not isinstance(packed, Reason):
        assert json.loads(packed) == properties
