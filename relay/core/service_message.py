"""What the service says when it refuses something, without what it quotes: that may be a property's value."""

import re
from typing import Final

MOST_CHARS: Final = 500
"""Of a message that is kept or shown."""
_OPENS: Final = re.compile(r"(?<!\w)['\"]")
_CLOSES: Final = re.compile(r"['\"](?!\w)")
_FIELDS: Final = (
    "eventList", "userId", "sessionId", "trackingId", "properties", "itemId", "eventType", "sentAt",
    "eventId", "impression", "recommendationId", "eventValue", "metricAttribution", "eventAttributionSource",
    "items", "users", "actions", "actionId", "itemProperties",
)  # fmt: skip
_FIELD: Final = re.compile(rf"'(?:\w+\.)*(?:{'|'.join(_FIELDS)})'|\"(?:\w+\.)*(?:{'|'.join(_FIELDS)})\"")
_HIDDEN: Final = "'…'"


def without_values(message: str) -> str:
    """As it may be shown and logged: what stands in quotes is left out, but for names of the service's fields.

    A value may have quotes of its own, and a long message ends somewhere: hidden is from where the first quote opens to
    where the last one closes, and what opens after that and never closes.
    """
    opens = _OPENS.search(message)
    if opens is None:
        return message[:MOST_CHARS]
    closes = [one.end() for one in _CLOSES.finditer(message, opens.end())] if len(message) < MOST_CHARS else []
    end = closes[-1] if closes else len(message)
    hidden, rest = message[opens.start() : end], message[end:]
    fields = _FIELD.findall(hidden)
    if re.search("['\"]", _FIELD.sub("", hidden)):
        hidden = f"{_HIDDEN} at {', '.join(fields)}" if fields else _HIDDEN
    opens_again = _OPENS.search(rest)
    if opens_again is not None:
        rest = rest[: opens_again.start()] + _HIDDEN
    return f"{message[: opens.start()]}{hidden}{rest}"[:MOST_CHARS]
