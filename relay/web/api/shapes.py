"""What backends send, as types: the names each call knows, and its part of openapi.json.

A body is read field by field all the same, for each may come in more than one way.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.core import limits
from relay.wire.beacon import MAX_EVENTS
from relay.wire.event import Attribution

Id = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID_CHARS)] | int
"""A whole number is its digits."""
Time = Annotated[
    float | str,
    Meta(description="Milliseconds since 1970, seconds (a number below 100000000000), or ISO 8601 text."),
]
Properties = Annotated[
    dict[str, Any] | str, Meta(description="An object, or a text that holds one; as compact JSON within the limit.")
]
Impression = Annotated[
    list[Id], Meta(description=f"Of a longer list the first {limits.MAX_IMPRESSION_ITEMS} are taken.")
]
RecommendationId = Annotated[str, Meta(min_length=1, max_length=limits.MAX_RECOMMENDATION_ID_CHARS)]
Arn = Annotated[str, Meta(max_length=limits.MAX_DATASET_ARN_CHARS, description="Of a dataset of that kind.")]


class ApiEvent(msgspec.Struct, rename="camel"):
    """One thing a visitor did."""

    event_type: Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID_CHARS)]
    event_id: Annotated[Id | UnsetType, Meta(description="The same on every try; without it the relay makes one.")] = (
        UNSET
    )
    item_id: Id | UnsetType = UNSET
    sent_at: Annotated[Time | UnsetType, Meta(description="When it happened; without it, now.")] = UNSET
    event_value: float | str | UnsetType = UNSET
    properties: Properties | UnsetType = UNSET
    recommendation_id: RecommendationId | UnsetType = UNSET
    impression: Impression | UnsetType = UNSET
    metric_attribution: Attribution | UnsetType = UNSET


class EventsRequest(msgspec.Struct, rename="camel"):
    """Events of one session."""

    session_id: Id
    event_list: Annotated[list[ApiEvent], Meta(min_length=1, max_length=MAX_EVENTS)]
    user_id: Annotated[Id | UnsetType, Meta(description="Trusted: it binds the session.")] = UNSET
    sent_at: Annotated[
        Time | UnsetType, Meta(description="Now, by the backend's clock: times of the events are corrected by it.")
    ] = UNSET


class ApiUser(msgspec.Struct, rename="camel"):
    """A user; replaces the one the dataset has."""

    user_id: Id
    properties: Properties | UnsetType = UNSET


class ApiItem(msgspec.Struct, rename="camel"):
    """An item; replaces the one the dataset has."""

    item_id: Id
    properties: Properties | UnsetType = UNSET


class ApiAction(msgspec.Struct, rename="camel"):
    """An action; replaces the one the dataset has."""

    action_id: Id
    properties: Properties | UnsetType = UNSET


class UsersRequest(msgspec.Struct, rename="camel"):
    """Users, any number."""

    dataset_arn: Arn
    users: list[ApiUser]


class ItemsRequest(msgspec.Struct, rename="camel"):
    """Items, any number."""

    dataset_arn: Arn
    items: list[ApiItem]


class ActionsRequest(msgspec.Struct, rename="camel"):
    """Actions, any number."""

    dataset_arn: Arn
    actions: list[ApiAction]


class ApiInteraction(msgspec.Struct, rename="camel"):
    """What a user did with an action."""

    action_id: Id
    session_id: Id
    event_type: Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID_CHARS, examples=["Taken", "Viewed"])]
    timestamp: Time
    user_id: Id | UnsetType = UNSET
    event_id: Id | UnsetType = UNSET
    recommendation_id: RecommendationId | UnsetType = UNSET
    impression: Impression | UnsetType = UNSET
    properties: Properties | UnsetType = UNSET


class ActionInteractionsRequest(msgspec.Struct, rename="camel"):
    """Interactions with actions, any number."""

    action_interactions: list[ApiInteraction]
    tracking_id: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_ID_CHARS)] | UnsetType,
        Meta(
            description="Of the dataset of action interactions, not of an event tracker. Where"
            " RELAY_ACTION_INTERACTIONS_TRACKING_ID has it, it may be absent, and no other is taken.",
        ),
    ] = UNSET


class IdentityRequest(msgspec.Struct, rename="camel"):
    """Whom the token is for."""

    user_id: Id
    session_id: Annotated[Id | UnsetType, Meta(description="If given, it is good for this session only.")] = UNSET
    ttl: Annotated[float, Meta(ge=1, description="Seconds; RELAY_IDENTITY_MAX_AGE_S at most.")] | UnsetType = UNSET


class UserRequest(msgspec.Struct, rename="camel"):
    """A user."""

    user_id: Id
