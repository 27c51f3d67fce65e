"""What a call raises: botocore's own classes, brought in when the first one is needed."""

import ssl
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from relay.sink.personalize.answers import MODELLED
from relay.sink.personalize.connection import HttpError
from relay.sink.personalize.connections import NotSentError, NotSentInTimeError

if TYPE_CHECKING:
    from botocore import exceptions as botocore_errors


class Exceptions(Protocol):
    """What `client.exceptions` is: a class for each error of the model."""

    ClientError: "type[botocore_errors.ClientError]"
    InvalidInputException: "type[botocore_errors.ClientError]"
    ResourceInUseException: "type[botocore_errors.ClientError]"
    ResourceNotFoundException: "type[botocore_errors.ClientError]"

    def from_code(self, error_code: str) -> "type[botocore_errors.ClientError]":
        """The class for a code; `ClientError` where the model does not name it."""
        ...


@cache
def exceptions() -> Exceptions:
    """Made once."""
    from botocore.errorfactory import BaseClientExceptions  # noqa: PLC0415 - not on the way of a call that succeeds
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the same

    made = {name: type(name, (ClientError,), {}) for name in MODELLED}
    kind = type("PersonalizeEventsExceptions", (BaseClientExceptions,), dict(made))
    return cast("Exceptions", kind(made))


def refusal(answer: dict[str, Any], operation: str) -> Exception:
    """The error for an answer of the service that is none of its yes."""
    return exceptions().from_code(answer.get("Error", {}).get("Code", ""))(cast("Any", answer), operation)


def bad_parameters(report: str) -> Exception:
    """The error for arguments that cannot be a call."""
    from botocore.exceptions import ParamValidationError  # noqa: PLC0415 - not on the way of a call that succeeds

    return ParamValidationError(report=report)


def no_answer(error: Exception, url: str) -> Exception:
    """The error for a call that got no answer."""
    from botocore import exceptions as botocore  # noqa: PLC0415 - not on the way of a call that succeeds

    made: Exception
    if isinstance(error, NotSentInTimeError):
        made = botocore.ConnectTimeoutError(endpoint_url=url, error=error)
    elif isinstance(error, TimeoutError):
        made = botocore.ReadTimeoutError(endpoint_url=url, error=error)
    elif isinstance(error, ssl.SSLError):
        made = botocore.SSLError(endpoint_url=url, error=error)
    elif isinstance(error, NotSentError):
        made = botocore.EndpointConnectionError(endpoint_url=url, error=error)
    elif isinstance(error, (HttpError, OSError)):
        made = botocore.ConnectionClosedError(endpoint_url=url, error=error)
    else:
        return error  # of credentials, say: botocore's already
    made.__cause__ = error
    return made


def unknown_method(name: str) -> Exception:
    """The error for a method there is not."""
    from botocore.exceptions import UnknownClientMethodError  # noqa: PLC0415 - not on the way of a call

    return UnknownClientMethodError(method_name=name)


def not_pageable(name: str) -> Exception:
    """The error for a method whose answers have no pages."""
    from botocore.exceptions import OperationNotPageableError  # noqa: PLC0415 - not on the way of a call

    return OperationNotPageableError(operation_name=name)
