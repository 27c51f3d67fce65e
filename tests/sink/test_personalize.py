"""The sink over real HTTP: the emulator when all is well, raw hostile servers when it is not."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aioboto3
import pytest

from relay.errors import RelayError
from relay.model import Operation
from relay.sink.base import Delivered, Refused, Throttled, Unreachable
from relay.sink.personalize import PersonalizeSink
from tests.sink.batches import SESSION, batch, event
from tests.support.emulator import REGION, TRACKING_ID, running_emulator
from tests.support.hostile_server import hostile_server, saying

OK = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: request-1\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The ordinary AWS variables, with credentials the emulator knows."""
    for name, value in {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@asynccontextmanager
async def sink_to(url: str, aws: pytest.MonkeyPatch, *, deadline_s: float = 5.0) -> AsyncGenerator[PersonalizeSink]:
    aws.setenv("AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", url)
    async with PersonalizeSink(deadline_s=deadline_s) as sink:
        yield sink


async def test_a_batch_arrives_as_one_signed_call_byte_for_byte(aws: pytest.MonkeyPatch) -> None:
    async with running_emulator() as emulator, sink_to(emulator.url, aws) as sink:
        first = event(1, impression=["p1", "p2"], properties='{"price":19.9,"name":"Süß"}', eventValue=19.9)
        outcome = await sink.deliver(batch(first, event(2), target=TRACKING_ID, user_id="team#42"))
        assert isinstance(outcome, Delivered)
        assert emulator.bodies() == [
            {"trackingId": TRACKING_ID, "sessionId": SESSION, "userId": "team#42", "eventList": [first, event(2)]}
        ]


async def test_an_anonymous_batch_names_no_user(aws: pytest.MonkeyPatch) -> None:
    async with running_emulator() as emulator, sink_to(emulator.url, aws) as sink:
        await sink.deliver(batch(event(), target=TRACKING_ID))
        assert "userId" not in emulator.bodies()[0]


async def test_what_the_service_refuses_comes_back_with_its_message(aws: pytest.MonkeyPatch) -> None:
    async with running_emulator() as emulator, sink_to(emulator.url, aws) as sink:
        outcome = await sink.deliver(batch(event(recommendationId="r" * 41), target=TRACKING_ID))
        assert isinstance(outcome, Refused)
        assert outcome.code == "InvalidInputException"
        assert outcome.message


async def test_an_unknown_tracker_is_the_targets_fault(aws: pytest.MonkeyPatch) -> None:
    async with running_emulator() as emulator, sink_to(emulator.url, aws) as sink:
        outcome = await sink.deliver(batch(event(), target="nobody-knows-this-one"))
        assert isinstance(outcome, Unreachable | Refused)


async def test_wrong_credentials_are_not_the_events_fault_and_are_looked_for_anew(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_SECRET_ACCESS_KEY", "not the emulator's")
    async with running_emulator() as emulator:
        aws.setenv("AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", emulator.url)
        clock = _Hours()
        async with PersonalizeSink(clock=clock) as sink:
            outcome = await sink.deliver(batch(event(), target=TRACKING_ID))
            assert isinstance(outcome, Unreachable)
            assert outcome.cause == "credentials"
            aws.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
            outcome = await sink.deliver(batch(event(), target=TRACKING_ID))
            assert isinstance(outcome, Delivered)


class _Hours:
    """Wall time is the machine's; each look at the monotonic clock is an hour after the last."""

    def __init__(self) -> None:
        self._hours = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        self._hours += 1
        return self._hours * 3600.0


async def test_no_credentials_at_all_is_said_so(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    async with hostile_server(saying(OK)) as server, sink_to(server.url, aws) as sink:
        outcome = await sink.deliver(batch(event(), target="t"))
        assert outcome == Unreachable("NoCredentials", "no AWS credentials found", "credentials")
        assert server.requests == []


async def test_without_a_region_the_sink_does_not_open(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_REGION")
    aws.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(RelayError, match="region"):
        async with PersonalizeSink():
            pass


async def test_each_tracker_has_its_region(aws: pytest.MonkeyPatch) -> None:
    async with hostile_server(saying(OK)) as server:
        aws.setenv("AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", server.url)
        async with PersonalizeSink(regions={"there": "ap-south-1"}) as sink:
            await sink.deliver(batch(event(), target="there"))
            await sink.deliver(batch(event(), target="here"))
            arn = "arn:aws:personalize:eu-north-1:000000000000:dataset/shop/ITEMS"
            await sink.deliver(batch({"itemId": "p1"}, target=arn, operation=Operation.PUT_ITEMS))
        for request, region in zip(server.requests, ("ap-south-1", REGION, "eu-north-1"), strict=True):
            assert f"/{region}/personalize/aws4_request".encode() in request


@pytest.mark.parametrize(
    ("operation", "entry", "path", "member"),
    [
        (Operation.PUT_USERS, {"userId": "u1"}, b"/users", b'"users":[{"userId":"u1"}]'),
        (Operation.PUT_ITEMS, {"itemId": "p1"}, b"/items", b'"items":[{"itemId":"p1"}]'),
        (Operation.PUT_ACTIONS, {"actionId": "a1"}, b"/actions", b'"actions":[{"actionId":"a1"}]'),
    ],
)
async def test_the_other_operations_name_their_dataset(
    aws: pytest.MonkeyPatch, operation: Operation, entry: dict[str, object], path: bytes, member: bytes
) -> None:
    arn = f"arn:aws:personalize:{REGION}:000000000000:dataset/shop/X"
    async with hostile_server(saying(OK)) as server, sink_to(server.url, aws) as sink:
        assert isinstance(await sink.deliver(batch(entry, target=arn, operation=operation)), Delivered)
        assert server.requests[0].startswith(b"POST " + path + b" HTTP/1.1\r\n")
        assert server.requests[0].endswith(b'{"datasetArn":"%b",%b}' % (arn.encode(), member))


async def test_a_redirect_is_not_followed_and_no_event_leaves_for_another_host(aws: pytest.MonkeyPatch) -> None:
    async with hostile_server(saying(OK)) as other:
        moved = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {other.url}/events\r\nContent-Length: 0\r\n\r\n"
        async with hostile_server(saying(moved.encode())) as server, sink_to(server.url, aws) as sink:
            assert isinstance(await sink.deliver(batch(event(), target="t")), Unreachable)
        assert other.requests == []


HOSTILE = {
    "html with 200": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
    "empty 200": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "cut in the middle": b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nContent-Length: 100\r\n\r\n{",
    "closed at once": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "gateway page": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>",
    "huge header": b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: r\r\nX-Big: " + b"x" * 100_000 + b"\r\n\r\n",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n",
    "lying length": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 99999999999\r\n\r\n{}",
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_strange_answer_is_no_success_and_no_exception(aws: pytest.MonkeyPatch, answer: bytes) -> None:
    async with hostile_server(saying(answer)) as server, sink_to(server.url, aws) as sink:
        outcome = await sink.deliver(batch(event(), target="t"))
        assert isinstance(outcome, Unreachable)
        assert len(server.requests) == 1


async def test_an_endless_error_body_is_not_read_to_its_end(aws: pytest.MonkeyPatch) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        head = b'HTTP/1.1 400 Bad Request\r\nx-amzn-ErrorType: ThrottlingException\r\n\r\n{"message":"'
        writer.write(head)
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    async with hostile_server(endless) as server, sink_to(server.url, aws) as sink:
        assert isinstance(await sink.deliver(batch(event(), target="t")), Throttled)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n{"])
async def test_a_silent_or_dripping_service_ends_at_the_deadline(aws: pytest.MonkeyPatch, first: bytes) -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await asyncio.Event().wait()

    async with hostile_server(hang) as server, sink_to(server.url, aws, deadline_s=0.2) as sink:
        outcome = await sink.deliver(batch(event(), target="t"))
        assert outcome == Unreachable("Timeout", "no answer within 0.2 s", "network")


async def test_nobody_listening_is_the_networks_fault(aws: pytest.MonkeyPatch) -> None:
    async with sink_to("http://127.0.0.1:9", aws) as sink:
        outcome = await sink.deliver(batch(event(), target="t"))
        assert isinstance(outcome, Unreachable)
        assert outcome.cause == "network"


async def test_a_session_given_is_the_one_used(aws: pytest.MonkeyPatch) -> None:
    async with hostile_server(saying(OK)) as server:
        aws.setenv("AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", server.url)
        session = aioboto3.Session("AKIDGIVEN", "secret", "session-token", region_name="ca-central-1")
        async with PersonalizeSink(session=session) as sink:
            await sink.deliver(batch(event(), target="t"))
        assert b"Credential=AKIDGIVEN/" in server.requests[0]
        assert b"/ca-central-1/personalize/" in server.requests[0]
        assert b"X-Amz-Security-Token: session-token\r\n" in server.requests[0]
