"""What a body may be, to the byte, and what is refused without being looked into."""

import asyncio
import gzip
import importlib.util
import json
import zlib
from contextlib import AsyncExitStack

import pytest

from relay.core.clock import SystemClock
from tests.support.moody_spool import MoodySpool
from tests.support.raw_http import connected, request
from tests.support.relay import SESSION, RunningEdge, running_edge

LIMIT = 65536


def padded(relay: RunningEdge, size: int) -> bytes:
    """A good beacon of so many bytes."""
    body = json.dumps(relay.beacon()).encode()
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "ASGI"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "with its length"])
@pytest.mark.parametrize(("more", "status"), [(0, 202), (1, 413)])
async def test_a_body_of_the_limit_is_taken_and_one_more_byte_is_413(
    straight: bool, chunked: bool, more: int, status: int
) -> None:
    async with running_edge(straight=straight) as relay, connected(relay) as client:
        body = padded(relay, LIMIT + more)
        asked = request(relay, body)
        if chunked:
            head = request(relay, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
            asked = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        await client.say(asked)
        assert (await client.answer())[0] == status
        assert relay.spool.stats().accepted == (status == 202)


BOMB = gzip.compress(b"\0" * 5_000_000)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", BOMB),
        ("gzip, gzip", gzip.compress(BOMB)),
        ("gzip", gzip.compress(b"{}") + b"tail"),
        ("deflate", zlib.compress(b"{}")),
        ("br", b"\x0b\x01\x80{}\x03"),
        ("zstd", b"(\xb5/\xfd"),
        ("x-unknown", b"{}"),
    ],
)
async def test_packed_bodies_are_415_and_never_unpacked(coding: str, body: bytes) -> None:
    async with running_edge() as relay:
        answer = await relay.post(body, content_encoding=coding)
        assert (answer.status_code, answer.json()["error"]) == (415, "bad_encoding")
        assert (await relay.post(relay.beacon(), content_encoding="identity")).status_code == 202


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/html", "application/json5"]
)
async def test_forms_are_415_without_being_parsed(kind: str) -> None:
    async with running_edge() as relay:
        assert (await relay.post(b"a=b" * 1000, content_type=kind)).status_code == 415
    assert importlib.util.find_spec("multipart") is None, "what is not there cannot be attacked"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_only_a_post_brings_events(method: str) -> None:
    async with running_edge() as relay:
        body = json.dumps(relay.beacon()).encode()
        answer = await relay.http.request(method, f"{relay.url}/r/e", content=body)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST, OPTIONS"
        assert relay.spool.stats().accepted == 0


@pytest.mark.parametrize("where", ["?sessionId=another-session-of-0001", "?sid=x&userId=u1&token=x"])
async def test_nothing_in_the_url_is_a_session_a_user_or_a_token(where: str) -> None:
    async with running_edge() as relay:
        body = json.dumps(relay.beacon()).encode()
        answer = await relay.http.post(f"{relay.url}/r/e{where}", content=body)
        assert answer.json()["accepted"] == 1
        (record,) = await relay.records()
        assert (record.key.session_id, record.user_id) == (SESSION, None)


async def test_past_the_bound_of_beacons_in_work_it_is_503_and_none_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("relay.web.routes.beacons.MAX_WAITING", 5)
    spool = MoodySpool(clock=SystemClock(), max_bytes=1 << 30)
    spool.hold = asyncio.Event()
    async with running_edge(spool=spool) as relay, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(relay)) for _ in range(8)]
        for client in clients:
            await client.say(request(relay))
        refused = [await client.whole_answer() for client in clients[5:]]
        assert [answer[0] for answer in refused] == [503] * 3
        assert all(any(line.startswith(b"retry-after: ") for line in answer[1]) for answer in refused)
        assert spool.stats().accepted == 0
        spool.hold.set()
        assert [(await client.answer())[0] for client in clients[:5]] == [202] * 5


@pytest.mark.parametrize(
    "body",
    [
        b'{"v":1,' + b",".join(b'"k%d":1' % number for number in range(5_000)) + b"}",
        b'{"v":1,"eventList":[' + b",".join([b"{}"] * 20_000) + b"]}",
        b'{"' + b"k" * 60_000 + b'":1}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"v":1,"v":1,"token":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
    ids=["keys", "events", "a long key", "lists", "objects", "a deep token"],
)
async def test_shapes_that_cost_are_a_400(body: bytes) -> None:
    async with running_edge() as relay:
        answer = await relay.post(body)
        assert answer.status_code in (400, 401)
        assert answer.json()["error"]
