"""Event trackers: the resource of Amazon Personalize that takes events for one dataset group.

A dataset group has at most one. The tracking id is given when it is made and may be used once it is ACTIVE.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from relay.core.limits import ARN_PATTERN, MAX_TAGS, RESOURCE_NAME_PATTERN
from relay.personalize.connection import Connection, described
from relay.personalize.errors import (
    InvalidInputError,
    LimitExceededError,
    PersonalizeError,
    ResourceAlreadyExistsError,
    ResourceInUseError,
    ResourceNotFoundError,
    TooManyTagsError,
)
from relay.personalize.trackers.states import (
    DEFAULT_TIMEOUT_S,
    OnStatus,
    TrackerState,
    ignore_status,
    wait_for_active,
    wait_for_gone,
)

if TYPE_CHECKING:  # the stubs are a development dependency
    from types_aiobotocore_personalize.type_defs import (
        CreateEventTrackerRequestTypeDef,
        ListEventTrackersRequestTypeDef,
    )


class EventTracker(msgspec.Struct, frozen=True, rename="camel"):
    """An event tracker as the service describes it; as JSON with the service's field names."""

    name: str
    event_tracker_arn: str
    tracking_id: str
    dataset_group_arn: str
    status: str
    """See `relay.personalize.trackers.states`."""
    account_id: str = ""
    creation_date_time: datetime | None = None
    last_updated_date_time: datetime | None = None


class TrackerExistsError(ResourceAlreadyExistsError):
    """The dataset group has its one event tracker already."""

    hint = "A dataset group has one: use its tracking id, or delete it first"

    def __init__(self, tracker: EventTracker) -> None:
        super().__init__(
            f"the dataset group has the event tracker {tracker.name!r} already, "
            f"tracking id {tracker.tracking_id}, {tracker.status} ({tracker.event_tracker_arn})",
            operation="CreateEventTracker",
            code="ResourceAlreadyExistsException",
        )
        self.tracker = tracker
        """The one that exists."""


async def create_tracker(
    connection: Connection, *, name: str, dataset_group_arn: str, tags: Mapping[str, str] | None = None
) -> EventTracker:
    """Make an event tracker; it is not ACTIVE yet when this returns.

    Args:
        connection: The way to the service.
        name: 1 to 63 letters, digits, `-` and `_`.
        dataset_group_arn: Where its events go.
        tags: For cost and access control.

    Raises:
        TrackerExistsError: the dataset group has one; `tracker` is it.
        ResourceAlreadyExistsError: another dataset group's tracker has this name.
        InvalidInputError, LimitExceededError, ResourceInUseError, ResourceNotFoundError, TooManyTagsError:
            as the service says.
        PersonalizeError: see `relay.personalize.errors`.
    """
    tags = tags or {}
    if not RESOURCE_NAME_PATTERN.fullmatch(name):
        raise InvalidInputError(f"{name!r} is no name: 1 to 63 of A-Z a-z 0-9 - _, the first a letter or digit")
    if len(tags) > MAX_TAGS:
        raise TooManyTagsError(f"{len(tags)} tags, at most {MAX_TAGS}")
    checked_arn(dataset_group_arn, "dataset-group")
    arguments: CreateEventTrackerRequestTypeDef = {"name": name, "datasetGroupArn": dataset_group_arn}
    if tags:  # an empty list would need the permission to tag
        arguments["tags"] = [{"tagKey": key, "tagValue": value} for key, value in tags.items()]
    try:
        made = await connection.ask("CreateEventTracker", lambda control: control.create_event_tracker(**arguments))
    except (ResourceAlreadyExistsError, LimitExceededError, ResourceInUseError) as refusal:
        existing = await _tracker_of_group(connection, dataset_group_arn)
        if existing is None:
            raise
        raise TrackerExistsError(existing) from refusal
    try:
        return await describe_tracker(connection, made["eventTrackerArn"])
    except PersonalizeError:
        # It is made, and that is what was asked for; the caller needs the tracking id more than the dates.
        return EventTracker(
            name=name,
            event_tracker_arn=made["eventTrackerArn"],
            tracking_id=made["trackingId"],
            dataset_group_arn=dataset_group_arn,
            status="CREATE PENDING",
        )


async def describe_tracker(connection: Connection, arn: str) -> EventTracker:
    """The event tracker of that ARN.

    Raises:
        ResourceNotFoundError: there is none.
        InvalidInputError: that is not an ARN of an event tracker.
        PersonalizeError: see `relay.personalize.errors`.
    """
    checked_arn(arn, "event-tracker")
    answer = await connection.ask(
        "DescribeEventTracker", lambda control: control.describe_event_tracker(eventTrackerArn=arn)
    )
    return described(answer["eventTracker"], EventTracker, "DescribeEventTracker")


async def each_tracker(connection: Connection, dataset_group_arn: str | None = None) -> AsyncIterator[EventTracker]:
    """Event trackers of the region, or of one dataset group, as they are read.

    The service's list has no tracking ids, so each is described; one deleted in between is left out.

    Raises:
        InvalidInputError, InvalidNextTokenError: as the service says.
        PersonalizeError: see `relay.personalize.errors`.
    """
    if dataset_group_arn is not None:
        checked_arn(dataset_group_arn, "dataset-group")
    arguments: ListEventTrackersRequestTypeDef = {"maxResults": 100}
    if dataset_group_arn is not None:
        arguments["datasetGroupArn"] = dataset_group_arn
    while True:
        page = await connection.ask("ListEventTrackers", lambda control: control.list_event_trackers(**arguments))
        for summary in page["eventTrackers"]:
            try:
                yield await describe_tracker(connection, summary.get("eventTrackerArn", ""))
            except ResourceNotFoundError:
                continue
        token = page.get("nextToken")
        if not token:
            return
        arguments["nextToken"] = token


async def list_trackers(connection: Connection, dataset_group_arn: str | None = None) -> list[EventTracker]:
    """All of `each_tracker`."""
    return [tracker async for tracker in each_tracker(connection, dataset_group_arn)]


async def find_tracker(connection: Connection, tracking_id: str) -> EventTracker | None:
    """The event tracker with this tracking id, or None when this account and region have none.

    The service knows no such question: every tracker is listed and described until it is found.

    Raises:
        PersonalizeError: see `relay.personalize.errors`.
    """
    async for tracker in each_tracker(connection):
        if tracker.tracking_id == tracking_id:
            return tracker
    return None


async def wait_until_active(
    connection: Connection, arn: str, *, timeout_s: float = DEFAULT_TIMEOUT_S, on_status: OnStatus = ignore_status
) -> EventTracker:
    """Wait until the event tracker may be used.

    Raises:
        CreationFailedError, BeingDeletedError, WaitTimeoutError: see `relay.personalize.trackers.states`.
        PersonalizeError: see `relay.personalize.errors`.
    """
    latest = await describe_tracker(connection, arn)

    async def describe() -> TrackerState:
        nonlocal latest
        latest = await describe_tracker(connection, arn)
        return TrackerState(latest.status)

    await wait_for_active(
        connection, describe, what=f"event tracker {latest.name!r}", timeout_s=timeout_s, on_status=on_status
    )
    return latest


async def delete_tracker(connection: Connection, arn: str) -> None:
    """Begin to delete an event tracker. The events it recorded stay in the dataset.

    Does nothing when it is being deleted already.

    Raises:
        ResourceNotFoundError: there is none.
        InvalidInputError, ResourceInUseError: as the service says.
        PersonalizeError: see `relay.personalize.errors`.
    """
    checked_arn(arn, "event-tracker")
    try:
        await connection.ask("DeleteEventTracker", lambda control: control.delete_event_tracker(eventTrackerArn=arn))
    except ResourceInUseError:
        if not (await describe_tracker(connection, arn)).status.startswith("DELETE"):
            raise


async def wait_until_gone(
    connection: Connection, arn: str, *, timeout_s: float = DEFAULT_TIMEOUT_S, on_status: OnStatus = ignore_status
) -> None:
    """Wait until a deleted event tracker is gone, and its dataset group may have a new one.

    Raises:
        CreationFailedError, WaitTimeoutError: see `relay.personalize.trackers.states`.
        PersonalizeError: see `relay.personalize.errors`.
    """

    async def describe() -> TrackerState:
        return TrackerState((await describe_tracker(connection, arn)).status)

    await wait_for_gone(connection, describe, what=f"event tracker {arn}", timeout_s=timeout_s, on_status=on_status)


def checked_arn(arn: str, kind: str) -> str:
    """The ARN, if it is one of that kind of resource; said before a call, since the service says less.

    Raises:
        InvalidInputError: it is not.
    """
    if not ARN_PATTERN.fullmatch(arn) or f":{kind}/" not in arn or len(arn) > 256:
        raise InvalidInputError(f"{arn!r} is not the ARN wanted here, arn:aws:personalize:REGION:ACCOUNT:{kind}/NAME")
    return arn


async def _tracker_of_group(connection: Connection, dataset_group_arn: str) -> EventTracker | None:
    """Of a group a create was refused for; None also where one may not look, so that the refusal itself is told."""
    try:
        async for tracker in each_tracker(connection, dataset_group_arn):
            return tracker
    except PersonalizeError:
        return None
    return None
