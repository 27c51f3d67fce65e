"""Points in time as botocore reads and writes them: whole seconds since the epoch, the fraction cut off."""

import calendar
import re
from datetime import UTC, datetime
from typing import Any, Final, cast

_ISO_8601: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?(Z|[+-]\d\d:\d\d)?")
_SAFE_SECONDS: Final = 2**35
"""Whole numbers up to this are what they say, whatever the machine's time zone."""


def whole_seconds(value: Any) -> int:
    """The second in which `value` is.

    Args:
        value: A `datetime` (without a zone it is UTC), a number of seconds, or a text: ISO 8601, or whatever else
            botocore reads.

    Raises:
        ValueError, TypeError, AttributeError: it is none of these.
        RuntimeError, OverflowError: no calendar has it; botocore lets these through as well.
    """
    if type(value) is int and 0 <= value <= _SAFE_SECONDS:
        return value
    if isinstance(value, datetime):
        return _second_of(value)
    if type(value) is float and 0 <= value <= _SAFE_SECONDS:
        return _second_of(datetime.fromtimestamp(value, UTC))
    if type(value) is str and _ISO_8601.fullmatch(value):
        return _second_of(datetime.fromisoformat(value))
    from botocore.utils import parse_to_aware_datetime  # noqa: PLC0415 - rare, and its word is what counts

    return _second_of(parse_to_aware_datetime(cast("str", value)))


def _second_of(moment: datetime) -> int:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return calendar.timegm(aware.timetuple())
