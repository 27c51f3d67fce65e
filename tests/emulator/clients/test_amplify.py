"""Amplify, unmodified, in real Chromium: it calls the service's own host name, and the emulator answers there."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from relay.emulator import create_app
from tests.support.browser import chromium
from tests.support.emulator import TRACKING_ID, running_emulator
from tests.support.http_server import serving

HOST: Final = "personalize-events.us-east-1.amazonaws.com"
JS: Final = Path(__file__).parents[1] / "js"
ESBUILD: Final = Path(__file__).parents[3] / "js-snippet" / "node_modules" / ".bin" / "esbuild"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(  # reason: a run of this file alone; make test installs node and the packages
        shutil.which("node") is None or not ESBUILD.exists() or not (JS / "node_modules" / "@aws-amplify").is_dir(),
        reason="npm ci in js-snippet and tests/emulator/js first",
    ),
]


@pytest.fixture
async def shop() -> AsyncGenerator[str]:
    """The URL of a page with Amplify in it, of an origin of its own."""
    bundle = await asyncio.create_subprocess_exec(
        ESBUILD, "amplify.mjs", "--bundle", "--format=iife", cwd=JS, stdout=asyncio.subprocess.PIPE
    )
    script, _ = await bundle.communicate()
    assert bundle.returncode == 0

    async def page(_: Request) -> Response:
        return HTMLResponse('<!doctype html><link rel="icon" href="data:,"><script src="/a.js"></script>')

    async def amplify(_: Request) -> Response:
        return Response(script, media_type="text/javascript; charset=utf-8")

    async with serving(Starlette(routes=[Route("/", page), Route("/a.js", amplify)])) as url:
        yield url


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, Any]:
    """For the service's host name; signed by nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {"ssl_certfile": str(tmp_path / "cert.pem"), "ssl_keyfile": str(tmp_path / "key.pem")}


async def test_amplify_in_chromium_delivers_its_events(shop: str, certificate: dict[str, Any]) -> None:
    async with running_emulator(state_seconds=0) as running:
        emulator = running.emulator
        async with serving(create_app(emulator), stopping=emulator.closing.set, **certificate) as url:
            port = url.rpartition(":")[2]
            rules = f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{port}"
            async with chromium(args=(rules,)) as browser:
                context = await browser.new_context(ignore_https_errors=True)
                page = await context.new_page()
                await page.goto(shop)
                await page.evaluate("id => start(id)", TRACKING_ID)
                async with page.expect_response(f"https://{HOST}/events") as response:
                    await page.evaluate("click('ada', 'p1')")
                answer = await response.value
                assert answer.status == 200
                assert (await answer.request.all_headers())["origin"] == shop
        events = running.events()
        assert [(event["eventType"], event["properties"]) for event in events] == [("Click", '{"itemId":"p1"}')]
        assert emulator.caught_up().statistics.as_json()["events_without_item"] == 0
        [*_, call] = emulator.calls.after(0, operation="PutEvents")
        assert call.access_key_id == "AMPLIFY"
