"""`properties`: a JSON object written as a string."""

from typing import Any

import msgspec

from relay.core import limits
from relay.emulator.wire.errors import invalid

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def parse_properties(text: str) -> dict[str, Any]:
    """The object in the string; `AwsError` when there is none."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        raise invalid("Error parsing properties json") from None


def check_event_properties(text: str) -> None:
    """Refuse what is not an object, and the keys that are fields of their own, in any case."""
    for key in parse_properties(text):
        if key.lower() in limits.RESERVED_PROPERTY_KEYS:
            raise invalid(f"'{key}' can't be included as a keyword for properties.")
