"""One cell of a file, or one value of a JSON object, as the dataset's schema wants it on the wire."""

import math
import re
import shlex
from collections.abc import Callable, Collection
from typing import Final

from relay.core.limits import MAX_CATEGORICAL_CHARS, MAX_EVENT_VALUE
from relay.core.model import Reason
from relay.personalize.put.problem import RowProblem
from relay.personalize.schema.columns import Column, ColumnType

Value = str | int | float | bool | None

_WHOLE: Final = re.compile(r"([+-]?\d{1,20})(?:\.0*)?")
"""`3.0` too: pandas writes whole numbers so where a column has gaps."""
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_TIMES: Final = ("TIMESTAMP", "CREATION_TIMESTAMP", "ACTION_EXPIRATION_TIMESTAMP")
"""Columns the service knows, each in Unix seconds."""
LATEST_S: Final = 100_000_000_000
"""The year 5138: a time beyond is in milliseconds."""
NULL_WORDS: Final = frozenset({"NULL", "null", "\\N", "NaN", "nan", "None", "none", "NA", "N/A", "#N/A", "undefined"})
"""What databases and programs write for nothing. It may as well be text, so that nobody but a person can tell."""
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_RANGE: Final = {ColumnType.INT: 2**31, ColumnType.LONG: 2**63}
_LARGEST: Final = {ColumnType.FLOAT: MAX_EVENT_VALUE, ColumnType.DOUBLE: 1.7976931348623157e308}


class Cells:
    """Reads cells, and tells once a column of what may be meant otherwise."""

    def __init__(self, *, null: Collection[str] = (), notice: Callable[[str], None] = lambda _: None) -> None:
        """Take the settings.

        Args:
            null: Texts that mean nothing is there.
            notice: Told one line, of the first cell of a column that holds one of `NULL_WORDS`.
        """
        self._null = frozenset(null)
        self._notice = notice
        self._told: set[str] = set()

    def from_text(self, column: Column, text: str) -> Value | RowProblem:
        """See `from_text`."""
        return from_text(column, self._checked(column, text))

    def from_json(self, column: Column, value: object) -> Value | RowProblem:
        """See `from_json`."""
        return from_json(column, self._checked(column, value) or None if isinstance(value, str) else value)

    def _checked(self, column: Column, text: str) -> str:
        if text in self._null:
            return ""
        if text in NULL_WORDS and column.name not in self._told:
            self._told.add(column.name)
            what = "is taken as text" if column.kind is ColumnType.STRING else "is refused"
            self._notice(f"column {column.name}: {text!r} {what}; if it means nothing, give --null {shlex.quote(text)}")
        return text


def from_text(column: Column, text: str) -> Value | RowProblem:
    """A cell of CSV: empty is null, a number is a number where the schema says so."""
    if not text:
        return from_json(column, None)
    if column.kind is ColumnType.STRING:
        return from_json(column, text)
    text = text.strip()
    if not text:
        return from_json(column, None)
    if column.kind is ColumnType.BOOLEAN:
        truth = {"true": True, "false": False}.get(text.lower())
        return truth if truth is not None else _bad(column, Reason.BAD_TYPE, f"{text[:40]!r} is not true or false")
    if column.kind in _RANGE:
        if whole := _WHOLE.fullmatch(text):
            return from_json(column, int(whole[1]))
        of = " of Unix seconds" if column.name in _TIMES else ""
        return _bad(column, Reason.BAD_NUMBER, f"{text[:40]!r} is not a whole number{of}")
    if _NUMBER.fullmatch(text):
        return from_json(column, float(text))
    written = "; decimals are written with a point" if _DECIMAL_COMMA.fullmatch(text) else ""
    return _bad(column, Reason.BAD_NUMBER, f"{text[:40]!r} is not a number{written}")


def from_json(column: Column, value: object) -> Value | RowProblem:
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


def _number(column: Column, value: float) -> Value | RowProblem:
    if column.kind in _RANGE:
        if isinstance(value, float):
            if not value.is_integer():
                return _bad(column, Reason.BAD_NUMBER, f"{value} is not a whole number")
            value = int(value)
        limit = _RANGE[column.kind]
        if not -limit <= value < limit:
            return _bad(column, Reason.BAD_NUMBER, f"is out of range of {column.kind}")
        return _bad_time(column, value) or value
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    in_range = math.isfinite(value) and abs(value) <= _LARGEST[column.kind]
    return value if in_range else _bad(column, Reason.BAD_NUMBER, f"is out of range of {column.kind}")


def _bad_time(column: Column, value: float) -> RowProblem | None:
    if column.name not in _TIMES or 0 < value < LATEST_S:
        return None
    unit = "in milliseconds, and seconds are wanted" if value >= LATEST_S else "no Unix time in seconds"
    return _bad(column, Reason.BAD_TIME, f"{value} is {unit}")


def _string(column: Column, value: object) -> Value | RowProblem:
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


def _bad(column: Column, reason: Reason, detail: str) -> RowProblem:
    return RowProblem(reason=reason, detail=f"{column.name}: {detail}")
