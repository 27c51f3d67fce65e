"""The second look at an event: field by field, when the typed decode refused the beacon it is in.

Accepts exactly what `BeaconEvent` accepts, and names the reason otherwise.
"""

import math
from typing import Any, Final

from msgspec import UNSET, UnsetType

from relay import limits
from relay.event import Attribution, BeaconEvent, Rejected, says_nothing
from relay.model import Reason
from relay.tolerant_json import as_list, as_object, fault, text_fault

_ATTRIBUTION_SOURCE: Final = "eventAttributionSource"


class _Refusal(Exception):  # noqa: N818 - never leaves this file
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


def salvage(raw: object) -> BeaconEvent | Rejected:
    """One entry of `eventList`, parsed by `tolerant_json`, as an event; or why not."""
    fields = as_object(raw)
    if fields is None:
        return Rejected(Reason.BAD_TYPE)
    event_id: str | UnsetType = UNSET
    try:
        event_id = _text(fields, "eventId")
        if "eventType" not in fields:
            raise _Refusal(Reason.MISSING_FIELD)
        return BeaconEvent(
            event_type=_one_text(fields["eventType"], limits.MAX_ID_CHARS),
            event_id=event_id,
            item_id=_text(fields, "itemId"),
            sent_at=_number(fields, "sentAt"),
            event_value=_value(fields),
            properties=_properties(fields),
            recommendation_id=_text(fields, "recommendationId", limits.MAX_RECOMMENDATION_ID_CHARS),
            impression=_impression(fields),
            metric_attribution=_attribution(fields),
        )
    except _Refusal as refusal:
        return Rejected(refusal.reason, None if event_id is UNSET else event_id)


def _text(fields: dict[str, Any], name: str, most: int = limits.MAX_ID_CHARS) -> str | UnsetType:
    return _one_text(fields[name], most) if name in fields else UNSET


def _one_text(value: object, most: int) -> str:
    if not isinstance(value, str):
        raise _Refusal(Reason.BAD_TYPE)
    if text_fault(value):
        raise _Refusal(Reason.BAD_UNICODE)
    if not value or says_nothing(value):
        raise _Refusal(Reason.EMPTY)
    if len(value) > most:
        raise _Refusal(Reason.TOO_LONG)
    return value


def _number(fields: dict[str, Any], name: str) -> float | UnsetType:
    if name not in fields:
        return UNSET
    value: object = fields[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refusal(Reason.BAD_TYPE)
    try:
        number = float(value)
    except OverflowError:
        raise _Refusal(Reason.BAD_NUMBER) from None
    if not math.isfinite(number):
        raise _Refusal(Reason.BAD_NUMBER)
    return number


def _value(fields: dict[str, Any]) -> float | UnsetType:
    number = _number(fields, "eventValue")
    if number is not UNSET and abs(number) > limits.MAX_EVENT_VALUE:
        raise _Refusal(Reason.BAD_NUMBER)
    return number


def _properties(fields: dict[str, Any]) -> dict[str, Any] | str | UnsetType:
    if "properties" not in fields:
        return UNSET
    text: object = fields["properties"]
    value = text if isinstance(text, str) else as_object(text)
    if value is None:
        raise _Refusal(Reason.BAD_TYPE)
    found = fault(value)
    if found:
        raise _Refusal(found)
    return value


def _impression(fields: dict[str, Any]) -> list[str] | UnsetType:
    if "impression" not in fields:
        return UNSET
    items = as_list(fields["impression"])
    if items is None:
        raise _Refusal(Reason.BAD_TYPE)
    if not items:
        raise _Refusal(Reason.EMPTY)
    if len(items) > limits.MAX_IMPRESSION_ITEMS:
        raise _Refusal(Reason.TOO_MANY_ITEMS)
    return [_one_text(item, limits.MAX_ID_CHARS) for item in items]


def _attribution(fields: dict[str, Any]) -> Attribution | UnsetType:
    if "metricAttribution" not in fields:
        return UNSET
    value = as_object(fields["metricAttribution"])
    if value is None:
        raise _Refusal(Reason.BAD_TYPE)
    if _ATTRIBUTION_SOURCE not in value:
        raise _Refusal(Reason.MISSING_FIELD)
    source = _one_text(value[_ATTRIBUTION_SOURCE], limits.MAX_ATTRIBUTION_SOURCE_CHARS)
    if not limits.ATTRIBUTION_SOURCE_PATTERN.fullmatch(source):
        raise _Refusal(Reason.BAD_UNICODE)  # printable ASCII only
    return Attribution(source)
