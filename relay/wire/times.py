"""Times as backends write them, and as people read them."""

from datetime import UTC, datetime
from typing import Final

from relay.core.model import Reason
from relay.wire.values import RefusedFieldError, number

SECONDS_BELOW: Final = 1e11
"""A number below it is seconds: in milliseconds it would be before 1973."""

UNDERSTOOD: Final = "a time is milliseconds, seconds (a number below 100000000000) or ISO 8601 text"


def backend_time_ms(value: object) -> float:
    """Milliseconds since 1970 of a time in milliseconds, in seconds (a number below 10^11) or in ISO 8601.

    A text without an offset is UTC.

    Raises:
        RefusedFieldError: it is no time.
    """
    try:
        found = number(value)
    except RefusedFieldError:
        return _from_text(value)
    return found * 1000 if found < SECONDS_BELOW else found


def in_words(at_ms: float) -> str:
    """The moment, for a person: what a time was understood as."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms / 1000:.6g} seconds after 1970"


def _from_text(value: object) -> float:
    if not isinstance(value, str):
        raise RefusedFieldError(Reason.BAD_TIME, detail=UNDERSTOOD)
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise RefusedFieldError(Reason.BAD_TIME, detail=UNDERSTOOD) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp() * 1000
    except (ValueError, OverflowError):
        raise RefusedFieldError(Reason.BAD_TIME, detail=UNDERSTOOD) from None
