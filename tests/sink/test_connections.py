"""Connections that are kept: an answer is only ever that to its own request, and what is odd is not used again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from relay.sink.personalize.connection import HttpError, Response
from relay.sink.personalize.connections import Connections, NotSentInTimeError
from tests.support.raw_server import Handler, http_answer, raw_server, saying
from tests.support.relay import until


class Peers:
    """A handler that notes which connections its requests came on."""

    def __init__(self, handler: Callable[[int, asyncio.StreamWriter], None]) -> None:
        self._handler = handler
        self.peers: list[object] = []

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        self.peers.append(writer.get_extra_info("peername"))
        self._handler(len(self.peers), writer)
        await writer.drain()


@asynccontextmanager
async def connections_to(handler: Handler, *, limit: int = 4) -> AsyncIterator[Connections]:
    async with raw_server(handler) as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        connections = Connections(host, int(port), tls=None, limit=limit)
        try:
            yield connections
        finally:
            await connections.close()


async def post(connections: Connections, *, in_s: float = 5.0) -> Response:
    loop = asyncio.get_running_loop()
    came: asyncio.Future[Response | Exception] = loop.create_future()

    def done(result: Response | Exception) -> None:
        if not came.done():
            came.set_result(result)

    connections.post("/events", "host: h\r\n", b"{}", until_s=loop.time() + in_s, done=done)
    result = await came
    if isinstance(result, Exception):
        raise result
    return result


async def test_an_answer_in_chunks_is_put_together() -> None:
    chunked = b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with connections_to(Peers(lambda _, writer: writer.write(chunked))) as connections:
        for _ in range(2):
            answered = await post(connections)
            assert (answered.status, answered.body) == (400, b"abcde")


async def test_an_answer_in_single_bytes_is_put_together() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        for byte in http_answer("200 OK", "body"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async with connections_to(drip) as connections:
        answered = await post(connections)
        assert (answered.status, answered.headers["x-amzn-requestid"], answered.body) == (200, "7b1c", b"body")


async def test_100_continue_is_not_the_answer() -> None:
    said = b"HTTP/1.1 100 Continue\r\n\r\n" + http_answer("200 OK")
    peers = Peers(lambda _, writer: writer.write(said))
    async with connections_to(peers) as connections:
        assert [(await post(connections)).status for _ in range(2)] == [200, 200]
        assert len(set(peers.peers)) == 1


async def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    def closing(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 503 Busy\r\n\r\nlater")
        writer.close()

    async with connections_to(Peers(closing)) as connections:
        answered = await post(connections)
        assert (answered.status, answered.body) == (503, b"later")


@pytest.mark.parametrize("odd", ["Connection: close\r\n", ""])
async def test_a_connection_that_is_to_close_or_says_too_much_is_not_used_again(odd: str) -> None:
    def handler(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer("200 OK", headers=odd) + (b"" if odd else http_answer("400 Not asked for")))

    peers = Peers(handler)
    async with connections_to(peers) as connections:
        assert [(await post(connections)).status for _ in range(3)] == [200, 200, 200]
        assert len(set(peers.peers)) == 3


async def test_what_comes_between_two_requests_answers_neither() -> None:
    writers: list[asyncio.StreamWriter] = []

    def handler(_: int, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(http_answer("200 OK"))

    peers = Peers(handler)
    async with connections_to(peers) as connections:
        await post(connections)
        writers[0].write(http_answer("400 Not asked for"))
        await writers[0].drain()
        await until(lambda: not connections.open_now)
        assert (await post(connections)).status == 200
        assert len(set(peers.peers)) == 2


async def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    first = asyncio.Event()

    async def handler(writer: asyncio.StreamWriter) -> None:
        if not first.is_set():
            first.set()
            await asyncio.sleep(0.2)
            writer.write(http_answer("400 Late"))
        else:
            writer.write(http_answer("200 OK"))

    async with connections_to(handler) as connections:
        with pytest.raises(TimeoutError):
            await post(connections, in_s=0.05)
        assert (await post(connections)).status == 200
        cancelled = asyncio.create_task(post(connections))
        await asyncio.sleep(0)
        cancelled.cancel()
        assert (await post(connections)).status == 200


async def test_a_connection_the_service_closed_meanwhile_is_not_used() -> None:
    writers: list[asyncio.StreamWriter] = []

    def handler(_: int, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(http_answer("200 OK"))

    async with connections_to(Peers(handler)) as connections:
        await post(connections)
        writers[0].close()
        await until(lambda: not connections.open_now)
        assert (await post(connections)).status == 200


async def test_there_are_never_more_connections_than_allowed() -> None:
    open_now, most = 0, 0

    async def handler(writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.01)
        open_now -= 1
        writer.write(http_answer("200 OK"))

    peers = Peers(lambda _, __: None)

    async def both(writer: asyncio.StreamWriter) -> None:
        await peers(writer)
        await handler(writer)

    async with connections_to(both, limit=3) as connections:
        answers = await asyncio.gather(*[post(connections) for _ in range(20)])
        assert {answered.status for answered in answers} == {200}
        assert most <= 3
        assert len(set(peers.peers)) <= 3


async def test_who_waits_for_a_connection_does_not_wait_for_ever() -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        """Never answers."""

    async with connections_to(silent, limit=1) as connections:
        outcomes = await asyncio.gather(*[post(connections, in_s=0.1) for _ in range(3)], return_exceptions=True)
        assert all(isinstance(outcome, TimeoutError) for outcome in outcomes)


async def test_idle_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.sink.personalize.connections.KEEP_ALIVE_S", 0.05)
    async with connections_to(Peers(lambda _, writer: writer.write(http_answer("200 OK")))) as connections:
        await asyncio.gather(*[post(connections) for _ in range(3)])
        assert connections.open_now
        await until(lambda: not connections.open_now)
        assert (await post(connections)).status == 200


async def test_the_next_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def two(*_: object, **__: object) -> list[tuple[Any, ...]]:
        return [(2, 1, 6, "", ("127.0.0.9", 0)), (2, 1, 6, "", ("127.0.0.1", 0))]

    async with connections_to(saying(http_answer("200 OK"))) as connections:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two)
        assert (await post(connections)).status == 200


async def test_who_waits_is_told_that_nothing_was_sent() -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        """Never answers."""

    async with connections_to(silent, limit=1) as connections:
        first = asyncio.create_task(post(connections, in_s=5.0))
        await asyncio.sleep(0)
        with pytest.raises(NotSentInTimeError):
            await post(connections, in_s=0.05)
        first.cancel()


async def test_an_early_deadline_is_kept_beside_a_late_one() -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        """Never answers."""

    async with connections_to(silent) as connections:
        ended: list[str] = []

        async def one(name: str, in_s: float) -> None:
            with pytest.raises(TimeoutError):
                await post(connections, in_s=in_s)
            ended.append(name)

        await asyncio.gather(one("late", 0.3), one("early", 0.05), one("between", 0.15))
        assert ended == ["early", "between", "late"]


async def test_calls_in_flight_are_told_when_the_connections_are_closed() -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        """Never answers."""

    async with connections_to(silent, limit=1) as connections:
        posts = [asyncio.create_task(post(connections)) for _ in range(3)]
        await until(lambda: connections.open_now == 1)
        await connections.close()
        outcomes = await asyncio.gather(*posts, return_exceptions=True)
        assert all(isinstance(outcome, OSError) for outcome in outcomes)
        assert not connections.open_now


async def test_one_that_cannot_connect_does_not_hold_up_the_next() -> None:
    connections = Connections("127.0.0.1", 9, tls=None, limit=1)
    outcomes = await asyncio.gather(*[post(connections) for _ in range(5)], return_exceptions=True)
    assert {type(outcome).__name__ for outcome in outcomes} == {"NotSentError"}
    await connections.close()


async def test_a_broken_answer_is_an_error_of_http() -> None:
    for answer in (b"HTTP/1.1 2x0 OK\r\n\r\n", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"):
        async with connections_to(Peers(lambda _, writer, answer=answer: writer.write(answer))) as connections:  # type: ignore[misc]  # mypy wants a type where none can stand
            with pytest.raises((HttpError, TimeoutError)):
                await post(connections, in_s=0.5)


async def test_trailers_that_do_not_end_are_cut_off() -> None:
    async def lecture(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"".join(b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(16)))
                await writer.drain()

    async with connections_to(lecture) as connections:
        with pytest.raises(HttpError, match="does not end"):
            await post(connections)
