"""The sink against endpoints that lie, hang, vanish and refuse: what each means for the events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioboto3
import pytest

from relay.core.errors import RelayError
from relay.core.model import Batch, Operation, Piece, Record, SessionKey
from relay.emulator import SECRET
from relay.sink.base import Delivered, Refused, Throttled, Unreachable
from relay.sink.personalize.sink import PersonalizeSink
from tests.support.batches import batch
from tests.support.emulator import running_emulator
from tests.support.raw_server import REQUEST_ID, Handler, RawServer, http_answer, raw_server, saying


def session(secret: str = SECRET) -> aioboto3.Session:
    return aioboto3.Session(aws_access_key_id="AKIDTEST", aws_secret_access_key=secret, region_name="us-east-1")


@asynccontextmanager
async def sink_to(handler: Handler, deadline_s: float = 5.0) -> AsyncIterator[tuple[PersonalizeSink, RawServer]]:
    async with (
        raw_server(handler) as server,
        PersonalizeSink(session=session(), endpoint_url=server.url, deadline_s=deadline_s) as sink,
    ):
        yield sink, server


async def test_a_batch_arrives_at_the_emulator_signed_and_byte_for_byte() -> None:
    async with (
        running_emulator() as emulator,
        PersonalizeSink(session=session(), endpoint_url=emulator.url) as sink,
    ):
        outcome = await sink.deliver(batch(10, user_id="über#1", target=emulator.tracking_id))
        assert isinstance(outcome, Delivered)
        (body,) = emulator.bodies()
        assert (body["trackingId"], body["userId"]) == (emulator.tracking_id, "über#1")
        assert [event["eventId"] for event in body["eventList"]] == [f"e{n}" for n in range(1, 11)]


async def test_an_anonymous_batch_has_no_user_id_at_all() -> None:
    async with sink_to(saying(http_answer("200 OK"))) as (sink, server):
        assert isinstance(await sink.deliver(batch()), Delivered)
        sent = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
        assert set(sent) == {"trackingId", "sessionId", "eventList"}


@pytest.mark.parametrize(
    ("operation", "path", "fields"),
    [
        (Operation.PUT_USERS, "/users", {"datasetArn", "users"}),
        (Operation.PUT_ITEMS, "/items", {"datasetArn", "items"}),
        (Operation.PUT_ACTIONS, "/actions", {"datasetArn", "actions"}),
        (Operation.PUT_ACTION_INTERACTIONS, "/action-interactions", {"trackingId", "actionInteractions"}),
    ],
)
async def test_the_other_operations_go_to_their_paths(operation: Operation, path: str, fields: set[str]) -> None:
    target = "tid" if operation is Operation.PUT_ACTION_INTERACTIONS else "arn:aws:personalize:us-east-1:1:dataset/x/Y"
    key = SessionKey(operation, target, "")
    async with sink_to(saying(http_answer("200 OK"))) as (sink, server):
        record = Record(1, key, None, b'{"userId":"u"}', (14,), 0, 1)
        outcome = await sink.deliver(Batch(key, None, (Piece(record, 1),)))
        assert outcome == Delivered("7b1c")
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(f"POST {path} ".encode())
        assert set(json.loads(body)) == fields


async def test_a_wrong_secret_is_a_fault_of_credentials() -> None:
    async with (
        running_emulator() as emulator,
        PersonalizeSink(session=session("wrong"), endpoint_url=emulator.url) as sink,
    ):
        outcome = await sink.deliver(batch(target=emulator.tracking_id))
        assert isinstance(outcome, Unreachable)
        assert outcome.cause == "credentials"


async def test_new_credentials_are_taken_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_emulator() as emulator:
        for name, value in emulator.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "expired")
        async with PersonalizeSink() as sink:
            failed = await sink.deliver(batch(target=emulator.tracking_id))
            assert isinstance(failed, Unreachable)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", emulator.env["AWS_SECRET_ACCESS_KEY"])
            assert isinstance(await sink.deliver(batch(target=emulator.tracking_id)), Delivered)


async def test_no_credentials_at_all_is_a_fault_of_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    async with PersonalizeSink() as sink:
        assert await sink.deliver(batch()) == Unreachable(
            "NoCredentialsError", "Unable to locate credentials", "credentials"
        )


async def test_without_a_region_the_sink_does_not_open() -> None:
    with pytest.raises(RelayError, match="region"):
        await PersonalizeSink().__aenter__()


async def test_a_profile_that_does_not_exist_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RelayError, match="nobody"):
        await PersonalizeSink().__aenter__()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_no_redirect_is_followed(status: str) -> None:
    async with (
        raw_server(saying(http_answer("200 OK"))) as elsewhere,
        sink_to(saying(http_answer(status, headers=f"Location: {elsewhere.url}/events\r\n{REQUEST_ID}"))) as (sink, _),
    ):
        outcome = await sink.deliver(batch())
        assert isinstance(outcome, Unreachable)
        assert outcome.code == "Redirect"
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        http_answer("200 OK", "<html>Please log in</html>", "Content-Type: text/html\r\n"),
        http_answer("200 OK", "", ""),
        http_answer("204 No Content", "", ""),
        http_answer("502 Bad Gateway", "<html>", ""),
        http_answer("503 Slow Down", "", ""),
        http_answer("500 Oops", '{"message": "InternalFailure"}'),
        b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 7\r\nContent-Length: 50\r\n\r\ncut short",
        b"not http at all\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nX-Big: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 99999999999\r\n\r\n{}",
    ],
)
async def test_what_is_not_the_services_yes_is_no_verdict(answer: bytes) -> None:
    async def handler(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with sink_to(handler) as (sink, _):
        assert isinstance(await sink.deliver(batch()), Unreachable)


async def _hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(999)


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\n{REQUEST_ID}Content-Length: 1000\r\n\r\n".encode())
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("handler", [_hang, _drip, _endless_headers])
async def test_no_call_takes_longer_than_its_deadline(handler: Handler) -> None:
    async with sink_to(handler, deadline_s=0.3) as (sink, _):
        outcome = await asyncio.wait_for(sink.deliver(batch()), 3)
        assert isinstance(outcome, Unreachable)
        assert outcome.cause == "network"


async def test_a_reset_is_no_verdict_and_the_next_call_works() -> None:
    answers = iter([True, False])

    async def handler(writer: asyncio.StreamWriter) -> None:
        if next(answers):
            raise ConnectionAbortedError
        writer.write(http_answer("200 OK"))

    async with sink_to(handler) as (sink, server):
        assert isinstance(await sink.deliver(batch()), Unreachable)
        assert await sink.deliver(batch()) == Delivered("7b1c")
        assert len(server.requests) == 2


async def test_nobody_listening_is_no_verdict() -> None:
    async with PersonalizeSink(session=session(), endpoint_url="http://127.0.0.1:9") as sink:
        outcome = await sink.deliver(batch())
        assert isinstance(outcome, Unreachable)
        assert outcome.cause == "network"


async def test_a_call_is_one_request_whatever_the_answer() -> None:
    async with sink_to(saying(http_answer("400 Bad Request", '{"__type":"ThrottlingException"}'))) as (sink, server):
        assert isinstance(await sink.deliver(batch()), Throttled)
        assert len(server.requests) == 1


async def test_a_large_error_body_is_not_read_to_the_end() -> None:
    body = json.dumps({"__type": "InvalidInputException", "message": "m" * 10}) + " " * 1_000_000
    async with sink_to(saying(http_answer("400 Bad Request", body))) as (sink, _):
        outcome = await sink.deliver(batch())
        assert isinstance(outcome, Refused | Unreachable)


async def test_an_endless_error_body_is_not_read_to_its_end() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 400 Bad Request\r\nx-amzn-ErrorType: ThrottlingException\r\n\r\n{"message":"')
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with sink_to(endless) as (sink, _):
        assert isinstance(await sink.deliver(batch()), Throttled)


async def test_a_session_that_is_given_is_the_one_used_token_and_all() -> None:
    given = aioboto3.Session("AKIDGIVEN", "secret", "session-token", region_name="ca-central-1")
    async with (
        raw_server(saying(http_answer("200 OK"))) as server,
        PersonalizeSink(session=given, endpoint_url=server.url) as sink,
    ):
        await sink.deliver(batch())
        assert b"Credential=AKIDGIVEN/" in server.requests[0]
        assert b"/ca-central-1/personalize/" in server.requests[0]
        assert b"x-amz-security-token: session-token\r\n" in server.requests[0].lower()


async def test_calls_reuse_their_connection() -> None:
    ports: set[object] = set()

    async def handler(writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername"))
        writer.write(http_answer("200 OK"))

    async with sink_to(handler) as (sink, _):
        for _ in range(5):
            await sink.deliver(batch())
    assert len(ports) == 1


async def test_a_target_is_called_in_its_own_region() -> None:
    async with (
        raw_server(saying(http_answer("200 OK"))) as server,
        PersonalizeSink(session=session(), endpoint_url=server.url, regions={"tracker-1": "eu-west-1"}) as sink,
    ):
        await sink.deliver(batch(target="tracker-1"))
        await sink.deliver(batch(target="tracker-2"))
        await sink.deliver(batch(target="arn:aws:personalize:ap-south-1:1:dataset/x/USERS"))
        scopes = [request.partition(b"Credential=")[2].split(b"/")[2] for request in server.requests]
        assert scopes == [b"eu-west-1", b"us-east-1", b"ap-south-1"]
