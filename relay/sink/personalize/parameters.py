"""Arguments of a call into its body: checked as botocore checks them, then against the limits of the service.

What is in order is found so by msgspec, in C, and by types that are stricter than either check. Whatever those do not
take is looked at again, slowly, by `Complaints`: that one has the last word, and botocore's words for what is wrong.
"""

import decimal
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Final, cast

import msgspec

from relay.sink.personalize.moments import whole_seconds
from relay.sink.personalize.service_model import METHODS, Fields, Listing, Moment, Number, Shape, Text

_ENCODING_FAILS: Final = (msgspec.ValidationError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError)
_MAX_SECONDS: Final = 2**35
"""Some time in the year 3058; what is later, or before 1970, is left to the slow way."""


class BadParametersError(ValueError):
    """The arguments cannot be a call; the message has one line for each fault."""


class Parameters:
    """The arguments of one method.

    Args:
        method: Its name.
        check_limits: Whether maxima, patterns and sizes are looked at, too.
    """

    def __init__(self, method: str, *, check_limits: bool) -> None:
        self._shape = METHODS[method].takes
        self._check_limits = check_limits
        self._write = _writer(self._shape) or dict
        self._least_bytes = _least_bytes(self._shape)
        self._strict = _strict_type(self._shape, "Arguments", check_limits=check_limits)

    def body(self, given: Mapping[str, Any]) -> bytes:
        """The call's body, as botocore would write it.

        Raises:
            BadParametersError: what is wrong, as botocore would say it.
        """
        try:
            msgspec.convert(given, self._strict)
            body = json.dumps(self._write(given)).encode()
            if not self._check_limits or len(body) <= self._least_bytes:
                return body
        except _ENCODING_FAILS:
            pass
        complaints = Complaints(check_limits=self._check_limits)
        complaints.look_at(given, self._shape, "")
        if complaints.lines:
            raise BadParametersError("\n".join(complaints.lines))
        return json.dumps(self._write(given)).encode()


class Complaints:
    """Everything that is wrong, in botocore's order and words; limits it does not know in words like those."""

    def __init__(self, *, check_limits: bool) -> None:
        self._limits = check_limits
        self.lines: list[str] = []

    def look_at(self, value: Any, shape: Shape, name: str) -> None:
        """Note what is wrong with a value and everything in it."""
        if isinstance(shape, Text):
            self._text(value, shape, name)
        elif isinstance(shape, Fields):
            self._fields(value, shape, name)
        elif isinstance(shape, Listing):
            if self._is(value, name, list, tuple):
                self._length(len(value), 1, shape.most, name)
                for place, entry in enumerate(value):
                    self.look_at(entry, shape.of, f"{name}[{place}]")
        elif isinstance(shape, Number):
            self._is(value, name, float, decimal.Decimal, int)
        else:
            self._moment(value, name)

    def _is(self, value: Any, name: str, *types: type) -> bool:
        if isinstance(value, types):
            return True
        self._wrong_type(value, name, [str(one) for one in types])
        return False

    def _wrong_type(self, value: Any, name: str, valid: list[str]) -> None:
        self.lines.append(
            f"Invalid type for parameter {_called(name)}, value: {value}, type: {type(value)}, "
            f"valid types: {', '.join(valid)}"
        )

    def _length(self, length: int, least: int, most: int, name: str) -> None:
        start = f"Invalid length for parameter {_called(name)}, value: {length}, valid"
        if length < least:
            self.lines.append(f"{start} min length: {least}")
        if self._limits and length > most:
            self.lines.append(f"{start} max length: {most}")

    def _text(self, value: Any, shape: Text, name: str) -> None:
        if not self._is(value, name, str):
            return
        self._length(len(value), shape.least, shape.most, name)
        if self._limits and shape.pattern is not None and shape.pattern.fullmatch(value) is None:
            self.lines.append(f"Invalid value for parameter {_called(name)}, valid pattern: {shape.pattern.pattern}")

    def _fields(self, value: Any, shape: Fields, name: str) -> None:
        if not self._is(value, name, dict):
            return
        before = len(self.lines)
        for member in shape.required:
            if member not in value:
                self.lines.append(f'Missing required parameter in {_called(name)}: "{member}"')
        for member in value:
            if member not in shape.members:
                self.lines.append(
                    f'Unknown parameter in {_called(name)}: "{member}", must be one of: {", ".join(shape.members)}'
                )
        for member, entry in value.items():
            if member in shape.members:
                self.look_at(entry, shape.members[member], f"{name}.{member}")
        if self._limits and shape.most_bytes is not None and before == len(self.lines):
            with suppress(OverflowError):  # a number beyond all floats, which has no size; it is told later
                self._size(len(_compact(value, shape)), shape.most_bytes, name)

    def _size(self, size: int, most: int, name: str) -> None:
        if size > most:
            self.lines.append(
                f"Invalid size for parameter {_called(name)}, value: {size} bytes, valid max size: {most} bytes"
            )

    def _moment(self, value: Any, name: str) -> None:
        try:
            whole_seconds(value)
        except (TypeError, ValueError, AttributeError):
            self._wrong_type(value, name, [str(datetime), "timestamp-string"])


def _compact(value: Any, shape: Shape) -> bytes:
    write = _writer(shape)
    plain = value if write is None else write(value)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _called(name: str) -> str:
    return name.removeprefix(".") or "input"


def _writer(shape: Shape) -> Callable[[Any], Any] | None:
    """What gives everything JSON has no form for the form botocore gives it; None where there is nothing like that.

    Members stay in the order they were given in.
    """
    if isinstance(shape, Moment):
        return whole_seconds
    if isinstance(shape, Number):
        return _number
    if isinstance(shape, Listing):
        of = _writer(shape.of)
        return None if of is None else lambda entries: [of(entry) for entry in entries]
    if isinstance(shape, Text):
        return None
    changing = [(name, write) for name, member in shape.members.items() if (write := _writer(member)) is not None]

    def write_fields(given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise TypeError("not a dict")
        written = dict(cast("dict[str, Any]", given))
        for name, write in changing:
            if name in written:
                written[name] = write(written[name])
        return written

    return write_fields if changing else None


def _number(value: Any) -> Any:
    number = float(value) if isinstance(value, decimal.Decimal) else value
    if number in (math.inf, -math.inf):
        return "Infinity" if number > 0 else "-Infinity"
    return "NaN" if math.isnan(number) else number


def _least_bytes(shape: Shape) -> float:
    """A body no longer than this is within every size there is."""
    if isinstance(shape, Listing):
        return _least_bytes(shape.of)
    if isinstance(shape, Fields):
        own = math.inf if shape.most_bytes is None else shape.most_bytes
        return min([own, *map(_least_bytes, shape.members.values())])
    return math.inf


def _strict_type(shape: Shape, name: str, *, check_limits: bool) -> Any:
    """A type of msgspec's that takes nothing the slow check does not."""
    if isinstance(shape, Text):
        if not check_limits:
            return Annotated[str, msgspec.Meta(min_length=shape.least)]
        pattern = None if shape.pattern is None else rf"\A(?:{shape.pattern.pattern})\Z"
        return Annotated[str, msgspec.Meta(min_length=shape.least, max_length=shape.most, pattern=pattern)]
    if isinstance(shape, Number):
        return float
    if isinstance(shape, Moment):
        return Annotated[int, msgspec.Meta(ge=0, le=_MAX_SECONDS)] | float | datetime
    if isinstance(shape, Listing):
        of: Any = _strict_type(shape.of, name, check_limits=check_limits)
        return Annotated[
            list.__class_getitem__(of), msgspec.Meta(min_length=1, max_length=shape.most if check_limits else None)
        ]
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for member, inner in sorted(shape.members.items(), key=lambda one: one[0] not in shape.required):
        of = _strict_type(inner, member.title(), check_limits=check_limits)
        fields.append((member, of) if member in shape.required else (member, of, msgspec.UNSET))
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, gc=False)
