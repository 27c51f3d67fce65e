"""`properties`: an object, or a text holding one, as the compact text the service wants.

Names that may not be in it are left out alone. A text is refused by its length and by what is in it before it is
parsed: whatever a stranger nests, looking at it takes next to no time.
"""

from typing import Any, Final

import msgspec

from relay.core import limits
from relay.core.model import Reason
from relay.wire.lenient_json import as_object, fault, parse

_MOST_TEXT_CHARS: Final = 6
"""Times the limit that a text may be before its blanks and escapes are gone: `\\u00fc` is one character."""
_MARKS: Final = '[]{}",:'

_encode: Final = msgspec.json.Encoder().encode


class PropertyNames(msgspec.Struct, frozen=True):
    """Which top-level properties may enter the spool, by name in lower case."""

    allow: frozenset[str] | None = None
    """Only these; None: any."""
    deny: frozenset[str] = frozenset()
    """None of these, whatever `allow` says."""

    def denies(self, name: str) -> bool:
        """Whether a property of this name, in lower case, stays out."""
        return name in self.deny or (self.allow is not None and name not in self.allow)


ANY_NAME: Final = PropertyNames()


class Packed(msgspec.Struct, frozen=True):
    """Properties as one text, and why some of them are missing there."""

    text: str
    left_out: tuple[Reason, ...] = ()
    """`reserved_key`, `denied`."""


def packed_properties(
    properties: dict[str, Any] | str,
    *,
    most_chars: int = limits.MAX_EVENT_PROPERTIES_CHARS,
    reserved: frozenset[str] = limits.RESERVED_PROPERTY_KEYS,
    names: PropertyNames = ANY_NAME,
) -> Packed | Reason:
    """The text, or why there is none.

    Characters outside ASCII stay as they are: the limit counts the string, in which an escape would count six times.

    Args:
        properties: Of an event, a user, an item or an action.
        most_chars: The service's limit.
        reserved: Names the service keeps to itself.
        names: Which of the rest may pass.
    """
    held = properties if isinstance(properties, dict) else _held(properties, most_chars)
    if not isinstance(held, dict):
        return held
    left_out: tuple[Reason, ...] = ()
    for name in held:
        if name.lower() in reserved:
            left_out = (Reason.RESERVED_KEY,)
            held = {name: value for name, value in held.items() if name.lower() not in reserved}
            break
    if names is not ANY_NAME and any(names.denies(name.lower()) for name in held):
        left_out += (Reason.DENIED,)
        held = {name: value for name, value in held.items() if not names.denies(name.lower())}
    try:
        text = _encode(held).decode()
    except RecursionError:
        return Reason.TOO_LONG  # far deeper than any limit is long
    return Reason.TOO_LONG if len(text) > most_chars else Packed(text, left_out)


def _held(properties: str, most_chars: int) -> dict[str, Any] | Reason:
    if not properties or properties.isspace():
        return Reason.EMPTY
    # Each of these marks is still there in the compact text, escaped ones aside, so more of them cannot fit.
    if len(properties) > _MOST_TEXT_CHARS * most_chars or sum(map(properties.count, _MARKS)) > most_chars:
        return Reason.TOO_LONG
    try:
        held = parse(properties)
    except ValueError:
        return Reason.BAD_TYPE
    found = fault(held)
    if found:
        return found
    members = as_object(held)
    return Reason.BAD_TYPE if members is None else members
