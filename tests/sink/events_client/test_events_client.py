"""What the client does beyond botocore's: deadlines, retries when asked for, credentials that change."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import aioboto3
import httpx2
import pytest
from botocore import exceptions as botocore

from relay.emulator import SECRET
from relay.personalize import events_client
from relay.sink.personalize import account
from relay.sink.personalize.events_client import EventsClient
from tests.support.emulator import running_emulator
from tests.support.raw_server import Handler, RawServer, http_answer, raw_server, saying

KEYS: dict[str, Any] = {"aws_access_key_id": "AKIDTEST", "aws_secret_access_key": SECRET}
CALL: dict[str, Any] = {
    "trackingId": "t",
    "sessionId": "s",
    "eventList": [{"eventType": "Click", "sentAt": datetime(2026, 11, 25, tzinfo=UTC)}],
}
OK = http_answer("200 OK")
SLOW_DOWN = http_answer("400 Bad Request", '{"__type":"ThrottlingException","message":"m"}')


@asynccontextmanager
async def client_to(handler: Handler, **more: Any) -> AsyncIterator[tuple[EventsClient, RawServer]]:
    async with (
        raw_server(handler) as server,
        events_client(region_name="eu-west-1", endpoint_url=server.url, **KEYS, **more) as events,
    ):
        yield events, server


async def silent(_: asyncio.StreamWriter) -> None:
    """Never answers."""


async def test_all_five_methods_arrive_at_the_emulator() -> None:
    arn = "arn:aws:personalize:eu-west-1:000000000000:dataset/emulator/"
    async with (
        running_emulator() as emulator,
        events_client(region_name="eu-west-1", endpoint_url=emulator.url, **KEYS) as events,
    ):
        answer = await events.put_events(**{**CALL, "trackingId": emulator.tracking_id})
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert answer["ResponseMetadata"]["RequestId"]
        with pytest.raises(events.exceptions.ResourceNotFoundException):
            await events.put_items(datasetArn=arn + "ITEMS", items=[{"itemId": "i"}])
        with pytest.raises(events.exceptions.ResourceNotFoundException):
            await events.put_users(datasetArn=arn + "USERS", users=[{"userId": "u"}])
        with pytest.raises(events.exceptions.ResourceNotFoundException):
            await events.put_actions(datasetArn=arn + "ACTIONS", actions=[{"actionId": "a"}])
        with pytest.raises(botocore.ClientError):
            await events.put_action_interactions(
                trackingId="none",
                actionInteractions=[{"actionId": "a", "sessionId": "s", "timestamp": 1, "eventType": "Viewed"}],
            )


async def test_a_call_ends_at_its_deadline() -> None:
    async with client_to(silent, deadline_s=0.2) as (events, server):
        with pytest.raises(botocore.ReadTimeoutError, match="/events"):
            await events.put_events(**CALL)
        assert len(server.requests) == 1


async def test_a_call_that_waits_for_a_connection_ends_at_its_deadline_too() -> None:
    async with client_to(silent, deadline_s=0.2, max_connections=1) as (events, server):
        first = asyncio.create_task(events.put_events(**CALL))
        await asyncio.sleep(0)
        with pytest.raises(botocore.ConnectTimeoutError):
            await events.put_events(**CALL)
        with pytest.raises(botocore.ReadTimeoutError):
            await first
        assert len(server.requests) == 1


async def test_a_call_that_is_given_up_leaves_the_next_its_own_answer() -> None:
    slow = asyncio.Event()

    async def handler(writer: asyncio.StreamWriter) -> None:
        if not slow.is_set():
            slow.set()
            await asyncio.sleep(0.05)
            writer.write(SLOW_DOWN)
        else:
            writer.write(OK)

    async with client_to(handler, max_connections=1) as (events, _):
        given_up = asyncio.create_task(events.put_events(**CALL))
        await slow.wait()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert (await events.put_events(**CALL))["ResponseMetadata"]["HTTPStatusCode"] == 200


async def test_nothing_is_made_again_unless_that_is_asked_for() -> None:
    async with client_to(saying(SLOW_DOWN, OK)) as (events, server):
        with pytest.raises(botocore.ClientError, match="ThrottlingException"):
            await events.put_events(**CALL)
        assert len(server.requests) == 1


async def test_with_retries_a_throttled_call_is_made_again_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.sink.personalize.events_client._LONGEST_PAUSE_S", 0.01)
    async with client_to(saying(SLOW_DOWN, http_answer("503 Busy"), OK), retries=3) as (events, server):
        answer = await events.put_events(**CALL)
        assert answer["ResponseMetadata"]["RetryAttempts"] == 2
        heads = [request.partition(b"\r\n\r\n")[0] for request in server.requests]
        assert len({head.partition(b"amz-sdk-invocation-id: ")[2].partition(b"\r\n")[0] for head in heads}) == 1
        assert [b"attempt=%d\r\n" % n in head + b"\r\n" for n, head in enumerate(heads, 1)] == [True] * 3


async def test_retries_end_and_a_refusal_is_never_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.sink.personalize.events_client._LONGEST_PAUSE_S", 0.01)
    async with client_to(saying(SLOW_DOWN), retries=2) as (events, server):
        with pytest.raises(botocore.ClientError, match=r"reached max retries: 2") as raised:
            await events.put_events(**CALL)
        assert raised.value.response["ResponseMetadata"]["RetryAttempts"] == 2
        assert len(server.requests) == 3
    refused = http_answer("400 Bad Request", '{"__type":"InvalidInputException","message":"m"}')
    async with client_to(saying(refused), retries=2) as (events, server):
        with pytest.raises(events.exceptions.InvalidInputException):
            await events.put_events(**CALL)
        assert len(server.requests) == 1


async def test_a_broken_connection_is_botocores_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.sink.personalize.events_client._LONGEST_PAUSE_S", 0.01)

    async def hang_up(writer: asyncio.StreamWriter) -> None:
        raise ConnectionAbortedError

    async with client_to(hang_up, retries=1) as (events, server):
        with pytest.raises(botocore.ConnectionClosedError):
            await events.put_events(**CALL)
        assert len(server.requests) == 2
    async with events_client(region_name="eu-west-1", endpoint_url="http://127.0.0.1:9", **KEYS) as events:
        with pytest.raises(botocore.EndpointConnectionError, match=r"127\.0\.0\.1:9/events"):
            await events.put_events(**CALL)


async def test_without_credentials_or_region_it_says_so() -> None:
    async with events_client(region_name="eu-west-1") as events:
        with pytest.raises(botocore.NoCredentialsError):
            await events.put_events(**CALL)
        with pytest.raises(botocore.NoCredentialsError):
            await events.generate_presigned_url("put_events", CALL)
    with pytest.raises(botocore.NoRegionError):
        await events_client().__aenter__()
    with pytest.raises(ValueError, match="Invalid endpoint"):
        await events_client(region_name="eu-west-1", endpoint_url="nowhere").__aenter__()


async def test_the_services_own_endpoint_is_the_default() -> None:
    async with events_client(region_name="eu-central-1") as events:
        assert events.meta.endpoint_url == "https://personalize-events.eu-central-1.amazonaws.com"


async def test_a_url_made_beforehand_is_taken_by_the_emulator_as_signed() -> None:
    async with (
        running_emulator() as emulator,
        events_client(region_name="eu-west-1", endpoint_url=emulator.url, **KEYS) as events,
        httpx2.AsyncClient() as http,
    ):
        url = await events.generate_presigned_url("put_events", CALL, ExpiresIn=60)
        headers = {"content-type": "application/json"}
        as_signed = await http.post(url, headers=headers)
        assert as_signed.status_code == 400, "it is the empty body that is at fault, not the signature"
        other = await http.post(url.replace("sessionId=s", "sessionId=x"), headers=headers)
        assert other.status_code == 403
        assert "signature" in other.text.lower()


async def test_credentials_that_are_renewed_are_used_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "KEYS_FRESH_S", 0.0)
    made = tmp_path / "made"
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    program = tmp_path / "program.py"
    program.write_text(
        "import json, pathlib\n"
        f"made = pathlib.Path({str(made)!r})\n"
        "count = len(made.read_text()) if made.exists() else 0\n"
        "made.write_text('x' * (count + 1))\n"
        "print(json.dumps(dict(Version=1, AccessKeyId=f'AKID{count}', SecretAccessKey='s', SessionToken=f'tok{count}',"
        f" Expiration={soon!r})))\n"
    )
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {sys.executable} {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    async with raw_server(saying(OK)) as server:
        async with events_client(region_name="eu-west-1", endpoint_url=server.url) as events:
            for _ in range(3):
                await events.put_events(**CALL)
        used = [request.partition(b"Credential=")[2].partition(b"/")[0] for request in server.requests]
        tokens = [request.partition(b"x-amz-security-token: ")[2].partition(b"\r\n")[0] for request in server.requests]
    assert len(set(used)) == 3
    assert [token.removeprefix(b"tok") for token in tokens] == [key.removeprefix(b"AKID") for key in used]


async def test_a_session_that_is_given_is_the_one_used() -> None:
    session = aioboto3.Session("AKIDGIVEN", "secret", "session-token", region_name="ca-central-1")
    async with (
        raw_server(saying(OK)) as server,
        events_client(session=session, endpoint_url=server.url) as events,
    ):
        await events.put_events(**CALL)
        assert events.meta.region_name == "ca-central-1"
        assert b"Credential=AKIDGIVEN/" in server.requests[0]
        assert b"/ca-central-1/personalize/" in server.requests[0]


async def test_no_line_of_botocore_runs_on_the_way_of_a_call() -> None:
    async with client_to(saying(OK)) as (events, server):
        await events.put_events(**CALL)
        seen: set[str] = set()

        def note(frame: FrameType, event: str, arg: object) -> None:
            del event, arg
            seen.add(frame.f_globals.get("__name__", "").partition(".")[0])

        sys.setprofile(note)
        try:
            for _ in range(3):
                await events.put_events(**CALL)
        finally:
            sys.setprofile(None)
        assert "relay" in seen
        assert seen.isdisjoint({"botocore", "boto3", "aiobotocore", "aioboto3"})
        sent = json.loads(server.requests[-1].partition(b"\r\n\r\n")[2])
        assert sent["eventList"][0]["sentAt"] == 1_795_564_800


async def test_two_hundred_calls_at_once_each_get_their_own_answer() -> None:
    async def echo(writer: asyncio.StreamWriter) -> None:
        session_id = json.loads(server.requests[-1].partition(b"\r\n\r\n")[2])["sessionId"]
        writer.write(http_answer("200 OK", headers=f"x-amzn-RequestId: {session_id}\r\n"))

    async with client_to(echo, max_connections=8) as (events, server):
        calls = [events.put_events(**{**CALL, "sessionId": str(number)}) for number in range(200)]
        answers = await asyncio.gather(*calls)
    assert [answer["ResponseMetadata"].get("RequestId") for answer in answers] == [str(n) for n in range(200)]


async def test_the_documented_program_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "events-client.md").read_text("utf-8")
    program = tmp_path / "program.py"
    async with running_emulator() as emulator:
        text = page.partition("```python\n")[2].partition("```")[0]
        program.write_text(text.replace('"emulator"', f'"{emulator.tracking_id}"'))
        ran = await asyncio.create_subprocess_exec(
            sys.executable, program, stdout=asyncio.subprocess.PIPE, env={**os.environ, **emulator.env}
        )
        assert (await ran.communicate())[0] == b"200\n"
        assert [body["userId"] for body in emulator.bodies()] == ["u-17"]
