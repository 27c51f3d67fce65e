"""Users taken out of calls, whatever the calls hold."""

import json
from typing import Any

import pytest

from relay.emulator.store.calls import Call
from relay.emulator.store.redaction import DELETED, Redaction

GROUP, DATASET = "group", "dataset"


def _call(operation: str, body: Any) -> Call:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Call(n=1, time_ms=1, operation=operation, status=200, taken=True, body=text, request_id="r")


def _redacted(*calls: Call) -> list[Call]:
    redaction = Redaction(GROUP, frozenset({"gone"}), lambda tracking_id: tracking_id, {DATASET})
    for call in calls:
        redaction.survey(call)
    return [redaction.redacted(call) for call in calls]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("PutUsers", {"datasetArn": DATASET}),
        ("PutUsers", {"datasetArn": DATASET, "users": [None, {"userId": {"gone": 1}}]}),
        ("PutUsers", {"datasetArn": {"a": 1}, "users": "gone-by"}),
        ("PutEvents", {"trackingId": GROUP, "userId": ["gone"], "sessionId": {"a": 1}}),
        ("PutActionInteractions", {"trackingId": GROUP, "actionInteractions": [{"userId": 5}, 7]}),
        ("GetRecommendations", {"userId": {"a": 1}}),
        ("PutEvents", [1, 2]),
        ("PutEvents", b"\xff"),
    ],
)
def test_calls_that_make_no_sense_stay_as_they_are(operation: Any, body: Any) -> None:
    call = _call(operation, body)
    assert _redacted(call) == [call]


def test_only_what_is_theirs_goes() -> None:
    users = {"datasetArn": DATASET, "users": [{"userId": "gone"}, {"userId": "stays"}]}
    anonymous = {"trackingId": GROUP, "sessionId": "s", "eventList": []}
    known = anonymous | {"userId": "gone"}
    elsewhere = known | {"trackingId": "another"}
    calls = [("PutUsers", users), ("PutEvents", anonymous), ("PutEvents", known), ("PutEvents", elsewhere)]
    first, second, third, fourth = _redacted(*(_call(operation, body) for operation, body in calls))
    assert json.loads(first.body)["users"] == [{"userId": "stays"}]
    assert [(call.body, call.taken, call.message) for call in (second, third)] == [(b"", False, DELETED)] * 2
    assert json.loads(fourth.body) == elsewhere
