"""`properties`: a JSON object written as a string, with a key for each column of the schema."""

import re
from functools import lru_cache
from typing import Any, Final

import msgspec

from relay.core import limits
from relay.emulator.wire.errors import invalid

_CAMEL_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

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


def column_name(key: str) -> str:
    """The schema's column of a key of `properties`: `numRatings` is NUM_RATINGS."""
    return _CAMEL_HUMP.sub("_", key).upper()


def key_of(column: str) -> str:
    """The key of a column: NUM_RATINGS is `numRatings`."""
    first, *rest = column.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)


def folded(name: str) -> str:
    """A column or its key in the one form in which they are compared: `numRatings` and NUM_RATINGS are NUMRATINGS."""
    return name.replace("_", "").upper()


@lru_cache(maxsize=50_000)
def folded_properties(text: str) -> dict[str, Any]:
    """The object in the string by `folded` key; not to be changed. Empty for an empty string."""
    return {folded(key): value for key, value in _decode(text).items()} if text else {}
