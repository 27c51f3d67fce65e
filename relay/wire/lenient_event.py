"""The second look at an event: field by field, when the typed decode refused the beacon it is in.

Takes whatever the typed decode takes, and whatever else means the same or can be used without one of its fields.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from relay.core import limits
from relay.core.model import Reason
from relay.wire.event import Attribution, BeaconEvent, Rejected
from relay.wire.fields import Members, Notes
from relay.wire.lenient_json import as_object
from relay.wire.values import (
    RefusedFieldError,
    event_value,
    identifier,
    number,
    properties,
    recommendation_id,
    text,
)

_KNOWN: Final = frozenset(field.encode_name for field in msgspec.structs.fields(BeaconEvent))
_SOURCE: Final = msgspec.structs.fields(Attribution)[0].encode_name


def browser_time_ms(value: object) -> float:
    """A time in milliseconds, as browsers have them.

    Raises:
        RefusedFieldError: it is no number.
    """
    try:
        return number(value)
    except RefusedFieldError:
        raise RefusedFieldError(Reason.BAD_TIME) from None


def salvage(
    raw: object, index: int, notes: Notes, *, time_ms: Callable[[object], float] = browser_time_ms
) -> BeaconEvent | Rejected:
    """One entry of `eventList`, parsed by `lenient_json`, as an event; or why not.

    Args:
        raw: The entry.
        index: Its place in the list.
        notes: Get what was left out of it.
        time_ms: What reads `sentAt`, in milliseconds.
    """
    event_id = ""
    try:
        members = Members(raw, notes, index)
        notes.count_unknown(members.names(), _KNOWN)
        event_id = members.usable("eventId", identifier) or ""
        return BeaconEvent(
            event_type=members.required("eventType", text),
            event_id=event_id,
            item_id=members.optional("itemId", identifier) or "",
            sent_at=UNSET if members.given("sentAt") == "" else members.optional("sentAt", time_ms),
            event_value=members.usable("eventValue", event_value),
            properties=members.usable("properties", properties),
            recommendation_id=members.usable("recommendationId", recommendation_id) or "",
            impression=members.impression(),
            metric_attribution=_attribution(members, notes),
        )
    except RefusedFieldError as refused:
        return Rejected(refused.reason, refused.field or "eventList", event_id or None, refused.detail)


def _attribution(members: Members, notes: Notes) -> Attribution | UnsetType:
    held = as_object(members.given("metricAttribution"))
    if held is not None:
        notes.count_unknown(held.keys(), frozenset({_SOURCE}))
        if held.get(_SOURCE) in (None, "") and held.keys() <= {_SOURCE}:
            return UNSET
    return members.usable("metricAttribution", attribution)


def attribution(value: object) -> Attribution:
    """Where a click came from.

    Raises:
        RefusedFieldError: it says no such thing.
    """
    held = as_object(value)
    if held is None:
        raise RefusedFieldError(Reason.BAD_TYPE)
    if held.get(_SOURCE) is None:
        raise RefusedFieldError(Reason.MISSING_FIELD)
    source = text(held[_SOURCE], limits.MAX_ATTRIBUTION_SOURCE_CHARS)
    if not limits.ATTRIBUTION_SOURCE_PATTERN.fullmatch(source):
        raise RefusedFieldError(Reason.BAD_UNICODE)  # printable ASCII only
    return Attribution(source)
