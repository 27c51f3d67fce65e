"""examples/deploy/traefik.yaml, read by Traefik itself, before a relay."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from tests.deploy.test_recipes import DEPLOY, program
from tests.support.browser import until
from tests.support.relay import ORIGIN, RunningEdge, running_edge

pytestmark = pytest.mark.process

SHOP = "events.shop.example"
SETTINGS = dict(re.findall(r"RELAY_(\w+)=(\"[^\"]*\"|\S+)", (DEPLOY / "traefik.yaml").read_text()))


@asynccontextmanager
async def traefik_before(relay: RunningEdge, folder: Path) -> AsyncGenerator[httpx2.AsyncClient]:
    """The file as it stands, but for the address of the relay and the certificate, which Traefik makes itself."""
    text = (DEPLOY / "traefik.yaml").read_text()
    assert "url: http://127.0.0.1:8080" in text
    text = text.replace("http://127.0.0.1:8080", relay.url).replace("tls: {certResolver: letsencrypt}", "tls: {}")
    (folder / "relay.yaml").write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program("traefik"),
            f"--entryPoints.websecure.address=127.0.0.1:{port}",
            f"--providers.file.filename={folder}/relay.yaml",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx2.AsyncClient(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Host": SHOP},
            verify=False,
        ) as http:

            async def answers() -> bool:
                try:
                    return (await http.get("/r/s.js")).status_code == 200
                except httpx2.TransportError:
                    return False

            await until(answers, within_s=30, otherwise=(folder / "log").read_text)
            yield http
    finally:
        process.terminate()
        await process.wait()


async def test_traefik_brings_beacons_with_the_secret_and_the_address_and_nothing_else(tmp_path: Path) -> None:
    assert set(SETTINGS) == {"CLIENT_IP_HEADER", "TRUSTED_PROXIES", "PROXY_SECRET"}
    settings = {name.lower(): value.strip('"') for name, value in SETTINGS.items()}
    async with (
        running_edge(**settings, rate_limit_ip="1/s") as relay,
        traefik_before(relay, tmp_path) as visitor,
    ):
        statuses = []
        for number in range(12):
            beacon = relay.beacon(session=f"session-of-a-visitor-{number}")
            made_up = {"Origin": ORIGIN, "X-Forwarded-For": f"203.0.113.{number}"}
            statuses.append((await visitor.post("/r/e", json=beacon, headers=made_up)).status_code)
        assert statuses[:10] == [202] * 10
        assert 429 in statuses[10:], "who makes addresses up is still one visitor"
        assert (await visitor.get("/api/v1/openapi.json")).status_code == 404, "for 10.0.0.0/8 alone"
        assert (await visitor.get("/readyz")).status_code == 404
        past = await relay.post(relay.beacon())
        assert past.status_code == 503, "past Traefik, without the secret"
