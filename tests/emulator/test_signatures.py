"""Signature Version 4, as unmodified clients make it and as it can be wrong."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from relay.emulator.wire.errors import AwsError
from relay.emulator.wire.sigv4 import SECRET, Verifier, joined_headers
from tests.emulator.raw_client import SENT_AT, SESSION, RawClient, raw_client
from tests.support.clock import FakeClock
from tests.support.emulator import running_emulator

EVENT: Any = {"eventType": "View", "sentAt": SENT_AT, "itemId": "päge ☃"}


async def test_boto3_is_understood_unmodified(raw: RawClient) -> None:
    def put() -> Any:
        client = boto3.client("personalize-events", **raw.running.client_options)
        return client.put_events(trackingId=raw.running.tracking_id, sessionId="boto3", eventList=[EVENT])

    answer = await asyncio.to_thread(put)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RequestId"]
    assert raw.running.events()[-1]["itemId"] == "päge ☃"


async def test_aioboto3_is_understood_unmodified_also_with_a_session_token(raw: RawClient) -> None:
    options = raw.running.client_options | {"aws_session_token": "token/with+signs="}
    async with SESSION.client("personalize-events", **options) as client:
        await client.put_events(trackingId=raw.running.tracking_id, sessionId="aioboto3", eventList=[EVENT])
    assert raw.running.events()[-1]["sessionId"] == "aioboto3"


async def test_any_region_and_access_key_are_known(raw: RawClient) -> None:
    options = raw.running.client_options | {"region_name": "eu-central-1", "aws_access_key_id": "SOMEBODY"}
    async with SESSION.client("personalize-events", **options) as client:
        await client.put_events(trackingId=raw.running.tracking_id, sessionId="s", eventList=[EVENT])
    [*_, call] = raw.running.emulator.calls.after(0)
    assert (call.access_key_id, call.region) == ("SOMEBODY", "eu-central-1")


async def test_the_wrong_secret_is_refused(raw: RawClient) -> None:
    answer = await raw.call("/events", raw.put_events_body(), secret="guess")
    assert (answer.status, answer.code) == (403, "InvalidSignatureException")
    assert "does not match" in answer.message


async def test_a_refused_call_is_remembered_without_a_signer(raw: RawClient) -> None:
    await raw.call("/events", raw.put_events_body(), secret="guess")
    [*_, call] = raw.running.emulator.calls.after(0)
    assert (call.operation, call.taken, call.error) == ("PutEvents", False, "InvalidSignatureException")
    assert call.access_key_id is None


async def test_no_signature_is_a_missing_authentication_token(raw: RawClient) -> None:
    answer = await raw.call("/events", raw.put_events_body(), sign=False)
    assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")


async def test_another_service_in_the_scope_is_refused(raw: RawClient) -> None:
    answer = await raw.call("/events", raw.put_events_body(), service="s3")
    assert (answer.status, answer.code) == (403, "InvalidSignatureException")
    assert "personalize" in answer.message


def _change_body(request: AWSRequest) -> None:
    request.data = (request.data or b"").replace(b"View", b"Vlew")


def _change_path(request: AWSRequest) -> None:
    request.url = str(request.url).replace("/events", "/users")


def _add_query(request: AWSRequest) -> None:
    request.url = f"{request.url}?a=1"


def _add_amz_header(request: AWSRequest) -> None:
    request.headers["X-Amz-Meta"] = "not signed"


def _change_signed_header(request: AWSRequest) -> None:
    request.headers.replace_header("X-Amz-Target", "AmazonPersonalize.Other")


def _drop_signed_header(request: AWSRequest) -> None:
    del request.headers["X-Amz-Target"]


def _claim_body_hash(request: AWSRequest) -> None:
    request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"


def _other_day(request: AWSRequest) -> None:
    date = request.headers["X-Amz-Date"][:8]
    authorization = request.headers["Authorization"].replace(f"/{date}/", "/20200101/")
    request.headers.replace_header("Authorization", authorization)


def _unsign_host(request: AWSRequest) -> None:
    authorization = request.headers["Authorization"].replace("host;", "")
    request.headers.replace_header("Authorization", authorization)


@pytest.mark.parametrize(
    "spoil",
    [
        _change_body,
        _change_path,
        _add_query,
        _add_amz_header,
        _change_signed_header,
        _drop_signed_header,
        _claim_body_hash,
        _other_day,
        _unsign_host,
    ],
)
async def test_a_request_that_was_changed_after_signing_is_refused(
    raw: RawClient, spoil: Callable[[AWSRequest], None]
) -> None:
    answer = await raw.call("/events", raw.put_events_body(), target="Signed", spoil=spoil)
    assert (answer.status, answer.code) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic dXNlcjpwYXNz",
        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/personalize/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=AK, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/personalize/aws4_request, SignedHeaders=host, Signature=zz",
    ],
)
async def test_a_signature_that_is_not_one_is_incomplete(raw: RawClient, authorization: str) -> None:
    answer = await raw.call("/events", b"{}", sign=False, headers={"Authorization": authorization})
    assert (answer.status, answer.code) == (400, "IncompleteSignature")


@pytest.mark.parametrize("amz_date", ["", "yesterday", "20261301T000000Z"])
async def test_a_signature_without_a_proper_time_is_incomplete(raw: RawClient, amz_date: str) -> None:
    def spoil(request: AWSRequest) -> None:
        request.headers.replace_header("X-Amz-Date", amz_date)

    answer = await raw.call("/events", b"{}", spoil=spoil)
    assert (answer.status, answer.code) == (400, "IncompleteSignature")


@pytest.mark.parametrize(
    ("minutes", "expected"), [(14, None), (16, "RequestExpired"), (-14, None), (-16, "RequestExpired")]
)
async def test_a_clock_more_than_fifteen_minutes_off_is_refused(minutes: int, expected: str | None) -> None:
    clock = FakeClock(now_ms=time.time_ns() // 1_000_000)
    async with running_emulator(clock=clock) as running, raw_client(running) as raw:
        clock.step(minutes * 60)
        answer = await raw.put_event()
    assert answer.code == expected
    assert answer.status == (200 if expected is None else 400)


@given(
    query=st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=4),
    header=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20),
    body=st.binary(max_size=50),
    path=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x2FF, exclude_characters="/?#."), min_size=1),
)
def test_what_botocore_signs_holds(query: dict[str, str], header: str, body: bytes, path: str) -> None:
    url = f"http://host/{quote(path)}" + (f"?{urlencode(query)}" if query else "")
    request = AWSRequest("POST", url, data=body, headers={"X-Amz-Meta": header, "Host": "host"})
    SigV4Auth(Credentials("AK", SECRET, "token"), "personalize", "eu-west-3").add_auth(request)
    headers = joined_headers((name.lower().encode(), value.encode()) for name, value in request.headers.items())
    parts = urlsplit(url)
    signer = Verifier().verify(
        method="POST",
        raw_path=parts.path.encode(),
        query=parts.query.encode(),
        headers=headers,
        body=body,
        now_s=time.time(),
    )
    assert signer == ("AK", "eu-west-3")


@given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=200), max_size=8))
def test_no_header_breaks_the_verifier(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(AwsError):
        Verifier().verify(
            method="POST", raw_path=b"/events", query=b"", headers=joined_headers(headers.items()), body=b"", now_s=0
        )


async def test_a_presigned_url_holds_until_it_expires_and_for_its_own_query_only() -> None:
    clock = FakeClock(now_ms=int(time.time() * 1000))
    async with running_emulator(clock=clock) as running, raw_client(running) as raw:
        client = boto3.client("personalize-events", **running.client_options)
        params = {"trackingId": running.tracking_id, "sessionId": "s", "eventList": [EVENT]}
        url = client.generate_presigned_url("put_events", Params=params, ExpiresIn=60)
        path = url.removeprefix(running.url)
        typed = {"Content-Type": "application/json"}
        # The signature holds; the operation's input is the body, which the URL does not carry.
        held = await raw.call(path, b"", sign=False, headers=typed)
        assert held.code == "SerializationException"
        changed = await raw.call(path.replace("sessionId=s", "sessionId=t"), b"", sign=False, headers=typed)
        assert (changed.status, changed.code) == (403, "InvalidSignatureException")
        broken = await raw.call(path.replace("X-Amz-Expires=60", "X-Amz-Expires=x"), b"", sign=False, headers=typed)
        assert broken.code == "IncompleteSignature"
        clock.advance(61 + 1)
        expired = await raw.call(path, b"", sign=False, headers=typed)
        assert expired.code == "RequestExpired"
