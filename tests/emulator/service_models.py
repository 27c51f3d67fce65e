"""Botocore's models of the three services, walked: a call that should do for each operation, and each bound of it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

SERVICES: Final = ("personalize", "personalize-events", "personalize-runtime")
PLAIN: Final = "arn:aws:personalize:us-east-1:123456789012:{}/missing"

_WORDS: Final = {
    "arn:([a-z\\d-]+):personalize:.*:.*:.+": "arn:aws:personalize:us-east-1:123456789012:schema/missing",
    "arn:([a-z\\d-]+):iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+": "arn:aws:iam::123456789012:role/any",
    "arn:aws.*:kms:.*:[0-9]{12}:key/.*": "arn:aws:kms:us-east-1:123456789012:key/any",
    "(s3|http|https)://.+": "s3://bucket/key",
    "rate\\(\\d+ days?\\)": "rate(2 days)",
}
_AVRO: Final = (
    '{"type":"record","name":"I","namespace":"com.amazonaws.personalize.schema","fields":['
    '{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}]}'
)
_SPECIAL: Final[dict[str, Any]] = {
    "schema": _AVRO,
    "filterExpression": "INCLUDE ItemID WHERE Items.PRICE > 1",
    "properties": "{}",
    "sentAt": 1_795_312_345,
    "timestamp": 1_795_312_345,
}


class Case(NamedTuple):
    """A call with one thing about it that is at a bound or past it."""

    service: str
    operation: str
    what: str
    body: dict[str, Any]
    is_refused: bool
    """Whether the model forbids it; else it is only at the bound."""


@lru_cache
def service_model(service: str) -> ServiceModel:
    """The model of a service."""
    return botocore.session.get_session().get_service_model(service)


def operations() -> Iterator[tuple[str, OperationModel]]:
    """Every operation of the three services, with its service."""
    for service in SERVICES:
        model = service_model(service)
        for name in model.operation_names:
            yield service, model.operation_model(name)


def modelled_errors(operation: OperationModel) -> frozenset[str]:
    """Codes of the errors it models."""
    return frozenset(shape.name for shape in operation.error_shapes)


def whole_input(operation: OperationModel) -> dict[str, Any]:
    """A body with every member, each of a value the model allows."""
    shape = operation.input_shape
    return _value(shape, shape.name) if shape is not None else {}


def cases() -> Iterator[Case]:
    """Every bound of every member of every operation."""
    for service, operation in operations():
        shape = operation.input_shape
        if shape is None:
            continue
        whole = whole_input(operation)
        for path, member, required in _members(shape, ()):
            for what, value, is_refused in _bounds(member, path[-1], required=required):
                body = _with(whole, path, value)
                yield Case(service, operation.name, f"{'.'.join(map(str, path))}: {what}", body, is_refused)


ABSENT: Final = object()
"""In place of a value: leave the member out."""


def _members(shape: Shape, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Shape, bool]]:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield (*path, name), member, name in shape.required_members
            yield from _members(member, (*path, name))
    elif isinstance(shape, ListShape):
        yield (*path, 0), shape.member, False
        yield from _members(shape.member, (*path, 0))
    elif isinstance(shape, MapShape):
        yield (*path, _text(shape.key, "key")), shape.value, False


def _bounds(shape: Shape, name: Any, *, required: bool) -> Iterator[tuple[str, Any, bool]]:
    if isinstance(name, str):
        yield "absent", ABSENT, required
        yield "null", None, required
    meta = shape.metadata
    yield "of another type", 7 if shape.type_name in {"structure", "map"} else {"surprise": 1}, True
    if isinstance(shape, StringShape):
        yield from _text_bounds(shape, str(name))
    elif isinstance(shape, ListShape):
        one = _value(shape.member, str(name))
        yield from _sizes(meta, lambda count: [one] * count)
    elif isinstance(shape, MapShape):
        one, key = _value(shape.value, str(name)), _text(shape.key, "key")
        yield from _sizes(meta, lambda count: {f"{key}{number}": one for number in range(count)})
    elif shape.type_name in {"integer", "long", "float", "double"}:
        for bound, step in (("min", -1), ("max", 1)):
            if bound in meta:
                yield f"at its {bound}", meta[bound], False
                yield f"past its {bound}", meta[bound] + step, True


def _text_bounds(shape: StringShape, name: str) -> Iterator[tuple[str, Any, bool]]:
    meta, good = shape.metadata, _text(shape, name)
    if "max" in meta:
        longest = good + good[-1] * (meta["max"] - len(good))
        is_free = not shape.enum and name not in _SPECIAL
        if is_free and ("pattern" not in meta or _fits(meta["pattern"], longest)):
            yield "at its max", longest, False
        yield "past its max", longest + good[-1], True
    if meta.get("min", 0) > 0:
        yield "empty", "", True
    if "pattern" in meta and not _fits(meta["pattern"], "\u2603 \n"):
        yield "outside its pattern", "\u2603 \n", True
    if shape.enum:
        yield "no word of its own", "SURPRISE", True


def _sizes(meta: dict[str, Any], make: Any) -> Iterator[tuple[str, Any, bool]]:
    if meta.get("min", 0) > 0:
        yield "too few", make(meta["min"] - 1), True
    if "max" in meta:
        yield "at its max", make(meta["max"]), False
        yield "too many", make(meta["max"] + 1), True


def _value(shape: Shape, name: str) -> Any:
    if name in _SPECIAL and not isinstance(shape, StructureShape):
        return _SPECIAL[name]
    if isinstance(shape, StructureShape):
        return {member: _value(one, member) for member, one in shape.members.items()}
    if isinstance(shape, ListShape):
        return [_value(shape.member, name)]
    if isinstance(shape, MapShape):
        return {_text(shape.key, "key"): _value(shape.value, name)}
    if isinstance(shape, StringShape):
        return _text(shape, name)
    if shape.type_name == "boolean":
        return False
    return max(shape.metadata.get("min", 1), 1) if shape.metadata.get("max", 1) >= 1 else 0


def _text(shape: Shape, name: str) -> str:
    if name in _SPECIAL:
        return str(_SPECIAL[name])
    if isinstance(shape, StringShape) and shape.enum:
        return str(shape.enum[0])
    return _WORDS.get(shape.metadata.get("pattern", ""), "x")


def _fits(pattern: str, text: str) -> bool:
    """Whether a pattern takes a text; classes of Unicode that Python has no word for are narrowed to ASCII."""
    known = pattern.replace("\\p{L}", "a-zA-Z").replace("\\p{Z}", " ").replace("\\p{N}", "0-9")
    return re.fullmatch(known.replace("\\p{ASCII}", "[\\x00-\\x7f]"), text) is not None


def _with(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the body with another value at the path."""
    first, *rest = path
    copy = dict(whole) if isinstance(whole, dict) else list(whole)
    if rest:
        copy[first] = _with(copy[first], tuple(rest), value)
    elif value is ABSENT:
        del copy[first]
    else:
        copy[first] = value
    return copy
