"""The emulator misbehaves exactly as it is told."""

import asyncio
import time
from typing import Any

import httpx2
import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError

from tests.emulator.raw_client import SENT_AT, SESSION, RawClient, raw_client
from tests.support.emulator import running_emulator

EVENT: Any = {"eventType": "View", "sentAt": SENT_AT, "itemId": "p1", "eventId": "e1"}


@pytest.fixture(autouse=True)
async def calm(raw: RawClient) -> None:
    """Every test begins without faults and calls."""
    assert (await raw.set_faults({})).status_code == 200
    await raw.forget()


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        ({"throttling": 1}, 400, "ThrottlingException"),
        ({"throttling": {"status": 429}}, 429, "ThrottlingException"),
        ({"server_error": 1}, 500, "InternalFailure"),
        ({"server_error": {"status": 503}}, 503, "ServiceUnavailable"),
        ({"error": {"code": "AccessDeniedException"}}, 400, "AccessDeniedException"),
        ({"error": {"code": "ExpiredTokenException"}}, 403, "ExpiredTokenException"),
        ({"error": {"code": "ResourceNotFoundException"}}, 404, "ResourceNotFoundException"),
        ({"error": [{"code": "SomethingNew", "status": 418}]}, 418, "SomethingNew"),
    ],
)
async def test_an_error_on_purpose_looks_like_the_real_one(
    raw: RawClient, faults: dict[str, Any], status: int, code: str
) -> None:
    await raw.set_faults(faults)
    answer = await raw.put_event()
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["x-amzn-requestid"]
    assert raw.running.events() == []


async def test_boto_sees_throttling_as_throttling(raw: RawClient) -> None:
    await raw.set_faults({"throttling": 1})
    config = AioConfig(retries={"total_max_attempts": 1})
    async with SESSION.client("personalize-events", config=config, **raw.running.client_options) as client:
        with pytest.raises(ClientError) as caught:
            await client.put_events(trackingId=raw.running.tracking_id, sessionId="s", eventList=[EVENT])
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("taken", [False, True])
async def test_a_reset_breaks_the_connection_before_or_after_the_call_was_taken(raw: RawClient, taken: bool) -> None:
    await raw.set_faults({"reset": {"limit": 1, "taken": taken}})
    with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
        await raw.put_event(eventId="e1")
    assert len(raw.running.events()) == taken
    await raw.put_event(eventId="e1")
    assert len(raw.running.events()) == 1 + taken
    [broken, whole] = raw.running.emulator.calls.after(0)
    assert (broken.status, broken.fault, broken.taken) == (None, "reset", taken)
    assert (whole.status, whole.fault, whole.taken) == (200, None, True)


async def test_a_reset_is_a_tcp_reset(raw: RawClient) -> None:
    await raw.set_faults({"reset": 1})
    host, port = raw.running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_a_hang_answers_nothing_and_a_client_that_leaves_is_let_go(raw: RawClient) -> None:
    await raw.set_faults({"hang": 1})
    before = asyncio.all_tasks()
    async with raw_client(raw.running, timeout_s=0.2) as impatient:
        with pytest.raises(httpx2.TimeoutException):
            await impatient.put_event()
    while asyncio.all_tasks() > before:  # noqa: ASYNC110  the server tells nobody that it has let a client go
        await asyncio.sleep(0.01)
    await raw.set_faults({})
    assert (await raw.put_event()).status == 200


async def test_a_server_that_stops_does_not_wait_for_a_hang() -> None:
    async with running_emulator() as running, raw_client(running, timeout_s=3600) as raw:
        await raw.set_faults({"hang": {"seconds": 3600}})
        hanging = asyncio.create_task(raw.put_event())
        while not running.emulator.calls.last_n:  # noqa: ASYNC110  # the emulator tells nobody when a call came
            await asyncio.sleep(0.01)
        running.emulator.closing.set()
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            await hanging


async def test_html_comes_with_status_200_and_no_request_id(raw: RawClient) -> None:
    await raw.set_faults({"html": 1})
    answer = await raw.put_event()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "x-amzn-requestid" not in answer.headers
    assert raw.running.events() == []


async def test_a_redirect_leads_to_where_nothing_is_taken(raw: RawClient) -> None:
    await raw.set_faults({"redirect": {"limit": 1}})
    answer = await raw.put_event()
    assert (answer.status, answer.headers["location"]) == (307, "/redirected")
    assert (await raw.call("/redirected", raw.put_events_body())).code == "InvalidInputException"
    assert raw.running.events() == []


async def test_a_slow_body_is_whole_in_the_end(raw: RawClient) -> None:
    await raw.set_faults({"slow_body": {"seconds": 0.2, "taken": True}})
    begun = time.monotonic()
    answer = await raw.put_event()
    assert (answer.status, answer.body.strip(b"{ }")) == (200, b"")
    assert time.monotonic() - begun >= 0.2
    assert len(raw.running.events()) == 1


async def test_an_item_to_refuse_refuses_the_call_and_may_be_named(raw: RawClient) -> None:
    await raw.set_faults({"refuse_items": ["bad"]})
    good = {"eventType": "View", "sentAt": SENT_AT}
    answer = await raw.put_event(call={"eventList": [good, good | {"itemId": "bad"}]})
    assert (answer.status, answer.code) == (400, "InvalidInputException")
    assert "bad" not in answer.message
    assert (await raw.put_event(itemId="good")).status == 200
    body = {"datasetArn": raw.arn("dataset/demo/ITEMS"), "items": [{"itemId": "bad"}]}
    assert (await raw.call("/items", body)).code == "InvalidInputException"
    await raw.set_faults({"refuse_items": ["bad"], "refuse_naming": True})
    assert "bad" in (await raw.put_event(itemId="bad")).message


async def test_skip_and_limit_choose_the_calls(raw: RawClient) -> None:
    await raw.set_faults({"server_error": {"skip": 1, "limit": 2}})
    assert [(await raw.put_event()).status for _ in range(5)] == [200, 500, 500, 200, 200]


async def test_a_rate_with_a_seed_repeats(raw: RawClient) -> None:
    async def run() -> list[int]:
        await raw.set_faults({"throttling": 0.5, "seed": 7})
        return [(await raw.put_event()).status for _ in range(20)]

    first = await run()
    assert set(first) == {200, 400}
    assert await run() == first


async def test_faults_strike_event_calls_unless_told_otherwise(raw: RawClient) -> None:
    await raw.set_faults({"throttling": 1})
    assert (await raw.call("/", {}, target="ListSchemas")).status == 200
    await raw.set_faults({"throttling": {"operations": ["ListSchemas"]}})
    assert (await raw.call("/", {}, target="ListSchemas")).code == "ThrottlingException"
    assert (await raw.put_event()).status == 200
    await raw.set_faults({"throttling": {"operations": ["*"]}})
    assert (await raw.call("/", {}, target="ListDatasets")).code == "ThrottlingException"


async def test_a_delay_holds_every_answer(raw: RawClient) -> None:
    await raw.set_faults({"delay_ms": 100})
    begun = time.monotonic()
    assert (await raw.put_event()).status == 200
    assert time.monotonic() - begun >= 0.1


async def test_a_fault_after_taking_does_not_hide_a_refusal(raw: RawClient) -> None:
    await raw.set_faults({"reset": {"taken": True}})
    answer = await raw.put_event(itemId="")
    assert (answer.status, answer.code) == (400, "InvalidInputException")
    [call] = raw.running.emulator.calls.after(0)
    assert call.fault is None


async def test_faults_read_back_as_set_with_how_often_they_struck(raw: RawClient) -> None:
    faults = {"throttling": 1.0, "refuse_items": ["x"]}
    assert (await raw.set_faults(faults)).json() == {"faults": faults, "struck": {"throttling": 0}}
    await raw.put_event()
    assert (await raw.get("/_emulator/faults")).json() == {"faults": faults, "struck": {"throttling": 1}}


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"throttling": 1.5}, "throttling"),
        ({"throttling": "often"}, "throttling"),
        ({"throtling": 1}, "throtling"),
        ({"reset": {"rat": 1}}, "rat"),
        ({"slow_body": {"seconds": -1}}, "seconds"),
        ({"refuse_items": "p1"}, "refuse_items"),
        (b"{", "malformed"),
        (b"[]", "object"),
        (b"\xff", ""),
    ],
)
async def test_faults_that_are_none_are_refused_with_a_word_why(raw: RawClient, faults: Any, said: str) -> None:
    await raw.set_faults({"throttling": 1})
    answer = await raw.set_faults(faults)
    assert answer.status_code == 400
    assert said in answer.text or "truncated" in answer.text
    assert (await raw.put_event()).code == "ThrottlingException"
