"""Bodies to typed input, and msgspec's complaints to the service's words.

A body that is not JSON, or a value of the wrong type, is a SerializationException; a member that is missing, unknown,
too long, too many or out of range is an InvalidInputException that names it.
"""

import re
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from relay.core import limits
from relay.emulator.wire.errors import AwsError, invalid

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
_WRONG_TYPE: Final = re.compile(r"Expected `[^`]*`, got |Invalid enum value|Number out of range")
_INDEX: Final = re.compile(r"\[(\d+)\]")


class Input(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False, omit_defaults=True):
    """Base of every operation's input and its parts: names on the wire are camelCase, unknown ones are refused."""


class BodyDecoder(Generic[T]):
    """Reads bodies of one operation."""

    def __init__(self, input_type: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(input_type)

    def __call__(self, body: bytes) -> T:
        """The input; `AwsError` when the body does not hold one."""
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise _refusal(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise AwsError("SerializationException", f"The body is not JSON: {error}") from None


def _refusal(complaint: str) -> AwsError:
    match = _WHERE.fullmatch(complaint)
    what, path = (match["what"], match["path"]) if match else (complaint, "")
    where = _INDEX.sub(lambda index: f".{int(index[1]) + 1}.member", path).lstrip(".") or "request"
    if _WRONG_TYPE.match(what):
        return AwsError("SerializationException", f"{what} at '{where}'")
    return invalid(f"1 validation error detected: Value at '{where}' failed to satisfy constraint: {what}")
