"""JSON as clients really send it: everything the standard library reads, with the traps defused.

Numbers that are none (NaN, Infinity, 1e999) become `inf` or `nan`, absurdly long integers `inf`, whatever nests
too deeply `TOO_DEEP`, and lone surrogates stay in their strings: `fault` finds all of these, so that the value that
holds one can be refused without its neighbours.
"""

import json
import math
import re
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final, cast

from relay.core.limits import MAX_EVENT_PROPERTIES_CHARS
from relay.core.model import Reason

MAX_DEPTH: Final = 300
"""Levels of nesting that are read. Deeper values could not fit into a property string of 1024 much longer anyway."""

_MARK: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.DOTALL)
_DEEP: Final = "1E0000000999999"
"""Stands in the text for what was cut out; whoever writes it in earnest gets the same verdict."""


class _TooDeep:
    """Type of `TOO_DEEP`."""


TOO_DEEP: Final = _TooDeep()
"""In place of a value that nests too deeply."""


def parse(text: str) -> Any:
    """Read JSON.

    Raises:
        ValueError: it is not JSON, even with tolerance.
    """
    if text.count("[") + text.count("{") > MAX_DEPTH:
        text = _without_depths(text)
    try:
        return json.loads(text, parse_int=_int, parse_float=_float, parse_constant=float)
    except RecursionError:  # cannot be, but for a caller deep in its own stack
        raise ValueError("nests too deeply") from None


def fault(value: object) -> Reason | None:
    """Why a parsed value cannot be passed on, or None."""
    if isinstance(value, str):
        return text_fault(value)
    if isinstance(value, float):
        return None if math.isfinite(value) else Reason.BAD_NUMBER
    if isinstance(value, _TooDeep):
        return Reason.TOO_LONG
    parts: Iterable[object] = as_list(value) or ()
    members = as_object(value)
    if members is not None:
        parts = chain.from_iterable(members.items())
    return next((found for part in parts if (found := fault(part))), None)


def as_object(value: object) -> dict[str, Any] | None:
    """A parsed value, if it is an object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    """A parsed value, if it is an array."""
    return cast("list[object]", value) if isinstance(value, list) else None


def text_fault(text: str) -> Reason | None:
    """`bad_unicode` for text with a lone surrogate or NUL, which no storage keeps as it is."""
    if "\0" in text:
        return Reason.BAD_UNICODE
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return Reason.BAD_UNICODE
    return None


def _int(digits: str) -> int | float:
    # Past this length it is too long for any field; and converting costs the square of the length.
    return int(digits) if len(digits) <= MAX_EVENT_PROPERTIES_CHARS else math.inf


def _float(digits: str) -> Any:
    return TOO_DEEP if digits == _DEEP else float(digits)


def _without_depths(text: str) -> str:
    """The text with each value deeper than `MAX_DEPTH` cut out, in one pass."""
    kept: list[str] = []
    depth = start = 0
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept += (text[start : match.start()], _DEEP)
        elif mark in "]}":
            depth -= 1
            if depth == MAX_DEPTH:
                start = match.end()
        elif mark == '"':
            raise ValueError("a string without an end")
    if depth > MAX_DEPTH:
        raise ValueError("brackets without an end")
    return "".join((*kept, text[start:]))
