"""What the five operations take, as botocore's service model `personalize-events` 2018-03-22 has it.

A test compares each bound here with that model, so that an update of botocore that changes one is noticed.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from relay.core import limits
from relay.core.model import Operation


class Text(NamedTuple):
    """A string; lengths in characters."""

    most: int
    least: int = 1
    pattern: re.Pattern[str] | None = None
    """All of it must match."""


class Number(NamedTuple):
    """A float of the model: `float`, `Decimal`, `int`."""


class Moment(NamedTuple):
    """A timestamp: `datetime`, seconds since the epoch, or a text that says either."""


class Listing(NamedTuple):
    """A list, with at least one entry."""

    of: "Shape"
    most: int


class Fields(NamedTuple):
    """A structure: its members, in the model's order, and those that must be there."""

    members: Mapping[str, "Shape"]
    required: tuple[str, ...]
    most_bytes: int | None = None
    """As UTF-8 JSON."""


Shape = Text | Number | Moment | Listing | Fields


class Method(NamedTuple):
    """One method of the client."""

    operation: Operation
    takes: Fields


_ID: Final = Text(limits.MAX_ID_CHARS)
_ARN: Final = Text(limits.MAX_DATASET_ARN_CHARS, 0, limits.ARN_PATTERN)
_RECOMMENDATION: Final = Text(limits.MAX_RECOMMENDATION_ID_CHARS)
_IMPRESSION: Final = Listing(_ID, limits.MAX_IMPRESSION_ITEMS)
_EVENT_PROPERTIES: Final = Text(limits.MAX_EVENT_PROPERTIES_CHARS)
_ATTRIBUTION: Final = Fields(
    {"eventAttributionSource": Text(limits.MAX_ATTRIBUTION_SOURCE_CHARS, 0, limits.ATTRIBUTION_SOURCE_PATTERN)},
    ("eventAttributionSource",),
)
_EVENT: Final = Fields(
    {
        "eventId": _ID,
        "eventType": _ID,
        "eventValue": Number(),
        "itemId": _ID,
        "properties": _EVENT_PROPERTIES,
        "sentAt": Moment(),
        "recommendationId": _RECOMMENDATION,
        "impression": _IMPRESSION,
        "metricAttribution": _ATTRIBUTION,
    },
    ("eventType", "sentAt"),
    limits.MAX_EVENT_BYTES,
)
_ACTION_INTERACTION: Final = Fields(
    {
        "actionId": _ID,
        "userId": _ID,
        "sessionId": _ID,
        "timestamp": Moment(),
        "eventType": _ID,
        "eventId": _ID,
        "recommendationId": _RECOMMENDATION,
        "impression": _IMPRESSION,
        "properties": _EVENT_PROPERTIES,
    },
    ("actionId", "sessionId", "timestamp", "eventType"),
)


def _entity(name: str, properties_chars: int) -> Fields:
    return Fields({name: _ID, "properties": Text(properties_chars)}, (name,))


def _call(target: str, of: Shape, entries: str, entry: Fields) -> Fields:
    listed = Listing(entry, limits.MAX_EVENTS_PER_CALL)
    return Fields({target: of, entries: listed}, (target, entries))


METHODS: Final = {
    "put_action_interactions": Method(
        Operation.PUT_ACTION_INTERACTIONS, _call("trackingId", _ID, "actionInteractions", _ACTION_INTERACTION)
    ),
    "put_actions": Method(
        Operation.PUT_ACTIONS,
        _call("datasetArn", _ARN, "actions", _entity("actionId", limits.MAX_ITEM_PROPERTIES_CHARS)),
    ),
    "put_events": Method(
        Operation.PUT_EVENTS,
        Fields(
            {
                "trackingId": _ID,
                "userId": _ID,
                "sessionId": _ID,
                "eventList": Listing(_EVENT, limits.MAX_EVENTS_PER_CALL),
            },
            ("trackingId", "sessionId", "eventList"),
        ),
    ),
    "put_items": Method(
        Operation.PUT_ITEMS, _call("datasetArn", _ARN, "items", _entity("itemId", limits.MAX_ITEM_PROPERTIES_CHARS))
    ),
    "put_users": Method(
        Operation.PUT_USERS, _call("datasetArn", _ARN, "users", _entity("userId", limits.MAX_USER_PROPERTIES_CHARS))
    ),
}
"""By the client's names for them."""
