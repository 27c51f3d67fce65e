"""One cell of a file, or one value of a JSON object, as the dataset's schema wants it on the wire."""

import math
import re
from typing import Final

from relay.core.limits import MAX_CATEGORICAL_CHARS, MAX_EVENT_VALUE
from relay.core.model import Reason
from relay.personalize.put.problem import Problem
from relay.personalize.schema.columns import Column, ColumnType

Value = str | int | float | bool | None

_WHOLE: Final = re.compile(r"[+-]?\d{1,20}")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_RANGE: Final = {ColumnType.INT: 2**31, ColumnType.LONG: 2**63}
_LARGEST: Final = {ColumnType.FLOAT: MAX_EVENT_VALUE, ColumnType.DOUBLE: 1.7976931348623157e308}


def from_text(column: Column, text: str) -> Value | Problem:
    """A cell of CSV: empty is null, a number is a number where the schema says so."""
    if not text:
        return from_json(column, None)
    if column.kind is ColumnType.STRING:
        return from_json(column, text)
    text = text.strip()
    if column.kind is ColumnType.BOOLEAN:
        truth = {"true": True, "false": False}.get(text.lower())
        return truth if truth is not None else _bad(column, Reason.BAD_TYPE, f"{text[:40]!r} is not true or false")
    if column.kind in _RANGE:
        if _WHOLE.fullmatch(text):
            return from_json(column, int(text))
        return _bad(column, Reason.BAD_NUMBER, f"{text[:40]!r} is not a whole number")
    if _NUMBER.fullmatch(text):
        return from_json(column, float(text))
    return _bad(column, Reason.BAD_NUMBER, f"{text[:40]!r} is not a number")


def from_json(column: Column, value: object) -> Value | Problem:
    """A value of JSON: a list of categories is joined with `|`, a number becomes text where the schema wants text."""
    if value is None:
        return None if column.nullable else _bad(column, Reason.EMPTY, "is empty, and the schema allows no null")
    if column.kind is ColumnType.STRING:
        return _string(column, value)
    if column.kind is ColumnType.BOOLEAN:
        return value if isinstance(value, bool) else _bad(column, Reason.BAD_TYPE, "is not true or false")
    if isinstance(value, str):
        return from_text(column, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _bad(column, Reason.BAD_TYPE, "is not a number")
    return _number(column, value)


def _number(column: Column, value: float) -> Value | Problem:
    if column.kind in _RANGE:
        if isinstance(value, float):
            if not value.is_integer():
                return _bad(column, Reason.BAD_NUMBER, f"{value} is not a whole number")
            value = int(value)
        limit = _RANGE[column.kind]
        return (
            value if -limit <= value < limit else _bad(column, Reason.BAD_NUMBER, f"is out of range of {column.kind}")
        )
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    in_range = math.isfinite(value) and abs(value) <= _LARGEST[column.kind]
    return value if in_range else _bad(column, Reason.BAD_NUMBER, f"is out of range of {column.kind}")


def _string(column: Column, value: object) -> Value | Problem:
    if isinstance(value, list):
        if not column.categorical:
            return _bad(column, Reason.BAD_TYPE, "is a list, and the schema does not call the column categorical")
        parts: list[object] = value  # pyright: ignore[reportUnknownVariableType] - JSON, looked at in the next line
        if not all(isinstance(part, str) and part and "|" not in part for part in parts):
            return _bad(column, Reason.BAD_TYPE, "is a list of other things than categories without |")
        value = "|".join(str(part) for part in parts)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return _bad(column, Reason.BAD_TYPE, "is not text")
    if column.categorical and len(value) > MAX_CATEGORICAL_CHARS:
        return _bad(column, Reason.TOO_LONG, f"has {len(value)} characters, at most {MAX_CATEGORICAL_CHARS}")
    return value


def _bad(column: Column, reason: Reason, detail: str) -> Problem:
    return Problem(reason=reason, detail=f"{column.name}: {detail}")
