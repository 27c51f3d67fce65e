"""TLS, and calls through a proxy."""

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path

import aioboto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from relay.emulator import SECRET
from relay.sink.base import Delivered, Throttled, Unreachable
from relay.sink.personalize.sink import PersonalizeSink
from tests.support.batches import batch
from tests.support.raw_server import http_answer, raw_server, saying


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
