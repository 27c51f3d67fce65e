"""One tree of errors for everything the service, or the way to it, says no with.

Every foreign error is mapped here, at the seam; nothing above meets botocore. The message of each is one line:
what was tried, what the service said, and what to do about it.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import ClassVar, Final

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from relay.core.errors import RelayError
from relay.sink.base import Throttled, Unreachable

_ACTION: Final = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")
"""In what AWS says: `User: ARN is not authorized to perform: personalize:X on resource: ARN because ...`."""


class PersonalizeError(RelayError):
    """Amazon Personalize did not do what was asked."""

    hint: ClassVar[str] = ""
    """What a person can do about it."""
    transient: ClassVar[bool] = False
    """Whether the very same call may succeed in a moment."""

    def __init__(self, message: str, *, operation: str = "", code: str = "") -> None:
        said = " ".join(message.split()).rstrip(".")
        line = f"{operation}: {said}" if operation else said
        super().__init__(f"{line}. {self.hint}" if self.hint else line)
        self.said = said
        """What the far side said, alone."""
        self.operation = operation
        """The call that failed, as the service names it; empty when no call was made."""
        self.code = code
        """The service's error code; empty when there was no answer."""


class InvalidInputError(PersonalizeError):
    """The service does not accept what was sent."""

    hint = "Check names, ARNs and values against the limits of the service"


class BadFileError(InvalidInputError):
    """A file of the user's cannot be read, or not gone on with; the message says what to do about it."""

    hint = ""


class LimitExceededError(PersonalizeError):
    """A quota of the account or of the dataset group is used up."""

    hint = "Delete what is no longer used, or ask for more under Service Quotas > Amazon Personalize"


class ResourceAlreadyExistsError(PersonalizeError):
    """Something of this name exists."""

    hint = "Use it, or choose another name"


class ResourceInUseError(PersonalizeError):
    """The resource, or one it depends on, is being made, changed or used."""

    hint = "Wait until it and what it belongs to are ACTIVE and nothing uses it, then try again"


class ResourceNotFoundError(PersonalizeError):
    """There is no such resource in this account and region."""

    hint = "Check the ARN, and that its region and account are the ones of AWS_REGION and the credentials"


class TooManyTagsError(PersonalizeError):
    """More tags than a resource may have."""

    hint = "Give fewer --tag"


class InvalidNextTokenError(PersonalizeError):
    """The list changed or expired while it was read."""

    hint = "Run the command again"


class AccessDeniedError(PersonalizeError):
    """The credentials are good, but may not do this."""

    hint = "Allow the action `{action}` to this user or role; docs/aws.md has what each command needs"

    def __init__(self, message: str, *, operation: str = "", code: str = "") -> None:
        super().__init__(message, operation=operation, code=code)
        named = _ACTION.search(message)
        self.action = named[1] if named else f"personalize:{operation or '*'}"
        """As policies name it: what the service says is missing, which may be more than the call (`iam:PassRole`)."""
        self.args = (str(self).replace("{action}", self.action),)


class CredentialsError(PersonalizeError):
    """There are no usable AWS credentials."""

    hint = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and check the clock of this machine"


class LoginError(CredentialsError):
    """The login by which credentials come (single sign-on) is over, or never was."""

    hint = "Log in with `aws sso login --profile NAME`, the NAME of AWS_PROFILE"


class CertificateError(PersonalizeError):
    """Whoever answers has no certificate that this machine trusts."""

    hint = "Behind a proxy of your own set AWS_CA_BUNDLE to a file with its certificates, else correct the endpoint"


class NotSubscribedError(PersonalizeError):
    """The account is not open for the service."""

    hint = "No permission helps: the owner of the account finishes its registration in the AWS console"


class UnexpectedAnswerError(PersonalizeError):
    """The service did it, or not, and said so in a way that cannot be understood."""

    hint = "Look at AWS_ENDPOINT_URL_PERSONALIZE, or for a newer personalize-relay"


class RegionError(PersonalizeError):
    """No AWS region, or one that does not exist."""

    hint = "Set AWS_REGION, for example eu-west-1"


class EndpointError(PersonalizeError):
    """The endpoint that is set is not an address."""

    hint = "Check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_PERSONALIZE and AWS_ENDPOINT_URL_PERSONALIZE_EVENTS"


class ThrottledError(PersonalizeError):
    """The service asks to slow down."""

    hint = "Try again in a minute"
    transient = True


class UnreachableError(PersonalizeError):
    """No answer that came from the service."""

    hint = "Check the network, AWS_REGION and the endpoint; the call may be tried again"
    transient = True


class ServiceFailedError(PersonalizeError):
    """The service had a fault of its own."""

    hint = "Try again in a minute"
    transient = True


_BY_CODE: Final[dict[str, type[PersonalizeError]]] = {
    "InvalidInputException": InvalidInputError,
    "ValidationException": InvalidInputError,
    "ValidationError": InvalidInputError,
    "SerializationException": InvalidInputError,
    "LimitExceededException": LimitExceededError,
    "ResourceAlreadyExistsException": ResourceAlreadyExistsError,
    "ResourceInUseException": ResourceInUseError,
    "ResourceNotFoundException": ResourceNotFoundError,
    "TooManyTagsException": TooManyTagsError,
    "TooManyTagKeysException": TooManyTagsError,
    "InvalidNextTokenException": InvalidNextTokenError,
    "Throttling": ThrottledError,
    "ThrottlingException": ThrottledError,
    "ThrottledException": ThrottledError,
    "RequestLimitExceeded": ThrottledError,
    "RequestThrottled": ThrottledError,
    "TooManyRequestsException": ThrottledError,
    "AccessDenied": AccessDeniedError,
    "AccessDeniedException": AccessDeniedError,
    "NotAuthorized": AccessDeniedError,
    "OptInRequired": NotSubscribedError,
    "SubscriptionRequiredException": NotSubscribedError,
    "UnauthorizedOperation": AccessDeniedError,
    "ExpiredToken": CredentialsError,
    "ExpiredTokenException": CredentialsError,
    "IncompleteSignature": CredentialsError,
    "IncompleteSignatureException": CredentialsError,
    "InvalidClientTokenId": CredentialsError,
    "InvalidSignatureException": CredentialsError,
    "MissingAuthenticationToken": CredentialsError,
    "MissingAuthenticationTokenException": CredentialsError,
    "RequestExpired": CredentialsError,
    "SignatureDoesNotMatch": CredentialsError,
    "UnrecognizedClientException": CredentialsError,
}
"""Error code → class. By code, never by HTTP status: throttling comes as a plain 400."""

_BY_NAME: Final[dict[str, type[PersonalizeError]]] = {
    **dict.fromkeys(("SSLCertVerificationError", "ClientConnectorCertificateError"), CertificateError),
    **dict.fromkeys(("SSOTokenLoadError", "UnauthorizedSSOTokenError", "TokenRetrievalError"), LoginError),
    "NoRegionError": RegionError,
}
"""Name of an error of this machine's → class: what a sink calls it by."""

_NO_CREDENTIALS: Final = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.MetadataRetrievalError,
    aws.ProfileNotFound,
)
_NO_LOGIN: Final = (aws.NoAuthTokenError, aws.SSOError, aws.TokenRetrievalError)
_NO_REGION: Final = (aws.NoRegionError, aws.InvalidRegionError, aws.UnknownRegionError)


@contextmanager
def mapped_errors(operation: str = "") -> Generator[None, None, None]:
    """Let no error of botocore out: each becomes one of this module's, with the original as its cause."""
    try:
        yield
    except aws.ClientError as error:
        raise _from_answer(error, operation) from error
    except _NO_LOGIN as error:
        raise LoginError(str(error), operation=operation) from error
    except _NO_CREDENTIALS as error:
        raise CredentialsError(str(error), operation=operation) from error
    except _NO_REGION as error:
        raise RegionError(str(error), operation=operation) from error
    except aws.ParamValidationError as error:
        raise InvalidInputError(str(error), operation=operation) from error
    except aws.SSLError as error:
        raise CertificateError(str(error), operation=operation) from error
    except (aws.HTTPClientError, aws.ConnectionError, aws.IncompleteReadError, TimeoutError) as error:
        raise UnreachableError(str(error) or "no answer in time", operation=operation) from error
    except ResponseParserError as error:
        said = "the answer is not one of Amazon Personalize (a proxy, or a wrong endpoint)"
        raise UnreachableError(said, operation=operation) from error
    except aws.BotoCoreError as error:
        raise PersonalizeError(str(error), operation=operation) from error


def confirmed(request_id: str | None, operation: str) -> None:
    """Refuse an answer without a request id: a 200 of a proxy or a captive portal is no success.

    Raises:
        UnreachableError: there is no request id.
    """
    if not request_id:
        raise UnreachableError("a 200 without a request id did not come from Amazon Personalize", operation=operation)


def error_of(outcome: Throttled | Unreachable, operation: str) -> PersonalizeError:
    """What kept a sink from delivering, as an error of this tree."""
    code, said = outcome.code, outcome.message or outcome.code
    if isinstance(outcome, Throttled):
        return ThrottledError(said, operation=operation, code=code)
    by_cause = {
        "credentials": CredentialsError,
        "network": UnreachableError,
        "service": ServiceFailedError,
        "target": PersonalizeError,
    }
    kind = _BY_CODE.get(code) or _BY_NAME.get(code) or by_cause[outcome.cause]
    return kind(said, operation=operation, code=code)


def _from_answer(error: aws.ClientError, operation: str) -> PersonalizeError:
    # A dict of botocore's; a fault on the way may leave any of it out.
    details = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(details.get("Code", ""))
    said = str(details.get("Message") or code or "no reason given")
    kind = _BY_CODE.get(code)
    if kind is None:
        if status == 429:
            kind = ThrottledError
        elif status >= 500:
            kind = ServiceFailedError
        elif status < 400:
            kind = UnreachableError
        else:
            kind = PersonalizeError
            said = f"{said} ({code or status})"
    return kind(said, operation=operation, code=code)
