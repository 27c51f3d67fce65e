"""One event to one entry of PutEvents."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core import limits
from relay.core.model import Reason
from relay.wire.event import Attribution, BeaconEvent, entry
from relay.wire.fields import Drop
from relay.wire.properties import Packed, PropertyNames, packed_properties

NOW_MS = 1_795_312_345_678
DAY_MS = 86_400_000


def made_with(event: BeaconEvent, **options: Any) -> tuple[dict[str, Any] | None, list[tuple[str, Reason]]]:
    """The entry, and what was left out of it."""
    dropped: list[Drop] = []
    options = {"skew_ms": 0.0} | options
    result = entry(event, event_id="e1", now_ms=NOW_MS, max_age_ms=30 * DAY_MS, dropped=dropped, index=3, **options)
    assert all(one.index == 3 for one in dropped)
    return None if result is None else json.loads(result), [(one.field, one.reason) for one in dropped]


def made(event: BeaconEvent, **options: Any) -> dict[str, Any] | None:
    result, dropped = made_with(event, **options)
    assert dropped == []
    return result


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
    assert made(BeaconEvent("View", sent_at=at_ms)) is None


@pytest.mark.parametrize("at_ms", [NOW_MS + DAY_MS, NOW_MS - 30 * DAY_MS, NOW_MS])
def test_the_bounds_of_time_are_within(at_ms: float) -> None:
    assert made(BeaconEvent("View", sent_at=at_ms))


@pytest.mark.parametrize(("chars", "left_out"), [(39, []), (40, [("impression", Reason.TOO_LONG)])])
def test_an_impression_has_a_thousand_characters_together_at_most(
    chars: int, left_out: list[tuple[str, Reason]]
) -> None:
    assert 25 * 39 + 24 <= limits.MAX_CATEGORICAL_CHARS < 25 * 40 + 24
    assert made_with(BeaconEvent("V", item_id="p1", impression=["p" * chars] * 25))[1] == left_out


def test_an_event_past_ten_kilobytes_goes_without_what_makes_it_so() -> None:
    seen = BeaconEvent("\x01" * 256, item_id="\x01" * 256, impression=["\x01" * 250] * 3, properties={"a": "x" * 1016})
    assert made_with(seen)[1] == []
    escaped_most = BeaconEvent(
        "V", item_id="\x01" * 256, impression=["\x01" * 249] * 4, properties={"a": "\U0001f600" * 1016}
    )
    assert made_with(escaped_most)[1] == [("impression", Reason.TOO_LARGE)]
    ascii_most = BeaconEvent(
        "V" * 256,
        item_id="i" * 256,
        recommendation_id="r" * 40,
        impression=["p" * 39] * 25,
        properties={"a": "x" * 1016},
    )
    assert made_with(ascii_most)[1] == []
    escaped = "\x01" * 256
    worst = BeaconEvent(
        escaped,
        item_id=escaped,
        recommendation_id="\x01" * 40,
        properties={"a": "\U0001f600" * 1016},
        metric_attribution=Attribution('"' * 1024),
        event_value=-1.2345678901234567e-30,
    )
    dropped: list[Drop] = []
    body = entry(worst, event_id=escaped, skew_ms=0, now_ms=NOW_MS, max_age_ms=DAY_MS, dropped=dropped)
    assert body is not None
    assert len(body) <= limits.MAX_EVENT_BYTES
    assert [(one.field, one.reason) for one in dropped] == [("properties", Reason.TOO_LARGE)]


def test_properties_that_cannot_be_passed_on_are_left_out_and_the_event_goes() -> None:
    assert made_with(BeaconEvent("V", properties="[1]")) == (made(BeaconEvent("V")), [("properties", Reason.BAD_TYPE)])
    assert made(BeaconEvent("V", properties={})) == made(BeaconEvent("V", properties="")) == made(BeaconEvent("V"))


def test_a_name_that_may_not_be_there_is_left_out_alone() -> None:
    given = {"price": 1, "UserId": "u", "eMail": "e"}
    names = PropertyNames(deny=frozenset({"email"}))
    result, dropped = made_with(BeaconEvent("V", properties=given), names=names)
    assert result is not None
    assert result["properties"] == '{"price":1}'
    assert dropped == [("properties", Reason.RESERVED_KEY), ("properties", Reason.DENIED)]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4))
def test_packing_keeps_the_meaning(properties: dict[str, Any]) -> None:
    packed = packed_properties(properties)
    if isinstance(packed, Packed):
        assert json.loads(packed.text) == properties
