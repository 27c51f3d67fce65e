"""What one connection may cost: pipelines, trailers, slow bodies, answers nobody reads. Raw sockets."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from relay.core.clock import SystemClock
from relay.identity.tokens import ServerClaims, Tokens
from relay.web.listener import bounds
from tests.support.moody_spool import MoodySpool
from tests.support.raw_http import connected, request
from tests.support.relay import KEY, ORIGIN, RunningEdge, running_edge, until

HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SNIPPET = b"GET /r/s.js HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def relay() -> AsyncGenerator[RunningEdge]:
    async with running_edge() as running:
        yield running


async def sent_before_it_blocks(relay: RunningEdge, data: bytes) -> tuple[socket.socket, int]:
    """A socket that sends again and again, and never reads, and how many bytes it got rid of."""
    loop = asyncio.get_running_loop()
    host, _, port = relay.url.removeprefix("http://").partition(":")
    client = socket.socket()
    client.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await loop.sock_connect(client, (host, int(port)))
    sent = 0
    while sent < 64 << 20:
        try:
            async with asyncio.timeout(1):
                await loop.sock_sendall(client, data)
        except TimeoutError:
            break
        sent += len(data)
    return client, sent


async def test_a_pipeline_that_nobody_reads_stops_being_read(relay: RunningEdge) -> None:
    client, sent = await sent_before_it_blocks(relay, HEALTHZ * 3000)
    with client:
        assert sent < 32 << 20, "what the sockets of both sides hold, not what memory does"
        assert (await relay.post(relay.beacon())).status_code == 202


async def test_the_end_is_not_held_up_by_answers_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "WRITE_DEADLINE_S", 3600.0)  # it is not that which ends them
    async with running_edge() as relay:
        clients = [(await sent_before_it_blocks(relay, SNIPPET * 500))[0] for _ in range(2)]
    for client in clients:  # the listener has ended, within its grace of one second
        client.close()


async def test_an_answer_that_is_not_read_is_given_up(relay: RunningEdge, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = await sent_before_it_blocks(relay, SNIPPET * 500)
    monkeypatch.setattr(bounds, "WRITE_DEADLINE_S", 0.2)
    with client, pytest.raises(ConnectionError):  # who still sends learns it
        await asyncio.get_running_loop().sock_sendall(client, HEALTHZ * 100_000)


async def test_thousands_pipelined_are_answered_in_order_while_they_are_read(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        saying = asyncio.create_task(client.say(HEALTHZ * 4999 + request(relay)))
        for _ in range(4999):
            assert (await client.answer())[0] == 200
        assert (await client.answer())[0] == 202
        await saying


async def test_a_request_whose_first_bytes_came_with_the_one_before_it_is_read_to_its_end(relay: RunningEdge) -> None:
    events = [{"eventType": "View", "itemId": "p" * 200} for _ in range(40)]
    large = json.dumps(relay.beacon(*events)).encode()
    assert len(large) > 2 * bounds.PIECE_BYTES
    async with connected(relay) as client:
        await client.say((HEALTHZ + request(relay, large)) * 3)
        for _ in range(3):
            assert (await client.answer())[0] == 200
            assert (await client.answer())[0] == 202


async def test_who_closes_its_half_in_the_middle_of_a_second_request_is_closed_once_the_first_is_answered(
    relay: RunningEdge,
) -> None:
    async with connected(relay) as client:
        await client.say(HEALTHZ + request(relay, b"{", length=1000))
        client.writer.write_eof()
        assert (await client.answer())[0] == 200
        assert await client.rest() == b""


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
async def test_a_refusal_that_needs_no_body_is_told_to_who_closes_its_half_before_the_end(straight: bool) -> None:
    async with running_edge(straight=straight) as relay, connected(relay) as client:
        await client.say(request(relay, b"{", "Content-Encoding: gzip", length=1000))
        client.writer.write_eof()
        assert (await client.answer())[0] == 415
        assert await client.rest() == b""


async def test_what_follows_a_request_that_closes_is_not_looked_at(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        await client.say(HEALTHZ.replace(b"Host: x", b"Host: x\r\nConnection: close") + request(relay))
        assert (await client.answer())[0] == 200
        assert await client.rest() == b""
    assert relay.spool.stats().accepted == 0


async def test_garbage_behind_a_request_is_told_after_its_answer(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        await client.say(request(relay) + b"POST /r/e HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")
        assert (await client.answer())[0] == 202
        assert (await client.answer())[0] == 400
        assert await client.rest() == b""


def chunked(relay: RunningEdge, head: str, body: bytes, trailers: bytes) -> bytes:
    return (
        head.encode()
        + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n%b\r\n0\r\n%b" % (len(body), body, trailers)
    )


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
async def test_a_trailer_origin_is_no_origin(straight: bool) -> None:
    async with running_edge(straight=straight) as relay, connected(relay) as client:
        body = json.dumps(relay.beacon()).encode()
        await client.say(chunked(relay, "POST /r/e HTTP/1.1\r\n", body, f"Origin: {ORIGIN}\r\nX: y\r\n\r\n".encode()))
        _, lines, _ = await client.whole_answer()
    assert not [line for line in lines if line.startswith(b"access-control-allow-origin")]


async def test_a_trailer_authorization_authorizes_nothing(relay: RunningEdge) -> None:
    token = Tokens([KEY], clock=relay.clock).mint(ServerClaims("default", ("events",)))
    body = b'{"sessionId":"0123456789abcdef","eventList":[{"eventType":"View"}]}'
    async with connected(relay) as client:
        trailer = f"Authorization: Bearer {token}\r\n\r\n".encode()
        await client.say(chunked(relay, "POST /api/v1/events HTTP/1.1\r\n", body, trailer))
        assert (await client.answer())[0] == 401
    assert relay.spool.stats().accepted == 0


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
async def test_a_trailer_address_is_nobodys_address(straight: bool) -> None:
    async with running_edge(
        straight=straight, client_ip_header="X-Forwarded-For", trusted_proxies="127.0.0.0/8", rate_limit_ip="1/s"
    ) as relay:
        statuses = set()
        for number in range(30):
            async with connected(relay) as client:
                body = json.dumps(relay.beacon()).encode()
                trailer = f"X-Forwarded-For: 203.0.113.{number}\r\n\r\n".encode()
                await client.say(chunked(relay, "POST /r/e HTTP/1.1\r\n", body, trailer))
                statuses.add((await client.answer())[0])
    assert 429 in statuses


@pytest.mark.parametrize(
    "endless",
    [b"X: " + b"a" * (1 << 20), b"X-Many: 1\r\n" * 100_000],
    ids=["one endless value", "many"],
)
async def test_trailers_have_a_bound(relay: RunningEdge, endless: bytes) -> None:
    body = json.dumps(relay.beacon()).encode()
    async with connected(relay) as client:
        try:
            await client.say(chunked(relay, "POST /r/e HTTP/1.1\r\n", body, endless))
        except ConnectionError:
            return
        assert (await client.answer())[0] == 400
        assert await client.rest() == b""
    assert relay.spool.stats().accepted == 0


async def test_an_extension_of_a_chunk_has_a_bound(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        await client.say(
            b"POST /r/e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"a" * (1 << 20) + b"\r\nhello"
        )
        assert (await client.answer())[0] == 400


async def test_what_goes_on_behind_a_refusal_is_read_for_a_while_only(relay: RunningEdge) -> None:
    """A quarter of a megabyte each half second, for five: the rest is what both sides' sockets hold."""
    head = request(relay, b"", length=99_999_999)
    async with connected(relay) as client:
        await client.say(head)
        assert (await client.answer())[0] == 413
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64 << 20:
                await client.say(b" " * 65536)
                sent += 65536
    assert sent < 32 << 20, "then it is closed"


async def test_bodies_that_are_not_whole_do_not_count_as_waiting(
    relay: RunningEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.web.routes.beacons.MAX_WAITING", 3)
    async with AsyncExitStack() as stack:
        for _ in range(20):
            client = await stack.enter_async_context(connected(relay))
            await client.say(request(relay, b"{", length=1000))
        assert (await relay.post(relay.beacon())).status_code == 202


async def test_a_body_that_drips_through_asgi_is_408_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.web.routes.request_body.DEADLINE_S", 0.2)
    async with running_edge(straight=False) as relay, connected(relay) as client:
        await client.say(request(relay, b"{", length=1000))
        status, body = await client.answer()
        assert (status, json.loads(body)["error"]) == (408, "too_slow")
        assert await client.rest() == b""


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
async def test_who_has_said_all_and_closed_its_half_is_answered(straight: bool) -> None:
    async with running_edge(straight=straight) as relay:
        for asked, status in ((request(relay), 202), (HEALTHZ, 200), (HEALTHZ * 3 + request(relay), 200)):
            async with connected(relay) as client:
                await client.say(asked)
                client.writer.write_eof()
                assert (await client.answer())[0] == status
                if asked.count(b"HTTP/1.1") == 4:
                    assert [(await client.answer())[0] for _ in range(3)] == [200, 200, 202]
                assert await client.rest() == b""


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
async def test_who_closes_its_half_before_the_answer_is_there_is_answered(straight: bool) -> None:
    spool = MoodySpool(clock=SystemClock(), max_bytes=1 << 30)
    spool.hold = asyncio.Event()
    async with running_edge(straight=straight, spool=spool) as relay, connected(relay) as client:
        await client.say(request(relay))
        client.writer.write_eof()
        await until(lambda: spool.held == 1)
        async with connected(relay) as other:  # by its answer the relay has seen the end of the first one's half, too
            await other.say(HEALTHZ)
            assert (await other.answer())[0] == 200
        spool.hold.set()
        assert (await client.answer())[0] == 202
        assert await client.rest() == b""


async def test_who_closes_its_half_in_the_middle_is_closed(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        await client.say(request(relay, b"{", length=1000))
        client.writer.write_eof()
        assert await client.rest() == b""


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.2"])
@pytest.mark.parametrize("pieces", [1, 2])
async def test_an_upgrade_that_is_not_taken_is_ignored(relay: RunningEdge, upgrade: str, pieces: int) -> None:
    asked = request(relay, None, "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}", "HTTP2-Settings: AAMA")
    cut = len(asked) if pieces == 1 else asked.index(b"\r\n\r\n") + 10
    async with connected(relay) as client:
        for _ in range(2):  # and the connection goes on
            await client.say(asked[:cut])
            await client.say(asked[cut:])
            assert (await client.answer())[0] == 202


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: x/e?z=\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /healthz HTTP/0.9\r\nHost: x\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST /r/e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /r/e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        (b"POST /r/e HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /r/e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n", 400),
        (b"POST /r/e HTTP/1.1\nHost: x\nContent-Length: 0\n\n", 400),
        (b"POST /r/e HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", 400),
        (b"POST /r/e HTTP/1.1\r\nHost: x\r\nExpect: a-pony\r\nContent-Length: 0\r\n\r\n", 417),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: 1\r\n" * 200 + b"\r\n", 431),
    ],
)
async def test_heads_are_read_as_rfc_9112_says(relay: RunningEdge, head: bytes, status: int) -> None:
    async with connected(relay) as client:
        await client.say(head)
        answered, lines, _ = await client.whole_answer()
        assert answered == status
        assert b"cache-control: no-store" in lines
        assert b"connection: close" in lines
        assert await client.rest() == b""
    assert relay.spool.stats().accepted == 0


async def test_two_lines_of_one_header_are_one_list(relay: RunningEdge) -> None:
    async with connected(relay) as client:
        await client.say(request(relay, None, "Origin: https://evil.example"))
        assert (await client.answer())[0] == 403


@pytest.mark.parametrize("site", ["cross-site", "Cross-Site", "SAME-SITE"])
async def test_a_page_of_another_site_must_say_its_origin_in_whatever_case(relay: RunningEdge, site: str) -> None:
    answer = await relay.post(relay.beacon(), origin="", sec_fetch_site=site)
    assert answer.status_code == 403


async def test_an_answer_in_pieces_to_a_client_that_leaves_ends_its_task(relay: RunningEdge) -> None:
    before = asyncio.all_tasks()
    async with connected(relay) as client:
        await client.say(SNIPPET * 100)
    await until(lambda: asyncio.all_tasks() <= before | {task for task in asyncio.all_tasks() if task.done()})
