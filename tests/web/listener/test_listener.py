"""The listener against clients that speak HTTP badly, slowly, or not at all: raw sockets."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from relay.web.listener.bounds import MAX_HEAD_BYTES
from tests.support.raw_http import connected, request
from tests.support.relay import RunningEdge, running_edge


@pytest.fixture
async def relay() -> AsyncGenerator[RunningEdge]:
    async with running_edge() as running:
        yield running


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a fraction of a second."""
    monkeypatch.setattr("relay.web.listener.bounds.HEAD_DEADLINE_S", 0.3)
    monkeypatch.setattr("relay.web.listener.bounds.BODY_DEADLINE_S", 0.3)
    monkeypatch.setattr("relay.web.listener.bounds.SWEEP_S", 0.05)
    monkeypatch.setattr("relay.web.routes.request_body.DEADLINE_S", 0.3)


@pytest.mark.parametrize(
    "start", [b"", b"POST /r/e HT", b"POST /r/e HTTP/1.1\r\nHost: x\r\nX-Slow:"], ids=["silent", "half a line", "half"]
)
@pytest.mark.usefixtures("hasty")
async def test_who_does_not_finish_its_headers_is_hung_up_on(relay: RunningEdge, start: bytes) -> None:
    async with connected(relay) as client:
        await client.say(start)
        assert await client.rest() == b""


@pytest.mark.usefixtures("hasty")
async def test_a_body_that_drips_is_408_and_the_connection_closes(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        await client.say(request(relay, b"{", length=1000))
        status, body = await client.answer()
        assert (status, json.loads(body)["error"]) == (408, "too_slow")
        assert await client.rest() == b""


@pytest.mark.usefixtures("hasty")
async def test_headers_that_drip_do_not_start_the_deadline_anew(relay: RunningEdge) -> None:
    async with connected(relay) as client:

        async def drip() -> None:
            await client.say(b"POST /r/e HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            while True:
                await client.say(b"a")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert await client.rest() == b""
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


@pytest.mark.usefixtures("hasty")
async def test_slow_clients_do_not_slow_the_others(relay: RunningEdge) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(relay)) for _ in range(200)]
        assert (await relay.post(relay.beacon())).status_code == 202
        for client in clients:
            assert await client.rest() == b""


async def test_an_announced_size_past_the_limit_is_413_before_the_body(relay: RunningEdge) -> None:
    for length in (65537, 99999999999, 10**30):
        async with connected(relay) as client:
            await client.say(
                request(relay, b"", length=length) if length < 10**19 else request(relay, b"", length=10**18)
            )
            status, _ = await client.answer()
            assert status == 413


async def test_chunks_past_the_limit_are_413(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        head = request(relay, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        await client.say(head)
        for _ in range(70):
            await client.say(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await client.say(b"0\r\n\r\n")
        status, _ = await client.answer()
        assert status == 413


async def test_chunks_within_the_limit_are_taken(relay: RunningEdge) -> None:
    body = json.dumps(relay.beacon()).encode()
    async with connected(relay) as client:
        head = request(relay, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        await client.say(head + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        assert (await client.answer())[0] == 202


@pytest.mark.parametrize(
    "head",
    [
        b"POST /r/e HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 5_000_000 + b"\r\n\r\n",
        b"POST /r/e HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 50_000 + b"\r\n",
        b"POST /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["5 MB in one header", "50,000 headers", "a long path"],
)
async def test_headers_past_the_limit_are_431_and_closed(relay: RunningEdge, head: bytes) -> None:
    async with connected(relay) as client:
        try:
            await client.say(head)
        except ConnectionError:
            return  # hung up on while still talking
        assert (await client.rest())[:12] in (b"HTTP/1.1 431", b"")
    assert (await relay.post(relay.beacon())).status_code == 202


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /r/e HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
        b"POST /r/e HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST /r/e HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /r/e HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n1",
        b"POST /r/e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /r/e HTTP/1.1\r\nHost : x\r\nContent-Length: 0\r\n\r\n",
        b"POST /r/e HTTP/1.1\r\nHost: x\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET http://\r\n\r\n",
        b"\r\n" * 100 + b"!!\r\n\r\n",
    ],
    ids=["both lengths", "two lengths", "-1", "+1", "xchunked", "space", "NUL", "TLS", "no version", "junk"],
)
async def test_what_is_not_http_is_400_and_closed_with_nothing_stored(relay: RunningEdge, raw: bytes) -> None:
    async with connected(relay) as client:
        await client.say(raw)
        client.writer.write_eof()
        assert (await client.rest())[:12] == b"HTTP/1.1 400"
    assert relay.spool.stats().accepted == 0


@pytest.mark.parametrize(
    "line",
    [
        b"POST /r/e?x=1 HTTP/1.1\r\nHost: evil.example",
        b"POST /r/e HTTP/1.1\r\nHost: [::1]:8080",
        b"POST http://else/r/e HTTP/1.1\r\nHost: x",
        b"POST /r/e HTTP/1.1\r\nHost:",
    ],
)
async def test_the_host_header_decides_nothing(relay: RunningEdge, line: bytes) -> None:
    body = json.dumps(relay.beacon()).encode()
    async with connected(relay) as client:
        await client.say(line + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert (await client.answer())[0] == 202


@pytest.mark.parametrize("target", [b"/r/e/../../metrics", b"/%2e%2e/metrics", b"//r/e", b"/r/e%00", b"/metrics"])
async def test_no_way_leads_around_the_routes(relay: RunningEdge, target: bytes) -> None:
    async with connected(relay) as client:
        await client.say(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer())[0] == 404


@pytest.mark.parametrize(
    "line", [b"OPTIONS * HTTP/1.1", b"CONNECT x:1 HTTP/1.1", b"BREW /r/e HTTP/1.1", b"GET * HTTP/1.1"]
)
async def test_odd_requests_are_a_4xx(relay: RunningEdge, line: bytes) -> None:
    async with connected(relay) as client:
        await client.say(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await client.rest())[:10] == b"HTTP/1.1 4"


async def test_a_hundred_pipelined_beacons_are_answered_in_order(relay: RunningEdge) -> None:
    bodies = [json.dumps(relay.beacon(*[{"eventType": "View"}] * (number % 3 + 1))).encode() for number in range(100)]
    async with connected(relay) as client:
        await client.say(b"".join(request(relay, body) for body in bodies))
        for number in range(100):
            status, body = await client.answer()
            assert (status, json.loads(body)["accepted"]) == (202, number % 3 + 1)


async def test_expect_continue_is_answered(relay: RunningEdge) -> None:
    body = json.dumps(relay.beacon()).encode()
    async with connected(relay) as client:
        await client.say(request(relay, b"", "Expect: 100-continue", length=len(body)))
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.say(body)
        assert (await client.answer())[0] == 202


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        await client.say(request(relay, b'{"v":1', length=1000))
    assert (await relay.post(relay.beacon())).status_code == 202
    assert relay.spool.stats().accepted == 1
