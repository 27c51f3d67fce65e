"""The straight way of a beacon: the same answers as the way through ASGI, however its bytes come."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack

import pytest
from starlette.types import Receive, Scope, Send

from relay.core.clock import SystemClock
from relay.core.errors import SpoolError, SpoolFullError
from relay.web.routes.beacons import BeaconEndpoint
from tests.support.moody_spool import MoodySpool
from tests.support.raw_http import connected, request
from tests.support.relay import RunningEdge, running_edge, until

BEHIND_ANOTHER = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
"""Sent before a beacon in the same piece, it makes the beacon wait its turn."""


@pytest.fixture
def spool() -> MoodySpool:
    return MoodySpool(clock=SystemClock(), max_bytes=1 << 30)


@pytest.fixture
async def relay(spool: MoodySpool) -> AsyncGenerator[RunningEdge]:
    async with running_edge(spool=spool) as running:
        yield running


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by a method for each request that reaches the endpoint as an ASGI application."""
    seen: list[str] = []
    call = BeaconEndpoint.__call__

    async def counted(endpoint: BeaconEndpoint, scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["method"])
        await call(endpoint, scope, receive, send)

    monkeypatch.setattr(BeaconEndpoint, "__call__", counted)
    return seen


BODIES: dict[str, Callable[[RunningEdge], bytes]] = {
    "good": lambda relay: json.dumps(relay.beacon({"eventType": "View", "eventId": "one"})).encode(),
    "one bad event": lambda relay: json.dumps(relay.beacon({"eventType": ""}, {"eventType": "View"})).encode(),
    "forged": lambda relay: json.dumps(relay.beacon(token="x.y.z")).encode(),
    "empty": lambda _: b"",
    "not json": lambda _: b"{",
    "not utf-8": lambda _: b"\xff\xfe",
    "nothing in it": lambda relay: json.dumps(relay.beacon(eventList=[])).encode(),
}
HEADERS: dict[str, list[str]] = {
    "usual": [],
    "json": ["Content-Type: application/json"],
    "form": ["Content-Type: application/x-www-form-urlencoded"],
    "gzip": ["Content-Encoding: gzip"],
    "stranger": ["Origin: https://evil.example"],
    "no page": ["Origin: null"],
}


SHAPES: dict[str, Callable[[bytes, bytes], list[bytes]]] = {
    "whole": lambda head, body: [head + body],
    "behind another": lambda head, body: [BEHIND_ANOTHER + head + body],
    "in two pieces": lambda head, body: [head, body],
    "byte by byte": lambda head, body: [head, *(bytes([one]) for one in body)],
    "in chunks": lambda head, body: [
        re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head),
        *(b"1\r\n%c\r\n" % one for one in body),
        b"0\r\nOrigin: https://evil.example\r\n\r\n",
    ],
    "closing": lambda head, body: [head.replace(b"Host: x", b"Host: x\r\nConnection: close") + body],
    "HTTP 1.0": lambda head, body: [head.replace(b"HTTP/1.1", b"HTTP/1.0") + body],
    "h2c": lambda head, body: [
        head.replace(b"Host: x", b"Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c") + body
    ],
}


async def answered(relay: RunningEdge, pieces: Sequence[bytes], *, before: bool) -> tuple[int, frozenset[bytes], bytes]:
    async with connected(relay) as client:
        for piece in pieces:
            await client.say(piece)
        if before:
            await client.answer()
        return await client.whole_answer()


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("body", BODIES)
async def test_both_ways_answer_the_same_however_the_bytes_come(
    ordinary: list[str], body: str, headers: list[str]
) -> None:
    async with running_edge() as straight, running_edge(straight=False) as through_asgi:
        for name, shape in SHAPES.items():
            answers = []
            for relay in (straight, through_asgi):
                head, _, content = request(relay, BODIES[body](relay), *headers).partition(b"\r\n\r\n")
                pieces = shape(head + b"\r\n\r\n", content)
                status, lines, content = await answered(relay, pieces, before=name == "behind another")
                # A task may refuse before it has all of the body, and then the connection ends.
                answers.append((status, lines - {b"connection: close"}, content))
            assert answers[0] == answers[1], name
    assert len(ordinary) == len(SHAPES)


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_good_beacon_is_taken_however_its_bytes_come(shape: str, straight: bool) -> None:
    async with running_edge(straight=straight) as relay:
        head, _, content = request(relay).partition(b"\r\n\r\n")
        pieces = SHAPES[shape](head + b"\r\n\r\n", content)
        status, lines, _ = await answered(relay, pieces, before=shape == "behind another")
    assert status == 202
    assert (b"connection: close" in lines) == (shape in ("closing", "HTTP 1.0"))


@pytest.mark.parametrize(
    ("fault", "status"),
    [(SpoolFullError("full"), 503), (SpoolError("broken"), 503)],
    ids=["full", "broken"],
)
async def test_a_spool_that_refuses_is_a_503(
    relay: RunningEdge, spool: MoodySpool, ordinary: list[str], fault: Exception, status: int
) -> None:
    spool.fault = fault
    async with connected(relay) as client:
        await client.say(request(relay))
        assert (await client.answer())[0] == status
        spool.fault = None
        await client.say(request(relay))
        assert (await client.answer())[0] == 202
    assert not ordinary


async def test_what_nobody_foresaw_is_a_500_of_one_request(
    relay: RunningEdge, spool: MoodySpool, caplog: pytest.LogCaptureFixture
) -> None:
    spool.fault = ZeroDivisionError()
    with caplog.at_level(logging.ERROR, "relay"):
        async with connected(relay) as client:
            await client.say(request(relay))
            assert (await client.answer())[0] == 500
            assert await client.rest() == b""
    assert "a beacon could not be answered" in caplog.text
    spool.fault = None
    async with connected(relay) as client:
        await client.say(request(relay))
        assert (await client.answer())[0] == 202


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "HEAD", "PUT"])
async def test_what_is_no_post_goes_through_asgi(relay: RunningEdge, ordinary: list[str], method: str) -> None:
    async with connected(relay) as client:
        await client.say(request(relay, b"").replace(b"POST", method.encode()))
        assert (await client.whole_answer(bodiless=method in ("HEAD", "OPTIONS")))[0] in (204, 405)
    assert ordinary == [method]


async def test_a_request_behind_a_beacon_waits_its_turn(relay: RunningEdge, spool: MoodySpool) -> None:
    spool.hold = asyncio.Event()
    async with connected(relay) as client:
        await client.say(request(relay))
        await client.say(BEHIND_ANOTHER)
        async with connected(relay) as other:  # by its answer, the listener has had time for both
            await other.say(BEHIND_ANOTHER)
            await other.answer()
        spool.hold.set()
        assert json.loads((await client.answer())[1])["accepted"] == 1
        assert json.loads((await client.answer())[1]) != {"accepted": 1}


async def test_a_client_that_leaves_during_the_commit_harms_nobody(
    relay: RunningEdge, spool: MoodySpool, caplog: pytest.LogCaptureFixture
) -> None:
    spool.hold = asyncio.Event()
    async with connected(relay) as client:
        await client.say(request(relay))
        await until(lambda: spool.held == 1)
    spool.hold.set()
    await until(lambda: spool.stats().accepted == 1)
    async with connected(relay) as client:
        await client.say(request(relay))
        assert (await client.answer())[0] == 202
    assert not caplog.records


async def test_at_the_end_a_beacon_that_still_waits_for_the_disk_is_told_to_come_again(spool: MoodySpool) -> None:
    spool.hold = asyncio.Event()
    async with AsyncExitStack() as stack:
        async with running_edge(spool=spool) as relay:
            client = await stack.enter_async_context(connected(relay))
            await client.say(request(relay))
            await until(lambda: spool.held == 1)
        status, lines, body = await client.whole_answer()
        assert (status, json.loads(body)["error"]) == (503, "draining")
        assert b"connection: close" in lines
        spool.hold.set()
        await until(lambda: spool.stats().accepted == 1)
        assert await client.rest() == b"", "the late answer goes nowhere"


async def test_many_beacons_on_one_connection_one_after_the_other(relay: RunningEdge, ordinary: list[str]) -> None:
    async with connected(relay) as client:
        for _ in range(50):
            await client.say(request(relay))
            assert (await client.answer())[0] == 202
    assert relay.spool.stats().accepted == 50
    assert not ordinary


async def test_a_connection_that_stays_idle_is_closed(relay: RunningEdge, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(relay) as client:
        await client.say(request(relay))
        assert (await client.answer())[0] == 202
        await client.say(BEHIND_ANOTHER)
        assert (await client.answer())[0] == 200
        monkeypatch.setattr("relay.web.listener.bounds.KEEP_ALIVE_S", 0.0)
        assert await client.rest() == b""
