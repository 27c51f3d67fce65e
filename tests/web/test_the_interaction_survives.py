"""What was once refused, or taken wrongly, over both ways in: beacons and the server API mean the same by a field."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.support.clock import START_MS, FakeClock
from tests.support.relay import SESSION, RunningEdge, running_edge
from tests.web.api.test_server_api import call

LONG = [f"p{number}" for number in range(26)]
WAYS = ("beacon", "server API")


@pytest.fixture
async def edge() -> AsyncGenerator[RunningEdge]:
    async with running_edge(clock=FakeClock()) as running:
        yield running


async def said(edge: RunningEdge, way: str, event: dict[str, Any]) -> dict[str, Any]:
    """What is answered to one event."""
    if way == "beacon":
        return await edge.send(event)
    answer = await call(edge, "events", {"sessionId": SESSION, "eventList": [event]})
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fields", "stored", "dropped"),
    [
        *(
            ({name: None}, {}, None)
            for name in (
                *("eventId", "itemId", "sentAt", "eventValue", "properties"),
                *("recommendationId", "impression", "metricAttribution"),
            )
        ),
        ({"recommendationId": ""}, {}, None),
        ({"impression": []}, {}, None),
        ({"eventValue": "19.90"}, {"eventValue": 19.9}, None),
        ({"itemId": 42}, {"itemId": "42"}, None),
        (
            {"metricAttribution": {"eventAttributionSource": "für-dich"}},
            {},
            ("metricAttribution", "bad_unicode"),
        ),
        ({"recommendationId": "r" * 41}, {}, ("recommendationId", "too_long")),
        ({"impression": LONG}, {"impression": LONG[:25]}, ("impression", "too_many_items")),
        ({"evntValue": 3}, {}, None),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
async def test_an_event_is_taken_with_all_of_it_that_can_be_used(
    edge: RunningEdge, way: str, fields: dict[str, Any], stored: dict[str, Any], dropped: tuple[str, str] | None
) -> None:
    answer = await said(edge, way, {"eventType": "View", **fields})
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    expected = [] if dropped is None else [{"index": 0, "field": dropped[0], "reason": dropped[1]}]
    assert answer.get("dropped", []) == expected
    (record,) = await edge.records()
    entry = json.loads(record.body)
    assert entry.pop("eventId")
    assert entry == {"eventType": "View", "sentAt": START_MS // 1000, **stored}
    unknown = (await edge.http.get(f"{edge.admin_url}/metrics")).text.count('_unknown_total{field="evntValue"} 1.0')
    assert unknown == ("evntValue" in fields)
