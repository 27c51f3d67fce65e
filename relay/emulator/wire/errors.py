"""What goes over the wire besides the operations' own data: errors, statuses, request ids."""

import random
from collections.abc import Mapping
from typing import Final

STATUS_OF: Final[Mapping[str, int]] = {
    "AccessDeniedException": 400,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 400,
    "InternalFailure": 500,
    "InvalidClientTokenId": 403,
    "InvalidInputException": 400,
    "InvalidNextTokenException": 400,
    "InvalidSignatureException": 403,
    "LimitExceededException": 400,
    "MissingAuthenticationToken": 403,
    "NotAuthorized": 400,
    "OptInRequired": 403,
    "RequestEntityTooLargeException": 413,
    "RequestExpired": 400,
    "ResourceAlreadyExistsException": 400,
    "ResourceInUseException": 400,
    "ResourceNotFoundException": 400,
    "SerializationException": 400,
    "ServiceUnavailable": 503,
    "ThrottlingException": 400,
    "TooManyTagKeysException": 400,
    "TooManyTagsException": 400,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "ValidationError": 400,
}
"""HTTP status of each error code: the service's list of common errors, then its models. Where the models give no
status (the control plane), 400."""

DATA_PLANE_STATUS_OF: Final[Mapping[str, int]] = {"ResourceNotFoundException": 404, "ResourceInUseException": 409}
"""Codes that `personalize-events` and `personalize-runtime` model with another status than the control plane."""

_CORAL_SUFFIX: Final = ":http://internal.amazon.com/coral/com.amazonaws.personalize/"


class AwsError(Exception):
    """A call refused the way the service refuses it."""

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        """None: the one that `STATUS_OF` gives, or `DATA_PLANE_STATUS_OF` on the data plane."""


def invalid(message: str) -> AwsError:
    """InvalidInputException: the one error every operation models."""
    return AwsError("InvalidInputException", message)


def not_found(message: str) -> AwsError:
    """ResourceNotFoundException."""
    return AwsError("ResourceNotFoundException", message)


def in_use(message: str) -> AwsError:
    """ResourceInUseException."""
    return AwsError("ResourceInUseException", message)


def status_of(error: AwsError, *, control_plane: bool) -> int:
    """The HTTP status the error goes out with."""
    if error.status is not None:
        return error.status
    if not control_plane and error.code in DATA_PLANE_STATUS_OF:
        return DATA_PLANE_STATUS_OF[error.code]
    return STATUS_OF.get(error.code, 400)


def error_type_header(code: str) -> bytes:
    """Value of `x-amzn-ErrorType`: the code, and after a colon what every client must cut off."""
    return (code + _CORAL_SUFFIX).encode()


class RequestIds:
    """Unique ids of the shape of a UUID: random at the front, counting at the end, which costs next to nothing."""

    def __init__(self, rng: random.Random) -> None:
        bits = rng.getrandbits(80)
        head = f"{bits:020x}"
        self._prefix = f"{head[:8]}-{head[8:12]}-{head[12:16]}-{head[16:20]}-"
        self._count = 0

    def next(self) -> str:
        """Another id, never given before by this object."""
        self._count += 1
        return f"{self._prefix}{self._count:012x}"
