"""The sites of examples/embed, started as they stand, with a browser in them and a relay beside or inside them."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Page

from examples.embed.fastapi_app import create_app as create_fastapi_app
from relay.core.clock import SystemClock
from relay.tokens import SiteClaims, Tokens
from tests.support.browser import chromium, until
from tests.support.demo import free_ports
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.http_server import serving
from tests.support.relay import KEY, ORIGIN, relay_environ, running_relay
from tests.support.tree import ROOT

COMMANDS = {"flask_site": "flask --app flask_site run --port", "django_site": "uvicorn django_site:app --port"}


@asynccontextmanager
async def site(name: str, port: int, **variables: str) -> AsyncGenerator[str]:
    """The site as its docstring starts it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *COMMANDS[name].split(), str(port)),
        cwd=ROOT / "examples/embed",
        env=os.environ | {"PYTHONPATH": str(ROOT), "APP_SECRET": "of-the-site-and-of-nobody-else"} | variables,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}"
    try:
        async with httpx2.AsyncClient() as http:

            async def answers() -> bool:
                assert process.returncode is None
                try:
                    return (await http.get(url)).status_code == 200
                except httpx2.TransportError:
                    return False

            await until(answers, within_s=60)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def told(emulator: RunningEmulator) -> list[tuple[str, str | None]]:
    """(session, user) of each view that arrived, in order."""
    return [(event["sessionId"], event.get("userId")) for event in emulator.events()]


@pytest.mark.browser
@pytest.mark.parametrize("name", COMMANDS)
async def test_a_site_beside_a_relay_says_who_is_signed_in_and_who_has_left(name: str) -> None:
    port = free_ports(1)
    async with (
        running_emulator() as emulator,
        running_relay(
            env=emulator.env, tracking_id=emulator.tracking_id, allowed_origins=f"http://localhost:{port}", bots="keep"
        ) as relay,
        site(name, port, RELAY_SECRET_KEYS=KEY, RELAY_URL=relay.url, RELAY_SITE_TOKEN=relay.site_token) as url,
        chromium() as browser,
    ):
        page = await browser.new_page()
        await page.goto(url)
        await until(lambda: len(told(emulator)) == 1)
        await page.get_by_role("button", name="/login").click()
        await page.get_by_role("button", name="/logout").wait_for()
        await until(lambda: len(told(emulator)) == 2)
        assert (await status_for(page, f"{url}/relay-identity")) == 200
        await page.get_by_role("button", name="/logout").click()
        await page.get_by_role("button", name="/login").wait_for()
        await until(lambda: len(told(emulator)) == 3)
        (first, nobody), (second, ann), (third, left) = told(emulator)
        assert (nobody, ann, left) == (None, "user-42", None)
        assert first == second != third


async def status_for(page: Page, url: str) -> int:
    """What the page itself is answered, with its cookies."""
    status: int = await page.evaluate("url => fetch(url).then(answer => answer.status)", url)
    return status


async def test_fastapi_with_the_relay_in_it_serves_both_and_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_emulator() as emulator:
        variables = relay_environ(tracking_id=emulator.tracking_id, spool_url=f"sqlite:///{tmp_path}/spool.db")
        for name, text in (variables | emulator.env).items():
            monkeypatch.setenv(name, text)
        async with serving(create_fastapi_app()) as url, httpx2.AsyncClient() as http:
            assert (await http.get(f"{url}/stock/p1")).json() == {"item": "p1", "left": 3}
            assert (await http.get(f"{url}/r/s.js")).status_code == 200
            assert "/r/e" not in (await http.get(f"{url}/openapi.json")).json()["paths"]
            beacon = {
                "v": 1,
                "token": site_token(),
                "sessionId": "a-session-of-fastapi",
                "eventList": [{"eventType": "View", "itemId": "p1"}],
            }
            answer = await http.post(f"{url}/r/e", content=json.dumps(beacon), headers={"origin": ORIGIN})
            assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
        assert [event["itemId"] for event in emulator.events()] == ["p1"], "leaving the lifespan drains"


def site_token() -> str:
    """As `personalize-relay token site` prints it."""
    return Tokens([KEY], clock=SystemClock()).mint(SiteClaims("default"))
