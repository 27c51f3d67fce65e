"""What an answer of the service means. By error code, never by status: `ThrottlingException` comes as a plain 400."""

from collections.abc import Mapping
from typing import Final, Literal

from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable
from relay.sink.personalize.answers import code_of, object_in

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


def outcome_of(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome of a call that was answered.

    Args:
        status: Of the answer.
        headers: Of the answer, by name in small letters.
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
    """Code and message, empty where there are none."""
    said = object_in(body) or {}
    code, message = code_of(headers, said), said.get("message") or said.get("Message")
    return (
        code.strip()[:100] if isinstance(code, str) else "",
        message[:MAX_MESSAGE_CHARS] if isinstance(message, str) else "",
    )
