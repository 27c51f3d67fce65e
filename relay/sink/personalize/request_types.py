"""Types for those who call: the arguments of the five methods, and their answer."""
# fields are named as on the wire

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NotRequired, Required, TypedDict

Time = datetime | float | str
"""A `datetime` (without a zone it is UTC), seconds since the epoch, or a text that says either."""


class MetricAttribution(TypedDict):
    """Which recommender the event goes back to, when it is not one of Personalize."""

    eventAttributionSource: str


class EventEntry(TypedDict, total=False):
    """One thing somebody did with an item."""

    eventType: Required[str]
    sentAt: Required[Time]
    eventId: str
    eventValue: float | Decimal
    itemId: str
    properties: str
    recommendationId: str
    impression: Sequence[str]
    metricAttribution: MetricAttribution


class ActionInteractionEntry(TypedDict, total=False):
    """One thing somebody did with an action."""

    actionId: Required[str]
    sessionId: Required[str]
    timestamp: Required[Time]
    eventType: Required[str]
    userId: str
    eventId: str
    recommendationId: str
    impression: Sequence[str]
    properties: str


class ItemEntry(TypedDict):
    """An item; replaces what was known of it."""

    itemId: str
    properties: NotRequired[str]


class UserEntry(TypedDict):
    """A user; replaces what was known of them."""

    userId: str
    properties: NotRequired[str]


class ActionEntry(TypedDict):
    """An action; replaces what was known of it."""

    actionId: str
    properties: NotRequired[str]


class PutEventsRequest(TypedDict):
    """Up to 10 events of one session."""

    trackingId: str
    sessionId: str
    eventList: Sequence[EventEntry]
    userId: NotRequired[str]


class PutItemsRequest(TypedDict):
    """Up to 10 items."""

    datasetArn: str
    items: Sequence[ItemEntry]


class PutUsersRequest(TypedDict):
    """Up to 10 users."""

    datasetArn: str
    users: Sequence[UserEntry]


class PutActionsRequest(TypedDict):
    """Up to 10 actions."""

    datasetArn: str
    actions: Sequence[ActionEntry]


class PutActionInteractionsRequest(TypedDict):
    """Up to 10 interactions with actions."""

    trackingId: str
    actionInteractions: Sequence[ActionInteractionEntry]


class ResponseMetadata(TypedDict):
    """About the answer."""

    RequestId: NotRequired[str]
    HostId: NotRequired[str]
    HTTPStatusCode: int
    HTTPHeaders: dict[str, str]
    RetryAttempts: int


class Answer(TypedDict):
    """What every method answers; the operations themselves have nothing to say."""

    ResponseMetadata: ResponseMetadata
