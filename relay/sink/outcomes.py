"""What an answer of the service means. By error code, never by status: throttling comes as a 400."""

from collections.abc import Mapping
from typing import Final

import msgspec

from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable

MAX_ANSWER_BYTES: Final = 64 * 1024
"""More of an answer is not read: the service's are empty or one line."""

_MAX_MESSAGE_CHARS: Final = 500

_THROTTLED: Final = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "BandwidthLimitExceeded",
        "SlowDown",
    }
)
_REFUSED: Final = frozenset(
    {"InvalidInputException", "ValidationException", "ValidationError", "SerializationException"}
)
_CREDENTIALS: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnauthorizedException",
        "UnrecognizedClientException",
    }
)
_TARGET: Final = frozenset({"ResourceNotFoundException", "UnknownOperationException"})


class _ErrorBody(msgspec.Struct):
    code: object = None
    type_: object = msgspec.field(default=None, name="__type")
    message: object = None
    Message: object = None  # some front doors of AWS spell it so


_decoder: Final = msgspec.json.Decoder(_ErrorBody)


def outcome_of(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Judge one answer.

    Args:
        status: Of the HTTP answer.
        headers: Case-insensitive.
        body: Its first `MAX_ANSWER_BYTES`.
    """
    if status == 200:
        request_id = headers.get("x-amzn-RequestId") or headers.get("x-amz-request-id")
        if request_id:
            return Delivered(request_id)
        # A captive portal or a proxy's own page: nobody at AWS has seen the events.
        return Unreachable("NoRequestId", "200 without a request id: not an answer of AWS", "service")
    if 300 <= status < 400:
        return Unreachable(f"HTTP{status}", "a redirect, which is never followed", "service")
    code, message = _error(headers, body)
    if code in _THROTTLED or status == 429:
        return Throttled(code or f"HTTP{status}", message)
    if code in _REFUSED:
        return Refused(code, message)
    if code in _CREDENTIALS:
        return Unreachable(code, message, "credentials")
    if code in _TARGET:
        return Unreachable(code, message, "target")
    if status == 413:
        return Refused("HTTP413", "the call is too large")
    return Unreachable(code or f"HTTP{status}", message, "service")


def _error(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    try:
        parsed = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        parsed = _ErrorBody()
    named = headers.get("x-amzn-ErrorType") or parsed.code or parsed.type_
    code = named.partition(":")[0].rpartition("#")[2].strip()[:100] if isinstance(named, str) else ""
    text = parsed.message or parsed.Message
    return code, text[:_MAX_MESSAGE_CHARS] if isinstance(text, str) else ""
