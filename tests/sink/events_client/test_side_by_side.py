"""The same calls by boto3 and by `events_client`: the same on the wire, the same answers, the same errors."""

from typing import Any

import pytest

from tests.sink.events_client.generated_calls import ARN, Call, Generator
from tests.sink.events_client.side_by_side import side_by_side

CALLS = 1050
"""In each of ten runs; a call takes boto3 more than a millisecond."""
EVENT = {"eventType": "Click", "sentAt": 1_795_312_345}


@pytest.mark.parametrize("seed", range(10))
async def test_generated_calls_are_the_same_on_the_wire_and_end_the_same(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = list(Generator(seed).calls(CALLS))
    sent = 0
    async with side_by_side(monkeypatch) as both:
        ours, theirs = await both.make(calls)
    for call, our, their in zip(calls, ours, theirs, strict=True):
        assert our == their, call
        sent += our.request is not None
    assert CALLS * 0.4 < sent < CALLS * 0.95, "calls that are sent and calls that are refused"


@pytest.mark.parametrize("seed", range(3))
async def test_calls_full_of_faults_are_refused_in_the_same_words(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list(Generator(100 + seed, wrong=0.2).calls(300))
    async with side_by_side(monkeypatch) as both:
        ours, theirs = await both.make(calls)
    for call, our, their in zip(calls, ours, theirs, strict=True):
        assert our == their, call


@pytest.mark.parametrize(
    "path",
    ["", "/", "/base", "/base/", "/base//", "/a b", "/a%20b", "/%zz", "/a:b@c!$&'()*+,;=[d]", "/ü/~x", "/a/../b/."],
)
async def test_an_endpoint_with_a_path_is_called_and_signed_the_same(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [
        Call("put_events", {"trackingId": "t", "sessionId": "s", "eventList": [EVENT]}),
        Call("put_items", {"datasetArn": ARN, "items": [{"itemId": "i"}]}),
    ]
    async with side_by_side(monkeypatch, path=path) as both:
        ours, theirs = await both.make(calls)
    assert ours == theirs


@pytest.mark.parametrize("seed", range(4))
async def test_urls_signed_beforehand_are_equal(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    async with side_by_side(monkeypatch, path="/base") as both:
        for place, call in enumerate(Generator(200 + seed).calls(150)):
            more: dict[str, Any] = {"ExpiresIn": (60, 3600, 604_800)[place % 3]} | (
                {"HttpMethod": "get"} if place % 5 == 0 else {}
            )
            theirs: Any = None
            refused: Exception | None = None
            try:
                theirs = both.theirs.generate_presigned_url(call.method, call.arguments, **more)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must be ours as well
                refused = error
            if refused is None:
                made += 1
                assert await both.ours.generate_presigned_url(call.method, call.arguments, **more) == theirs
            else:
                with pytest.raises(type(refused)) as raised:
                    await both.ours.generate_presigned_url(call.method, call.arguments, **more)
                assert str(raised.value) == str(refused)
    assert made > 60


async def test_everything_beside_the_calls_is_the_same_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with side_by_side(monkeypatch) as both:
        ours, theirs = both.ours, both.theirs
        assert ours.waiter_names == theirs.waiter_names == []
        assert ours.meta.region_name == theirs.meta.region_name == "eu-west-1"
        assert ours.meta.endpoint_url == theirs.meta.endpoint_url
        assert ours.meta.method_to_api_mapping == theirs.meta.method_to_api_mapping
        for method in theirs.meta.method_to_api_mapping:
            assert ours.can_paginate(method) == theirs.can_paginate(method) is False
        for name in ("put_events", "none", "PutEvents"):
            for ask in ("can_paginate", "get_paginator", "get_waiter"):
                assert _raised(ours, ask, name) == _raised(theirs, ask, name), (ask, name)
        with pytest.raises(Exception, match="does not have method: none") as raised:
            await ours.generate_presigned_url("none")
        with pytest.raises(type(raised.value)):
            theirs.generate_presigned_url("none")
        for positional in (ours, theirs):
            with pytest.raises(TypeError, match=r"put_events\(\) only accepts keyword arguments"):
                await positional.put_events({"trackingId": "t"})  # type: ignore[arg-type, call-arg]  # on purpose


async def test_exceptions_are_botocores_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with side_by_side(monkeypatch) as both:
        ours: Any = both.ours.exceptions
        theirs = both.theirs.exceptions
        assert ours.ClientError is theirs.ClientError
        for name in ("InvalidInputException", "ResourceInUseException", "ResourceNotFoundException"):
            assert issubclass(getattr(ours, name), theirs.ClientError)
            assert ours.from_code(name) is getattr(ours, name)
        assert ours.from_code("ThrottlingException") is theirs.from_code("ThrottlingException")
        for exceptions in (ours, theirs):
            with pytest.raises(AttributeError, match="Valid exceptions are: InvalidInputException, "):
                _ = exceptions.Another


def _raised(client: object, method: str, name: str) -> object:
    try:
        return getattr(client, method)(name)
    except Exception as error:  # noqa: BLE001 - compared with the other's
        return type(error), str(error)
