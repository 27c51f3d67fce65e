"""Every bound of the service's model, at it and over it; the model is botocore's own."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ParamValidationError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from relay.core.limits import MAX_EVENT_BYTES
from relay.sink.personalize.parameters import BadParametersError, Parameters
from relay.sink.personalize.service_model import METHODS, Fields, Listing, Moment, Number, Text
from tests.sink.events_client.generated_calls import ARN, Generator
from tests.sink.events_client.side_by_side import side_by_side
from tests.support.raw_server import http_answer

MODEL = ServiceModel(Loader().load_service_model("personalize-events", "service-2"))


class Bound(NamedTuple):
    """One bound, and values at it and beyond it."""

    method: str
    path: tuple[Any, ...]
    limit: str
    within: Any
    beyond: Any

    def __str__(self) -> str:
        return f"{self.method}-{'.'.join(map(str, self.path))}-{self.limit}"


def _minimal(shape: Any, *, full: bool = False) -> Any:
    """The least that is valid; with every member, if `full`."""
    if shape.type_name == "structure":
        required = shape.metadata.get("required", [])
        return {name: _minimal(one, full=full) for name, one in shape.members.items() if full or name in required}
    if shape.type_name == "list":
        return [_minimal(shape.member, full=full)]
    if shape.name == "Arn":
        return ARN
    return {"string": "x", "timestamp": 1, "float": 1.5}[shape.type_name]


def _bounds(method: str, shape: Any, path: tuple[Any, ...] = ()) -> Iterator[Bound]:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from _bounds(method, member, (*path, name))
        return
    most, least = shape.metadata.get("max"), shape.metadata.get("min")
    if shape.type_name == "list":
        entry = _minimal(shape.member)
        yield Bound(method, path, "min", [entry], [])
        yield Bound(method, path, "max", [entry] * most, [entry] * (most + 1))
        yield from _bounds(method, shape.member, (*path, 0))
    elif shape.type_name == "string":
        filled = ARN + "x" * (most - len(ARN)) if shape.name == "Arn" else "é" * most
        if "pattern" in shape.metadata:
            filled = filled if shape.name == "Arn" else "e" * most
            yield Bound(method, path, "pattern", filled[: most // 2], "é\n")
        yield Bound(method, path, "max", filled, filled + filled[-1])
        if least:
            yield Bound(method, path, "min", "x" * least, "")


BOUNDS = [
    bound
    for method, one in METHODS.items()
    for bound in _bounds(method, MODEL.operation_model(one.operation).input_shape)
]


def _with(bound: Bound, value: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = copy.deepcopy(
        _minimal(MODEL.operation_model(METHODS[bound.method].operation).input_shape, full=True)
    )
    inner: Any = arguments
    for step in bound.path[:-1]:
        inner = inner[step]
    inner[bound.path[-1]] = value
    return arguments


def test_there_are_bounds_to_test() -> None:
    assert len(BOUNDS) > 60


@pytest.mark.parametrize("bound", BOUNDS, ids=str)
def test_what_is_at_a_bound_is_taken_and_what_is_over_it_is_refused_by_name(bound: Bound) -> None:
    parameters = Parameters(bound.method, check_limits=True)
    parameters.body(_with(bound, bound.within))
    name = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, bound.path)))
    with pytest.raises(BadParametersError) as refused:
        parameters.body(_with(bound, bound.beyond))
    wanted = {"min": "valid min length: 1", "max": r"valid max length: \d+", "pattern": "valid pattern: "}[bound.limit]
    assert re.search(rf"^Invalid (length|value) for parameter {re.escape(name)}, .*{wanted}", str(refused.value))


@pytest.mark.parametrize("bound", [bound for bound in BOUNDS if bound.limit != "min"], ids=str)
def test_over_a_maximum_is_sent_when_limits_are_not_to_be_checked(bound: Bound) -> None:
    arguments = _with(bound, bound.beyond)
    assert json.loads(Parameters(bound.method, check_limits=False).body(arguments)) == arguments


def test_an_event_of_ten_kilobytes_is_taken_and_one_byte_more_is_refused() -> None:
    parameters = Parameters("put_events", check_limits=True)
    event = {"eventType": "x", "sentAt": 1, "impression": ["日" * 128] * 25, "properties": "x"}
    room = MAX_EVENT_BYTES - len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())
    event["properties"] = "x" * (room + 1)
    parameters.body({"trackingId": "t", "sessionId": "s", "eventList": [event]})
    event["properties"] = "x" * (room + 2)
    with pytest.raises(BadParametersError, match=r"size for parameter eventList\[1\], value: 10241 bytes, .*: 10240"):
        parameters.body({"trackingId": "t", "sessionId": "s", "eventList": [{"eventType": "x", "sentAt": 1}, event]})


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(BadParametersError) as refused:
        Parameters("put_events", check_limits=True).body(
            {"trackingId": "", "sessionId": "s" * 257, "eventList": [{"sentAt": "then"}] * 11, "x": 1}
        )
    assert len(str(refused.value).splitlines()) == 4 + 2 * 11


@pytest.mark.parametrize("method", list(METHODS))
def test_the_table_says_what_botocores_model_says(method: str) -> None:
    one = METHODS[method]
    _same(one.takes, MODEL.operation_model(one.operation).input_shape)


def _same(ours: Any, theirs: Any) -> None:
    metadata = theirs.metadata
    if isinstance(ours, Fields):
        assert theirs.type_name == "structure"
        assert list(ours.members) == list(theirs.members)
        assert list(ours.required) == metadata["required"]
        for name, member in ours.members.items():
            _same(member, theirs.members[name])
    elif isinstance(ours, Listing):
        assert (theirs.type_name, ours.most, 1) == ("list", metadata["max"], metadata["min"])
        _same(ours.of, theirs.member)
    elif isinstance(ours, Text):
        assert (theirs.type_name, ours.most, ours.least) == ("string", metadata["max"], metadata.get("min", 0))
        pattern = theirs.metadata.get("pattern")
        assert (None if pattern is None else pattern.strip("^$")) == (ours.pattern and ours.pattern.pattern)
    else:
        assert theirs.type_name == {Number: "float", Moment: "timestamp"}[type(ours)]


async def test_botocores_error_says_what_is_wrong_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with side_by_side(monkeypatch, answers=[http_answer("200 OK")], check_limits=True) as both:
        with pytest.raises(ParamValidationError, match=r"parameter trackingId, value: 257, valid max length: 256"):
            await both.ours.put_events(trackingId="t" * 257, sessionId="s", eventList=[{"eventType": "x", "sentAt": 1}])
        assert both.requests == []


@pytest.mark.parametrize("seed", range(3))
def test_checking_limits_refuses_nothing_that_is_within_them(seed: int) -> None:
    """What is found in order quickly is in order by the slow check, and the other way round."""
    for call in Generator(300 + seed, wrong=0.05).calls(400):
        strict, lax = _outcome(call.method, call.arguments, strict=True), _outcome(call.method, call.arguments)
        if isinstance(strict, bytes):
            assert strict == lax
        elif isinstance(lax, bytes):
            assert isinstance(strict, list)
            assert all(re.search(r"valid (max|pattern)", line) for line in strict), strict
        elif isinstance(lax, list):
            assert isinstance(strict, list)
            assert set(lax) <= set(strict)
        else:
            assert not isinstance(strict, bytes)


def _outcome(method: str, arguments: dict[str, Any], *, strict: bool = False) -> bytes | list[str] | type[Exception]:
    try:
        return Parameters(method, check_limits=strict).body(arguments)
    except BadParametersError as error:
        return str(error).splitlines()
    except (OverflowError, RuntimeError) as error:
        return type(error)
