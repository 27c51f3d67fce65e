"""A day's worth of calls, to be made by more than one client."""

import json
from typing import Any, NamedTuple


class Recorded(NamedTuple):
    """One call; `code` is the error it should end in."""

    service: str
    operation: str
    input: dict[str, Any]
    code: str | None = None


def _arn(path: str) -> str:
    return f"arn:aws:personalize:us-east-1:123456789012:{path}"


_SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [
            {"name": "USER_ID", "type": "string"},
            {"name": "ITEM_ID", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
            {"name": "EVENT_TYPE", "type": "string"},
        ],
        "version": "1.0",
    }
)


def recorded_calls(tracking_id: str) -> list[Recorded]:
    """The calls; `tracking_id` is that of the seeded tracker."""
    control, events, runtime = "personalize", "personalize-events", "personalize-runtime"
    group, shop = {"datasetGroupArn": _arn("dataset-group/shop")}, _arn("dataset-group/shop")
    event = {"eventType": "View", "sentAt": 1_719_511_760, "itemId": "p1", "eventId": "e1"}
    full = event | {
        "eventId": "e2",
        "eventValue": 19.5,
        "properties": '{"price":"19.5","name":"größer ☃"}',
        "recommendationId": "RID-1",
        "impression": ["p1", "p2"],
        "metricAttribution": {"eventAttributionSource": "home-top"},
    }
    visit = {"trackingId": tracking_id, "sessionId": "s1"}
    campaign = {"campaignArn": _arn("campaign/any"), "userId": "s1", "numResults": 3}
    return [
        Recorded(control, "CreateDatasetGroup", {"name": "shop", "tags": [{"tagKey": "team", "tagValue": "a b"}]}),
        Recorded(control, "CreateDatasetGroup", {"name": "shop"}, "ResourceAlreadyExistsException"),
        Recorded(control, "DescribeDatasetGroup", group),
        Recorded(control, "CreateSchema", {"name": "clicks", "schema": _SCHEMA}),
        Recorded(control, "CreateSchema", {"name": "bad", "schema": "{"}, "InvalidInputException"),
        Recorded(
            control,
            "CreateDataset",
            {"name": "c", "schemaArn": _arn("schema/clicks"), "datasetGroupArn": shop, "datasetType": "Interactions"},
        ),
        Recorded(control, "CreateEventTracker", {"name": "web", "datasetGroupArn": shop}),
        Recorded(
            control, "CreateEventTracker", {"name": "w", "datasetGroupArn": shop}, "ResourceAlreadyExistsException"
        ),
        Recorded(control, "DescribeEventTracker", {"eventTrackerArn": _arn("event-tracker/web")}),
        Recorded(control, "ListEventTrackers", {"maxResults": 1}),
        Recorded(control, "ListEventTrackers", {"nextToken": "x"}, "InvalidNextTokenException"),
        Recorded(control, "ListDatasets", group),
        Recorded(control, "ListTagsForResource", {"resourceArn": shop}),
        Recorded(control, "DeleteDatasetGroup", group, "ResourceInUseException"),
        Recorded(events, "PutEvents", visit | {"eventList": [event]}),
        Recorded(events, "PutEvents", visit | {"userId": "ada", "eventList": [event, full]}),
        Recorded(events, "PutEvents", visit | {"eventList": [event] * 11}, "InvalidInputException"),
        Recorded(events, "PutEvents", visit | {"trackingId": "?", "eventList": [event]}, "InvalidInputException"),
        Recorded(events, "PutItems", {"datasetArn": _arn("dataset/demo/ITEMS"), "items": [{"itemId": "p9"}]}),
        Recorded(
            events,
            "PutUsers",
            {"datasetArn": _arn("dataset/demo/USERS"), "users": [{"userId": "u"}]},
            "ResourceNotFoundException",
        ),
        Recorded(runtime, "GetRecommendations", campaign),
        Recorded(runtime, "GetRecommendations", campaign | {"numResults": 501}, "InvalidInputException"),
        Recorded(control, "DeleteEventTracker", {"eventTrackerArn": _arn("event-tracker/web")}),
    ]
