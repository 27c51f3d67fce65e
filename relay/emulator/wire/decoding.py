"""Bodies to typed input, and msgspec's complaints to the service's words.

A body that is not JSON, or a value of the wrong type, is a SerializationException; a member that is missing, too long,
too many or out of range is an InvalidInputException that names it. A member that is `null` is one that is not there,
and members nobody knows are skipped, as the service's protocols have it (botocore's and smithy's readers do the same
to answers); both are told to the caller, who counts them.
"""

import re
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from relay.core import limits
from relay.emulator.wire.errors import AwsError, invalid
from relay.emulator.wire.lenient import Overlooked, without_surplus

Text256 = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID_CHARS)]
"""Every id and event type."""
RecommendationId = Annotated[str, Meta(min_length=1, max_length=limits.MAX_RECOMMENDATION_ID_CHARS)]
Impression = Annotated[list[Text256], Meta(min_length=1, max_length=limits.MAX_IMPRESSION_ITEMS)]
EventProperties = Annotated[str, Meta(min_length=1, max_length=limits.MAX_EVENT_PROPERTIES_CHARS)]
ItemProperties = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ITEM_PROPERTIES_CHARS)]
UserProperties = Annotated[str, Meta(min_length=1, max_length=limits.MAX_USER_PROPERTIES_CHARS)]
Arn = Annotated[str, Meta(max_length=limits.MAX_DATASET_ARN_CHARS, pattern=f"^{limits.ARN_PATTERN.pattern}\\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=63, pattern=f"^{limits.RESOURCE_NAME_PATTERN.pattern}\\Z")]

T = TypeVar("T")

_WHERE: Final = re.compile(r"(?P<what>.*) - at `\$(?P<path>.*)`", re.DOTALL)
_WRONG_TYPE: Final = re.compile(r"Expected `[^`]*`, got |Number out of range")
_INDEX: Final = re.compile(r"\[(\d+|\.\.\.)\]")

_decode_any = msgspec.json.Decoder().decode


class Input(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False, omit_defaults=True):
    """Base of every operation's input and its parts: names on the wire are camelCase.

    An unknown member sends the body the longer way, where it is skipped and told.
    """


class BodyDecoder(Generic[T]):
    """Reads bodies of one operation."""

    def __init__(self, input_type: type[T]) -> None:
        self._type = input_type
        self._decoder = msgspec.json.Decoder(input_type)

    def __call__(self, body: bytes) -> T:
        """The input; `AwsError` when the body does not hold one."""
        return self.read(body)[0]

    def read(self, body: bytes) -> tuple[T, Overlooked]:
        """The input, and the members that were passed over; `AwsError` when the body does not hold one."""
        try:
            return self._decoder.decode(body), ()
        except msgspec.ValidationError as error:
            complaint = str(error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise AwsError("SerializationException", f"The body is not JSON: {error}") from None
        return self._leniently(body, complaint)

    def _leniently(self, body: bytes, complaint: str) -> tuple[T, Overlooked]:
        try:
            whole, overlooked = without_surplus(_decode_any(body), self._type)
        except (msgspec.DecodeError, RecursionError):
            raise _refusal(complaint) from None
        if not overlooked:
            raise _refusal(complaint)
        return checked(whole, self._type), overlooked


def checked(value: Any, input_type: type[T]) -> T:
    """A value as one of a type; InvalidInputException where it is none."""
    try:
        return msgspec.convert(value, input_type)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None


def _refusal(complaint: str) -> AwsError:
    match = _WHERE.fullmatch(complaint)
    what, path = (match["what"], match["path"]) if match else (complaint, "")
    where = _INDEX.sub(lambda index: f".{_ordinal(index[1])}.member", path).lstrip(".") or "request"
    if _WRONG_TYPE.match(what):
        return AwsError("SerializationException", f"{what} at '{where}'")
    return invalid(f"1 validation error detected: Value at '{where}' failed to satisfy constraint: {what}")


def _ordinal(index: str) -> str:
    return str(int(index) + 1) if index.isdecimal() else "any"
