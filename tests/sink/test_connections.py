"""Connections that are kept: an answer is only ever that to its own request, and what is odd is not used again."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aioboto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from relay.emulator import SECRET
from relay.sink.base import Delivered, Throttled, Unreachable
from relay.sink.personalize.connections import Answered, Connections, HttpError
from relay.sink.personalize.sink import PersonalizeSink
from tests.support.batches import batch
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


async def post(connections: Connections, *, in_s: float = 5.0) -> Answered:
    until_s = asyncio.get_running_loop().time() + in_s
    return await connections.post("/events", {"host": "h"}, b"{}", until_s=until_s)


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
        await until(lambda: not connections._idle[0].is_open)
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
        await until(lambda: not connections._idle[0].is_open)
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
        assert {type(outcome) for outcome in outcomes} == {TimeoutError}


async def test_idle_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.sink.personalize.connections.KEEP_ALIVE_S", 0.05)
    async with connections_to(Peers(lambda _, writer: writer.write(http_answer("200 OK")))) as connections:
        await asyncio.gather(*[post(connections) for _ in range(3)])
        assert connections._idle
        await until(lambda: not connections._idle)
        assert (await post(connections)).status == 200


async def test_the_next_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def two(*_: object, **__: object) -> list[tuple[Any, ...]]:
        return [(2, 1, 6, "", ("127.0.0.9", 0)), (2, 1, 6, "", ("127.0.0.1", 0))]

    async with connections_to(saying(http_answer("200 OK"))) as connections:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two)
        assert (await post(connections)).status == 200


async def test_a_line_break_in_a_header_is_never_sent() -> None:
    async with connections_to(saying(http_answer("200 OK"))) as connections:
        for name, value in (("x", "a\r\nevil: 1"), ("x", "a\nb"), ("x\r\ny", "a")):
            with pytest.raises(ValueError, match="line break"):
                await connections.post("/", {name: value}, b"", until_s=asyncio.get_running_loop().time() + 1)


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


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for 127.0.0.1, and the file with what to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(1))
        .not_valid_after(now + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    trusted, private = folder / "trusted.pem", folder / "private.pem"
    trusted.write_bytes(made.public_bytes(pem))
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted


def session() -> aioboto3.Session:
    return aioboto3.Session(aws_access_key_id="AKIDTEST", aws_secret_access_key=SECRET, region_name="us-east-1")


async def test_tls_is_spoken_and_only_to_whom_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"]}")
        writer.write(http_answer("200 OK"))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with PersonalizeSink(session=session(), endpoint_url=url) as sink:
            outcome = await sink.deliver(batch())
            assert isinstance(outcome, Unreachable)
            assert "certificate" in outcome.message.lower()
        monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
        async with PersonalizeSink(session=session(), endpoint_url=url) as sink:
            assert await sink.deliver(batch()) == Delivered("7b1c")


async def test_where_a_proxy_is_named_calls_go_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    throttled = http_answer("400 Bad Request", '{"__type":"ThrottlingException"}')
    async with raw_server(saying(http_answer("200 OK"), throttled)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with PersonalizeSink(session=session(), endpoint_url="http://personalize.example:8000") as sink:
            assert await sink.deliver(batch()) == Delivered("7b1c")
            assert isinstance(await sink.deliver(batch()), Throttled)
        assert proxy.requests[0].startswith(b"POST http://personalize.example:8000/events HTTP/1.1\r\n")
        assert b"host: personalize.example:8000\r\n" in proxy.requests[0].lower()


async def test_a_proxy_that_never_answers_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        """Never answers."""

    async with raw_server(silent) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        url = "http://personalize.example"
        async with PersonalizeSink(session=session(), endpoint_url=url, deadline_s=0.2) as sink:
            outcome = await sink.deliver(batch())
            assert isinstance(outcome, Unreachable)
            assert outcome.cause == "network"
