"""GetRecommendations reacts to what came the moment before."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.raw_client import SESSION, RawClient, raw_client
from tests.support.emulator import running_emulator


@pytest.fixture
async def raw() -> AsyncGenerator[RawClient]:
    async with running_emulator() as running, raw_client(running) as client:
        yield client


@pytest.fixture
async def runtime(raw: RawClient) -> AsyncGenerator[Any]:
    async with SESSION.client("personalize-runtime", **raw.running.client_options) as client:
        yield client


async def _items(raw: RawClient, **categories: str) -> None:
    items = [{"itemId": item, "properties": json.dumps({"category": value})} for item, value in categories.items()]
    answer = await raw.call("/items", {"datasetArn": raw.arn("dataset/demo/ITEMS"), "items": items})
    assert answer.status == 200


async def _saw(raw: RawClient, session: str, *items: str, user: str | None = None) -> None:
    for item in items:
        assert (await raw.put_event(itemId=item, call={"sessionId": session, "userId": user})).status == 200


async def _recommended(raw: RawClient, runtime: Any, **asked: Any) -> list[str]:
    answer = await runtime.get_recommendations(campaignArn=raw.arn("campaign/any"), **asked)
    assert 1 <= len(answer["recommendationId"]) <= 40
    return [item["itemId"] for item in answer["itemList"]]


async def test_without_events_the_catalogue_is_recommended_by_id(raw: RawClient, runtime: Any) -> None:
    await _items(raw, b="x", a="y", c="z")
    assert await _recommended(raw, runtime, userId="nobody") == ["a", "b", "c"]
    assert await _recommended(raw, runtime, userId="nobody", numResults=2) == ["a", "b"]


async def test_nothing_is_known_at_first(raw: RawClient, runtime: Any) -> None:
    assert await _recommended(raw, runtime, userId="nobody") == []


async def test_popular_items_come_first_for_somebody_new(raw: RawClient, runtime: Any) -> None:
    await _items(raw, a="x", b="x")
    await _saw(raw, "one", "seen-only", "b")
    await _saw(raw, "two", "b")
    assert await _recommended(raw, runtime, userId="nobody") == ["b", "seen-only", "a"]


async def test_items_seen_together_are_related(raw: RawClient, runtime: Any) -> None:
    await _saw(raw, "one", "tent", "stove")
    await _saw(raw, "two", "tent", "stove", "lamp")
    for session in ("three", "four", "five"):
        await _saw(raw, session, "dress")
    related = await _recommended(raw, runtime, itemId="tent")
    assert related[:2] == ["stove", "lamp"]
    assert "tent" not in related


async def test_an_anonymous_visitor_is_asked_for_by_the_session_and_clicks_count_at_once(
    raw: RawClient, runtime: Any
) -> None:
    await _items(raw, **{f"tent-{n}": "camping" for n in range(3)}, **{f"dress-{n}": "clothes" for n in range(4)})
    await _saw(raw, "visitor", "tent-2")
    assert {*(await _recommended(raw, runtime, userId="visitor"))[:3]} == {"tent-0", "tent-1", "tent-2"}
    await _saw(raw, "visitor", "dress-3", "dress-3", "dress-3")
    assert (await _recommended(raw, runtime, userId="visitor"))[0] == "dress-3"


async def test_a_user_is_asked_for_by_the_user_id_once_it_came_with_events(raw: RawClient, runtime: Any) -> None:
    await _items(raw, tent="camping", stove="camping", dress="clothes", skirt="clothes")
    await _saw(raw, "session", "tent", user="ada")
    await _saw(raw, "other", "dress")
    assert (await _recommended(raw, runtime, userId="ada"))[1] == "stove"
    assert (await _recommended(raw, runtime, userId="other"))[1] == "skirt"


async def test_scores_fall_and_add_up_to_one(raw: RawClient, runtime: Any) -> None:
    await _saw(raw, "one", "a", "b", "b")
    answer = await runtime.get_recommendations(recommenderArn=raw.arn("recommender/any"), userId="one")
    scores = [item["score"] for item in answer["itemList"]]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("asked", "code", "status"),
    [
        ({"campaignArn": "arn:aws:personalize:us-east-1:999999999999:campaign/c"}, "ResourceNotFoundException", 404),
        ({"campaignArn": "arn:aws:personalize:us-east-1:123456789012:filter/f"}, "ResourceNotFoundException", 404),
        ({"campaignArn": "campaign"}, "InvalidInputException", 400),
        ({}, "InvalidInputException", 400),
        ({"campaignArn": "C", "recommenderArn": "R"}, "InvalidInputException", 400),
        ({"campaignArn": "C", "userId": None}, "InvalidInputException", 400),
        ({"campaignArn": "C", "userId": "u" * 257}, "InvalidInputException", 400),
        ({"campaignArn": "C", "itemId": "i" * 257}, "InvalidInputException", 400),
        ({"campaignArn": "C", "numResults": 501}, "InvalidInputException", 400),
        ({"campaignArn": "C", "filterArn": "F"}, "ResourceNotFoundException", 404),
        ({"campaignArn": "C", "context": {str(n): "v" for n in range(151)}}, "InvalidInputException", 400),
    ],
)
async def test_what_is_asked_must_make_sense(
    raw: RawClient, runtime: Any, asked: dict[str, Any], code: str, status: int
) -> None:
    arns = {"C": raw.arn("campaign/c"), "R": raw.arn("recommender/r"), "F": raw.arn("filter/f")}
    wanted = {"userId": "u"} | {name: arns.get(str(value), value) for name, value in asked.items()}
    with pytest.raises(ClientError) as caught:
        await runtime.get_recommendations(**{name: value for name, value in wanted.items() if value is not None})
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
