"""Values as clients really send them, each read as what it should be, or refused with the contract's reason."""

import math
import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from relay.core import limits
from relay.core.model import Reason
from relay.wire.lenient_json import as_list, as_object, fault, text_fault

Field = Literal[
    "body",
    "origin",
    "authorization",
    "v",
    "token",
    "sessionId",
    "identity",
    "sentAt",
    "seq",
    "lost",
    "eventList",
    "eventId",
    "eventType",
    "itemId",
    "eventValue",
    "properties",
    "recommendationId",
    "impression",
    "metricAttribution",
    "userId",
    "ttl",
    "datasetArn",
    "users",
    "items",
    "actions",
    "trackingId",
    "actionInteractions",
    "actionId",
    "timestamp",
]
"""What answers and the metric name: a closed list, so that nothing a stranger made up gets there."""

MAX_WHOLE: Final = 2**53
"""Past it a number in JSON is not the same number everywhere, so it is nobody's id."""

_NUMBER: Final = re.compile(r"[ \t\r\n]*(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)[ \t\r\n]*")
_MOST_NUMBER_CHARS: Final = 400
_NO_VALUE: Final = frozenset({"null", "undefined", "NaN", "[object Object]"})
"""What a variable without a value turns into as text: as an id it would join strangers."""


class RefusedFieldError(Exception):
    """A field is not what it should be."""

    def __init__(self, reason: Reason, field: Field | None = None, detail: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field: Field | None = field
        """Which one; None while only its value is looked at."""
        self.detail = detail
        """What was understood, where that helps; nothing a person wrote."""


def says_nothing(text: str) -> bool:
    """Whether an id is blank, or what a variable without a value turns into."""
    return text in _NO_VALUE or text.isspace()


def say_something(ids: Sequence[str], *, has_blanks: bool = True) -> bool:
    """Whether none of them `says_nothing`; `has_blanks`: whether there may be a blank in any of them."""
    return _NO_VALUE.isdisjoint(ids) and not (has_blanks and any(map(str.isspace, ids)))


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


def identifier(value: object) -> str:
    """An id: a text that says something, or a whole number, which is its digits.

    Raises:
        RefusedFieldError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text(value)
    if not math.isfinite(value) or abs(value) > MAX_WHOLE:
        raise RefusedFieldError(Reason.BAD_NUMBER)
    if value != int(value):
        raise RefusedFieldError(Reason.BAD_TYPE)
    return str(int(value))


def service_session_id(value: object) -> str:
    """A session id of a backend's: 1 to 256 characters of whatever kind, as the service takes them, or a whole number.

    Raises:
        RefusedFieldError: it is none.
    """
    if not isinstance(value, str):
        return identifier(value)
    if text_fault(value):
        raise RefusedFieldError(Reason.BAD_UNICODE)
    if not value:
        raise RefusedFieldError(Reason.EMPTY)
    if len(value) > limits.MAX_ID_CHARS:
        raise RefusedFieldError(Reason.TOO_LONG)
    return value


def identifiers(value: object) -> list[str]:
    """A list of ids; `null` in it is absent.

    Raises:
        RefusedFieldError: it is none.
    """
    items = as_list(value)
    if items is None:
        raise RefusedFieldError(Reason.BAD_TYPE)
    return [identifier(item) for item in items if item is not None]


def recommendation_id(value: object) -> str:
    """The id of a recommendation, as the service made it.

    Raises:
        RefusedFieldError: it is none.
    """
    return text(value, limits.MAX_RECOMMENDATION_ID_CHARS)


def number(value: object, most: float = math.inf) -> float:
    """A finite number, or a text that is one by the grammar of JSON, blanks around it or not.

    Raises:
        RefusedFieldError: it is none, or larger than `most`.
    """
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value) if len(value) <= _MOST_NUMBER_CHARS else None
        if match is None:
            raise RefusedFieldError(Reason.BAD_NUMBER)
        value = float(match[1])
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedFieldError(Reason.BAD_TYPE)
    try:
        found = float(value)
    except OverflowError:
        raise RefusedFieldError(Reason.BAD_NUMBER) from None
    if not math.isfinite(found) or abs(found) > most:
        raise RefusedFieldError(Reason.BAD_NUMBER)
    return found


def event_value(value: object) -> float:
    """A number the service's 32 bits can hold.

    Raises:
        RefusedFieldError: it is none.
    """
    return number(value, limits.MAX_EVENT_VALUE)


def properties(value: object) -> dict[str, Any] | str:
    """`properties`: an object, or a text, which is looked into later.

    Raises:
        RefusedFieldError: it is something else, or holds what cannot be passed on.
    """
    held = value if isinstance(value, str) else as_object(value)
    if held is None:
        raise RefusedFieldError(Reason.BAD_TYPE)
    found = fault(held)
    if found:
        raise RefusedFieldError(found)
    return held
