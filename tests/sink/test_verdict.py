"""What each error of the service means, by code and in every place a code may stand."""

import pytest

from relay.sink.base import Outcome, Refused, Throttled, Unreachable
from relay.sink.personalize.verdict import outcome_of


def verdict(code: str, status: int = 400, message: str = "m") -> Outcome:
    return outcome_of(status, {"x-amzn-requestid": "r"}, f'{{"__type":"{code}","message":"{message}"}}'.encode())


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
def test_the_code_decides_whatever_the_status(status: int) -> None:
    assert verdict("ThrottlingException", status) == Throttled("ThrottlingException", "m")
    assert verdict("InvalidInputException", status) == Refused("InvalidInputException", "m")


@pytest.mark.parametrize("code", ["TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "Throttling"])
def test_every_name_of_throttling_is_throttling(code: str) -> None:
    assert isinstance(verdict(code), Throttled)


@pytest.mark.parametrize(
    "code",
    [
        "ExpiredTokenException",
        "InvalidSignatureException",
        "RequestTimeTooSkewed",
        "UnrecognizedClientException",
        "RequestExpired",
    ],
)
def test_credentials_are_to_blame(code: str) -> None:
    outcome = verdict(code)
    assert isinstance(outcome, Unreachable)
    assert outcome.cause == "credentials"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "NotAuthorized"])
def test_the_target_is_to_blame(code: str) -> None:
    outcome = verdict(code, 404)
    assert isinstance(outcome, Unreachable)
    assert outcome.cause == "target"


def test_a_refusal_that_names_the_tracker_does_not_blame_the_events() -> None:
    outcome = verdict("InvalidInputException", message="Invalid tracking ID: abc")
    assert isinstance(outcome, Unreachable)
    assert outcome.cause == "target"


@pytest.mark.parametrize(
    ("status", "code"), [(500, "InternalFailure"), (503, "ServiceUnavailable"), (418, "NeverHeardOfException")]
)
def test_an_unknown_answer_is_no_verdict_on_the_events(status: int, code: str) -> None:
    assert verdict(code, status) == Unreachable(code, "m", "service")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/"}, b""),
        ({"x-amzn-errortype": "ThrottlingException"}, b'{"__type":"Other"}'),
        ({}, b'{"code":"ThrottlingException"}'),
        ({}, b'{"__type":"com.amazonaws.personalize#ThrottlingException"}'),
    ],
)
def test_the_code_is_found_wherever_it_stands(headers: dict[str, str], body: bytes) -> None:
    assert isinstance(outcome_of(400, headers, body), Throttled)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"__type":7}', b"\xff\xfe", b"{" * 10_000])
def test_a_body_that_makes_no_sense_is_survived(body: bytes) -> None:
    assert outcome_of(400, {}, body) == Unreachable("HTTP400", "", "service")
    assert outcome_of(429, {}, body) == Throttled("429", "")
