"""What an answer of the service means. By error code, never by status: `ThrottlingException` comes as a plain 400."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable

Cause = Literal["network", "service", "credentials", "target"]

MAX_MESSAGE_CHARS: Final = 1000

_THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes botocore's standard retry mode takes for throttling."""

_REFUSED: Final = frozenset(
    {
        "InvalidInputException",
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "MalformedQueryString",
        "MissingParameter",
        "SerializationException",
        "ValidationError",
        "ValidationException",
    }
)

_CAUSES: Final[dict[str, Cause]] = {
    **dict.fromkeys(
        (
            "AuthFailure",
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "TokenRefreshRequired",
            "UnrecognizedClientException",
        ),
        "credentials",
    ),
    **dict.fromkeys(
        (
            "AccessDenied",
            "AccessDeniedException",
            "InvalidAction",
            "NotAuthorized",
            "OptInRequired",
            "ResourceInUseException",
            "ResourceNotFoundException",
            "SubscriptionRequiredException",
            "UnauthorizedOperation",
            "UnknownOperationException",
        ),
        "target",
    ),
}

_ABOUT_THE_TRACKER: Final = ("tracking id", "trackingid", "event tracker", "eventtracker", "datasetarn", "dataset arn")
"""A refusal that names the tracker is no fault of the events. What the service really says then is not documented."""


class _Body(msgspec.Struct):
    """An error's body; codes and messages come under several names."""

    type_: str | None = msgspec.field(default=None, name="__type")
    code: str | None = None
    message: str | None = None
    big_message: str | None = msgspec.field(default=None, name="Message")


_decode: Final = msgspec.json.Decoder(_Body).decode


def judge(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome of a call that was answered.

    Args:
        status: Of the answer.
        headers: Of the answer, by name in any case.
        body: The first 64 KiB of the answer.
    """
    request_id = headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
    if status == 200:
        if request_id:
            return Delivered(request_id)
        return Unreachable("NoRequestId", "an answer 200 without a request id is not the service's", "network")
    if 300 <= status < 400:
        return Unreachable("Redirect", f"the endpoint answers {status}; redirects are not followed", "target")
    code, message = _error_of(headers, body)
    if code in _THROTTLED or (not code and status == 429):
        return Throttled(code or str(status), message)
    if code in _REFUSED:
        if any(name in message.lower() for name in _ABOUT_THE_TRACKER):
            return Unreachable(code, message, "target")
        return Refused(code, message)
    if code in _CAUSES:
        return Unreachable(code, message, _CAUSES[code])
    if status == 413 and not code:
        return Refused("HTTP413", "the call is too large")  # a proxy's; halves may fit
    # An unknown answer is no verdict on the events: they stay.
    return Unreachable(code or f"HTTP{status}", message, "service")


def _error_of(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Code and message: the header first, then `code`, then `__type`."""
    try:
        parsed = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        parsed = _Body()
    name = headers.get("x-amzn-errortype") or parsed.code or parsed.type_ or ""
    code = name.partition(":")[0].rpartition("#")[2].strip()
    return code[:100], (parsed.message or parsed.big_message or "")[:MAX_MESSAGE_CHARS]
