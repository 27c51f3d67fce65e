"""PutEvents and PutActionInteractions: their input, and the checks that botocore leaves to the service."""

import math
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.core import limits
from relay.emulator.data.properties import check_event_properties, parse_properties
from relay.emulator.wire.decoding import (
    BodyDecoder,
    EventProperties,
    Impression,
    Input,
    RecommendationId,
    Text256,
)
from relay.emulator.wire.errors import invalid

MAX_TIME_S: Final = 253_402_300_799
"""The last second of the year 9999. The service documents no bound; this one catches milliseconds."""

_encode = msgspec.json.Encoder().encode

EventValue = Annotated[float, Meta(ge=-limits.MAX_EVENT_VALUE, le=limits.MAX_EVENT_VALUE)]
AttributionSource = Annotated[str, Meta(max_length=limits.MAX_ATTRIBUTION_SOURCE_CHARS)]


class MetricAttribution(Input):
    """Where a recommendation came from, for the metrics."""

    event_attribution_source: AttributionSource


class Event(Input):
    """One event of PutEvents."""

    event_type: Text256
    sent_at: int | float
    event_id: Text256 | UnsetType = UNSET
    item_id: Text256 | UnsetType = UNSET
    event_value: EventValue | UnsetType = UNSET
    properties: EventProperties | UnsetType = UNSET
    recommendation_id: RecommendationId | UnsetType = UNSET
    impression: Impression | UnsetType = UNSET
    metric_attribution: MetricAttribution | UnsetType = UNSET


class PutEvents(Input):
    """Input of PutEvents: one tracking id, session and user a call."""

    tracking_id: Text256
    session_id: Text256
    event_list: Annotated[list[Event], Meta(min_length=1, max_length=limits.MAX_EVENTS_PER_CALL)]
    user_id: Text256 | UnsetType = UNSET


class ActionInteraction(Input):
    """One event of PutActionInteractions."""

    action_id: Text256
    session_id: Text256
    timestamp: int | float
    event_type: Text256
    user_id: Text256 | UnsetType = UNSET
    event_id: Text256 | UnsetType = UNSET
    recommendation_id: RecommendationId | UnsetType = UNSET
    impression: Impression | UnsetType = UNSET
    properties: EventProperties | UnsetType = UNSET


class PutActionInteractions(Input):
    """Input of PutActionInteractions: session and user sit on each event."""

    tracking_id: Text256
    action_interactions: Annotated[list[ActionInteraction], Meta(min_length=1, max_length=limits.MAX_EVENTS_PER_CALL)]


decode_put_events = BodyDecoder(PutEvents)
decode_put_action_interactions = BodyDecoder(PutActionInteractions)


def item_of(event: Event) -> str | None:
    """The item of an event: its own `itemId`, else the one in its properties, where older clients and Amplify put it.

    The service's API had no `itemId` on the event before mid-2020; both spellings count, everywhere.
    """
    if event.item_id:
        return event.item_id
    inside = parse_properties(event.properties).get("itemId") if event.properties else None
    return None if inside is None or inside == "" else str(inside)


def value_of(event: Event) -> Any:
    """The value of an event, found the same way as its item."""
    if isinstance(event.event_value, float):
        return event.event_value
    return parse_properties(event.properties).get("eventValue") if event.properties else None


def check_events(call: PutEvents) -> None:
    """Refuse what the types do not: times, properties, impressions as text, the attribution source, the size."""
    for event in call.event_list:
        _check_time(event.sent_at, "sentAt")
        if event.properties:
            check_event_properties(event.properties)
        if event.impression and len("|".join(event.impression)) > limits.MAX_CATEGORICAL_CHARS:
            raise invalid(f"An impression may have {limits.MAX_CATEGORICAL_CHARS} characters, joined by '|', at most.")
        if event.metric_attribution:
            source = event.metric_attribution.event_attribution_source
            if limits.ATTRIBUTION_SOURCE_PATTERN.fullmatch(source) is None:
                raise invalid("metricAttribution.eventAttributionSource must be printable ASCII, and not only spaces.")
        # Without these two an event has not the characters to be too large.
        if (event.properties or event.impression) and len(_encode(event)) > limits.MAX_EVENT_BYTES:
            raise invalid("An event may have 10 KB at most.")


def check_action_interactions(call: PutActionInteractions) -> None:
    """The same for the events of actions."""
    for event in call.action_interactions:
        _check_time(event.timestamp, "timestamp")
        if event.properties:
            check_event_properties(event.properties)


def _check_time(seconds: float, name: str) -> None:
    if not (math.isfinite(seconds) and 0 <= seconds <= MAX_TIME_S):
        raise invalid(f"{name} must be a time in seconds since the Unix epoch.")
