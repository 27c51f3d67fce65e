"""Fields of a parsed JSON object, each read within its limit or refused with its reason."""

import math
from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET, UnsetType

from relay.core import limits
from relay.core.model import Reason
from relay.wire.lenient_json import as_list, as_object, fault, parse, text_fault

_NO_VALUE: Final = frozenset({"null", "undefined", "NaN", "[object Object]"})
"""What a variable without a value turns into as text: as an id it would join strangers."""


class RefusedFieldError(Exception):
    """A field is not what it should be."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def says_nothing(text: str) -> bool:
    """Whether an id is blank, or what a variable without a value turns into."""
    return text in _NO_VALUE or text.isspace()


def say_something(ids: Sequence[str]) -> bool:
    """Whether none of them `says_nothing`."""
    return _NO_VALUE.isdisjoint(ids) and not any(map(str.isspace, ids))


def text(value: object, most: int = limits.MAX_ID_CHARS) -> str:
    """A text that says something, of at most `most` characters.

    Raises:
        RefusedFieldError: it is none.
    """
    if not isinstance(value, str):
        raise RefusedFieldError(Reason.BAD_TYPE)
    if text_fault(value):
        raise RefusedFieldError(Reason.BAD_UNICODE)
    if not value or says_nothing(value):
        raise RefusedFieldError(Reason.EMPTY)
    if len(value) > most:
        raise RefusedFieldError(Reason.TOO_LONG)
    return value


def required_text(fields: dict[str, Any], name: str) -> str:
    """An id that must be there.

    Raises:
        RefusedFieldError: it is not.
    """
    if name not in fields:
        raise RefusedFieldError(Reason.MISSING_FIELD)
    return text(fields[name])


def optional_text(fields: dict[str, Any], name: str, most: int = limits.MAX_ID_CHARS) -> str | UnsetType:
    """A text that may be missing.

    Raises:
        RefusedFieldError: it is there and no text within the limit.
    """
    return text(fields[name], most) if name in fields else UNSET


def optional_number(fields: dict[str, Any], name: str, most: float = math.inf) -> float | UnsetType:
    """A finite number that may be missing.

    Raises:
        RefusedFieldError: it is there and no number, or larger than `most`.
    """
    if name not in fields:
        return UNSET
    value: object = fields[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedFieldError(Reason.BAD_TYPE)
    try:
        number = float(value)
    except OverflowError:
        raise RefusedFieldError(Reason.BAD_NUMBER) from None
    if not math.isfinite(number) or abs(number) > most:
        raise RefusedFieldError(Reason.BAD_NUMBER)
    return number


def optional_ids(fields: dict[str, Any], name: str) -> list[str] | UnsetType:
    """A list of 1 to 25 ids that may be missing.

    Raises:
        RefusedFieldError: it is there and something else.
    """
    if name not in fields:
        return UNSET
    items = as_list(fields[name])
    if items is None:
        raise RefusedFieldError(Reason.BAD_TYPE)
    if not items:
        raise RefusedFieldError(Reason.EMPTY)
    if len(items) > limits.MAX_IMPRESSION_ITEMS:
        raise RefusedFieldError(Reason.TOO_MANY_ITEMS)
    return [text(item) for item in items]


def optional_properties(fields: dict[str, Any]) -> dict[str, Any] | str | UnsetType:
    """`properties`, an object or a text, that may be missing.

    Raises:
        RefusedFieldError: it is there and something else, or holds what cannot be passed on.
    """
    if "properties" not in fields:
        return UNSET
    given: object = fields["properties"]
    value = given if isinstance(given, str) else as_object(given)
    if value is None:
        raise RefusedFieldError(Reason.BAD_TYPE)
    found = fault(value)
    if found:
        raise RefusedFieldError(found)
    return value


def held_object(properties: dict[str, Any] | str) -> dict[str, Any] | Reason:
    """What `properties` holds: the object itself, or the one in its text."""
    if not isinstance(properties, str):
        return properties
    if not properties or properties.isspace():
        return Reason.EMPTY
    try:
        held = parse(properties)
    except ValueError:
        return Reason.BAD_TYPE
    found = fault(held)
    if found:
        return found
    members = as_object(held)
    return Reason.BAD_TYPE if members is None else members
