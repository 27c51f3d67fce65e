"""A decoded body without what the service passes over: members that are `null`, and members it does not know."""

from functools import lru_cache
from typing import Any, TypeGuard

from msgspec import inspect

Overlooked = tuple[str, ...]
"""Names of members that were passed over, with `=null` behind those that were null: `("deviceId", "itemId=null")`."""


def without_surplus(value: Any, input_type: Any) -> tuple[Any, Overlooked]:
    """The value without surplus members, and their names.

    Args:
        value: As decoded from JSON, any shape.
        input_type: What it should be; only the parts of the value that fit are looked into.
    """
    overlooked: list[str] = []
    return _pruned(value, _shape(input_type), overlooked), tuple(overlooked)


@lru_cache(maxsize=256)
def _shape(input_type: Any) -> inspect.Type:
    return inspect.type_info(input_type)


def _pruned(value: Any, shape: inspect.Type, overlooked: list[str]) -> Any:
    if isinstance(shape, inspect.Metadata):
        return _pruned(value, shape.type, overlooked)
    if isinstance(shape, inspect.UnionType):
        return _pruned(value, shape.types[0], overlooked)
    if isinstance(shape, inspect.StructType) and _is_object(value):
        return _pruned_members(value, shape, overlooked)
    if isinstance(shape, inspect.DictType) and _is_object(value):
        overlooked.extend(f"{key}=null" for key, one in value.items() if one is None)
        return {key: _pruned(one, shape.value_type, overlooked) for key, one in value.items() if one is not None}
    if isinstance(shape, inspect.ListType) and _is_list(value):
        return [_pruned(one, shape.item_type, overlooked) for one in value]
    return value


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _pruned_members(members: dict[str, Any], shape: inspect.StructType, overlooked: list[str]) -> dict[str, Any]:
    known = {field.encode_name: field.type for field in shape.fields}
    kept: dict[str, Any] = {}
    for name, value in members.items():
        if value is None:
            overlooked.append(f"{name}=null")
        elif name not in known:
            overlooked.append(name)
        else:
            kept[name] = _pruned(value, known[name], overlooked)
    return kept
