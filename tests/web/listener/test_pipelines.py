"""How much of a pipeline is looked at while its first request is answered, or nobody reads the answers."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import Response
from starlette.routing import Route

from relay.web.listener import bind, bounds, listening
from relay.web.listener.request import Request
from relay.web.listener.sockets import url_of

ASKED = b"GET /it HTTP/1.1\r\nHost: x\r\n\r\n"
NOTHING_HERE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def answering(answer: Callable[[Asked], Awaitable[Response]]) -> AsyncGenerator[tuple[str, int]]:
    """A listener with one route; its address."""
    bound = bind("127.0.0.1", 0, variable="RELAY_PORT")
    host, _, port = url_of(bound).removeprefix("http://").partition(":")
    async with listening(Starlette(routes=[Route("/it", answer), Route("/queued", answer)]), bound, grace_s=1):
        yield host, int(port)


class Slow:
    """Answers when it may."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def answer(self, _asked: Asked) -> Response:
        self.begun.set()
        await self.may_end.wait()
        return Response()


async def looked_at_the_sockets(where: tuple[str, int], *, times: int) -> None:
    """Another client is answered so often."""
    reader, writer = await asyncio.open_connection(*where)
    for _ in range(times):
        writer.write(NOTHING_HERE)
        await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def test_while_a_request_is_answered_no_more_than_a_piece_is_queued() -> None:
    slow = Slow()
    async with answering(slow.answer) as where, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(*where)
        writer.write(ASKED.replace(b"/it", b"/queued") * 5000)
        await slow.begun.wait()
        await looked_at_the_sockets(where, times=3)
        # By their target: requests of listeners before this one may not have been collected yet.
        waiting = sum(isinstance(one, Request) and one.target == b"/queued" for one in gc.get_objects())
        assert 1 <= waiting <= bounds.PIECE_BYTES // len(ASKED) + 1
        slow.may_end.set()
        for _ in range(5000):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_who_does_not_read_gets_no_more_answers_than_its_sockets_hold() -> None:
    """Some megabytes, however much is asked for."""
    answered = 0
    size = 1 << 20

    async def large(_asked: Asked) -> Response:
        nonlocal answered
        answered += 1
        return Response(bytes(size))

    async with answering(large) as where, asyncio.timeout(60):
        with socket.socket() as client:
            client.setblocking(False)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, where)
            await loop.sock_sendall(client, ASKED * 100)
            await looked_at_the_sockets(where, times=200)
            assert 1 <= answered <= 20


async def statuses(reader: asyncio.StreamReader) -> list[int]:
    """Of all answers until the connection ends; their bodies say nothing."""
    return [int(line.split()[1]) for line in (await reader.read()).split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


async def test_a_head_behind_another_request_is_refused_for_what_is_wrong_with_it() -> None:
    """Whenever its turn comes, and whatever is wrong with what follows it."""
    slow = Slow()
    async with answering(slow.answer) as where, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(*where)
        broken = b"Transfer-Encoding: chunked\r\n\r\nno size\r\n"
        writer.write(ASKED + b"POST /it HTTP/2.0\r\nHost: x\r\n" + broken)
        await slow.begun.wait()
        slow.may_end.set()
        assert await statuses(reader) == [200, 505]
        writer.close()


async def test_a_refusal_waits_for_the_requests_before_it_though_none_is_being_answered() -> None:
    slow = Slow()
    async with answering(slow.answer) as where, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(*where)
        writer.write(ASKED * 3)
        await slow.begun.wait()
        writer.write(b"no HTTP\r\n\r\n")  # read when the first is answered, and before the turn of the second
        slow.may_end.set()
        assert await statuses(reader) == [200, 200, 200, 400]
        writer.close()
