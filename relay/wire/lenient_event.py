"""The second look at an event: field by field, when the typed decode refused the beacon it is in.

Accepts exactly what `BeaconEvent` accepts, and names the reason otherwise.
"""

from typing import Any, Final

from msgspec import UNSET, UnsetType

from relay.core import limits
from relay.core.model import Reason
from relay.wire.event import Attribution, BeaconEvent, Rejected
from relay.wire.fields import (
    RefusedFieldError,
    optional_ids,
    optional_number,
    optional_properties,
    optional_text,
    required_text,
    text,
)
from relay.wire.lenient_json import as_object

_ATTRIBUTION_SOURCE: Final = "eventAttributionSource"


def salvage(raw: object) -> BeaconEvent | Rejected:
    """One entry of `eventList`, parsed by `tolerant_json`, as an event; or why not."""
    fields = as_object(raw)
    if fields is None:
        return Rejected(Reason.BAD_TYPE)
    event_id: str | UnsetType = UNSET
    try:
        event_id = optional_text(fields, "eventId")
        return BeaconEvent(
            event_type=required_text(fields, "eventType"),
            event_id=event_id,
            item_id=optional_text(fields, "itemId"),
            sent_at=optional_number(fields, "sentAt"),
            event_value=optional_number(fields, "eventValue", limits.MAX_EVENT_VALUE),
            properties=optional_properties(fields),
            recommendation_id=optional_text(fields, "recommendationId", limits.MAX_RECOMMENDATION_ID_CHARS),
            impression=optional_ids(fields, "impression"),
            metric_attribution=_attribution(fields),
        )
    except RefusedFieldError as refused:
        return Rejected(refused.reason, None if event_id is UNSET else event_id)


def _attribution(fields: dict[str, Any]) -> Attribution | UnsetType:
    if "metricAttribution" not in fields:
        return UNSET
    value = as_object(fields["metricAttribution"])
    if value is None:
        raise RefusedFieldError(Reason.BAD_TYPE)
    if _ATTRIBUTION_SOURCE not in value:
        raise RefusedFieldError(Reason.MISSING_FIELD)
    source = text(value[_ATTRIBUTION_SOURCE], limits.MAX_ATTRIBUTION_SOURCE_CHARS)
    if not limits.ATTRIBUTION_SOURCE_PATTERN.fullmatch(source):
        raise RefusedFieldError(Reason.BAD_UNICODE)  # printable ASCII only
    return Attribution(source)
