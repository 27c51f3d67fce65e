"""Events as other products' servers have them, shaped after their public formats: all of them are taken."""

from typing import Any

import pytest

from tests.support.clock import FakeClock
from tests.support.relay import running_edge
from tests.web.api.test_server_api import call

NOW_S = 1_764_100_000
AT = "2025-11-25T19:46:40.000Z"
RUDDERSTACK: list[dict[str, Any]] = [
    {"eventType": "Product Viewed", "itemId": 622, "sentAt": AT, "properties": {"product_id": "622", "price": "19.90"}},
    {"eventType": "Product Added", "itemId": "622", "sentAt": AT, "eventValue": "19.90"},
    {"eventType": "Order Completed", "itemId": "622", "eventId": "order-7", "sentAt": AT, "eventValue": None},
    {"eventType": "Product Clicked", "itemId": "a", "sentAt": AT, "messageId": "m-1", "context": {"library": {}}},
    {"eventType": "Product List Viewed", "sentAt": AT, "impression": [1, 2, 3], "recommendationId": ""},
    {"eventType": "Product Viewed", "itemId": "b", "sentAt": AT, "properties": None, "impression": []},
    {"eventType": "Product Viewed", "itemId": "c", "sentAt": AT, "properties": {"userId": "u", "price": 1}},
    {"eventType": "Product Viewed", "itemId": "d", "sentAt": AT, "eventValue": "", "metricAttribution": {}},
]
AMPLIFY: list[dict[str, Any]] = [
    {"eventType": "Click", "sentAt": NOW_S, "properties": {"itemId": "11"}},
    {"eventType": "View", "itemId": "11", "sentAt": NOW_S, "properties": '{"itemId":"11","eventValue":"3"}'},
    {"eventType": "Rating", "itemId": "11", "sentAt": NOW_S, "eventValue": "3"},
    {"eventType": "Identify", "sentAt": NOW_S, "properties": {"userId": "u-1"}},
    {"eventType": "MediaAutoTrack", "itemId": "m", "sentAt": NOW_S, "eventValue": 41.5},
    {"eventType": "View", "itemId": 11, "sentAt": NOW_S * 1000, "eventId": 17},
    {"eventType": "Click", "itemId": "11", "sentAt": f"{NOW_S}", "impression": ["11", None, "12"]},
    {
        "eventType": "Click",
        "itemId": "11",
        "sentAt": NOW_S,
        "metricAttribution": {"eventAttributionSource": "für-dich"},
    },
]


@pytest.mark.parametrize("session", ["anon-id-new", "user:42:x"])
async def test_all_sixteen_events_of_two_other_products_are_taken(session: str) -> None:
    async with running_edge(clock=FakeClock(now_ms=NOW_S * 1000)) as edge:
        answer = await call(edge, "events", {"sessionId": session, "userId": 42, "eventList": RUDDERSTACK + AMPLIFY})
        assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (202, 16, [])
        assert [(drop["index"], drop["field"], drop["reason"]) for drop in answer.json()["dropped"]] == [
            (6, "properties", "reserved_key"),
            (11, "properties", "reserved_key"),
            (15, "metricAttribution", "bad_unicode"),
        ]
