"""What each answer of the service means: by code, never by status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.sink.base import Delivered, Refused, Throttled, Unreachable
from relay.sink.outcomes import outcome_of

ID = {"x-amzn-RequestId": "request-1"}


def test_200_with_a_request_id_is_delivered() -> None:
    assert outcome_of(200, CIMultiDict(ID), b"") == Delivered("request-1")


def test_200_without_a_request_id_is_not_delivered() -> None:
    outcome = outcome_of(200, CIMultiDict(), b"<html>Sign in to the airport's network</html>")
    assert isinstance(outcome, Unreachable)
    assert outcome.cause == "service"


def test_a_redirect_is_never_a_success() -> None:
    assert isinstance(outcome_of(302, CIMultiDict(ID), b""), Unreachable)


def test_throttling_is_known_by_its_code_though_it_is_a_400() -> None:
    for where in (
        outcome_of(400, CIMultiDict({**ID, "x-amzn-ErrorType": "ThrottlingException:http://internal/"}), b"{}"),
        outcome_of(400, CIMultiDict(ID), b'{"__type":"com.amazonaws#ThrottlingException","message":"Rate exceeded"}'),
        outcome_of(400, CIMultiDict(ID), b'{"code":"ThrottlingException"}'),
    ):
        assert isinstance(where, Throttled)
        assert where.code == "ThrottlingException"


@pytest.mark.parametrize("code", ["InvalidInputException", "ValidationException", "ValidationError"])
def test_bad_input_is_refused_with_the_services_message(code: str) -> None:
    outcome = outcome_of(400, CIMultiDict({"x-amzn-errortype": code}), b'{"message":"1 validation error"}')
    assert outcome == Refused(code, "1 validation error")


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "UnrecognizedClientException",
        "RequestExpired",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "OptInRequired",
    ],
)
def test_what_credentials_are_to_blame_for_waits_for_a_person(code: str) -> None:
    outcome = outcome_of(403, CIMultiDict({"x-amzn-ErrorType": code}), b"")
    assert isinstance(outcome, Unreachable)
    assert outcome.cause == "credentials"


def test_an_unknown_tracker_is_the_targets_fault_not_the_events() -> None:
    outcome = outcome_of(404, CIMultiDict({"x-amzn-ErrorType": "ResourceNotFoundException"}), b"")
    assert isinstance(outcome, Unreachable)
    assert outcome.cause == "target"


@pytest.mark.parametrize("status", [400, 403, 404, 408, 500, 502, 503, 504, 599])
def test_an_answer_nobody_knows_is_tried_again(status: int) -> None:
    outcome = outcome_of(status, CIMultiDict(), b"<html>Bad Gateway</html>")
    assert outcome == Unreachable(f"HTTP{status}", "", "service")


@given(
    status=st.integers(100, 999),
    headers=st.dictionaries(st.sampled_from(["x-amzn-ErrorType", "x-amzn-RequestId"]), st.text(max_size=30)),
    body=st.binary(max_size=200) | st.sampled_from([b'{"message":{}}', b'{"__type":1}', b"[" * 5000, b'{"code":null}']),
)
def test_no_answer_raises_and_only_a_200_delivers(status: int, headers: dict[str, str], body: bytes) -> None:
    outcome = outcome_of(status, CIMultiDict(headers), body)
    if isinstance(outcome, Delivered):
        assert status == 200
        assert headers["x-amzn-RequestId"]
