"""docs/upgrade.md, line by line: from the release before to this one and back, with a page open and events waiting."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from relay.core.version import VERSION
from relay.tokens import mint_identity
from tests.docs.blocks import blocks
from tests.docs.stage.host import RELEASES, Host, host_with
from tests.support.browser import chromium, until
from tests.support.demo import free_ports
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.http_server import serving
from tests.support.relay import KEY, relay_environ
from tests.support.tree import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.process]

BEFORE = "0.1.0"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
"""Of a browser with a head: the new version leaves the others out."""
OFFLINE = {"server_error": {"rate": 1, "status": 503}}


@asynccontextmanager
async def shop(tag: list[str]) -> AsyncGenerator[str]:
    """A site of one page that has `tag[0]` in it."""

    async def page(_: Request) -> Response:
        return HTMLResponse(f"<!doctype html><title>shop</title>{tag[0]}<main>a page</main>")

    async with serving(Starlette(routes=[Route("/", page)])) as url:
        yield url


async def happened(page: Page, item: str) -> None:
    """The page tells of one event, and does not wait for it to arrive."""
    await page.evaluate("item => { relay('event', 'View', {itemId: item}); relay('flush') }", item)


async def answered(page: Page) -> dict[str, Any]:
    """Everything the page had is with the relay, or was given up."""
    result: dict[str, Any] = await page.evaluate("new Promise(done => relay('flush', done))")
    return result


def told(emulator: RunningEmulator) -> list[tuple[str, str | None]]:
    """(item, user) of every event the service took, in order."""
    return [(event["itemId"], body.get("userId")) for body in emulator.bodies() for event in body["eventList"]]


async def faults(emulator: RunningEmulator, wanted: dict[str, Any]) -> None:
    async with httpx2.AsyncClient() as http:
        (await http.put(f"{emulator.url}/_emulator/faults", json=wanted)).raise_for_status()


def test_the_notes_begin_with_this_version_and_come_from_the_one_before() -> None:
    paper = (ROOT / "docs/upgrade.md").read_text()
    first = re.search(r"^### (.*)$", paper, re.MULTILINE)
    assert first
    assert first[1] == f"{VERSION}, from {BEFORE}"
    assert f"personalize-relay=={VERSION}'" in paper
    assert (RELEASES / f"personalize_relay-{BEFORE}-py3-none-any.whl").exists()


@pytest.mark.timeout(600)
async def test_an_upgrade_and_the_way_back_lose_nothing_and_the_open_page_goes_on(tmp_path: Path, wheels: Path) -> None:
    upgrade, look, back = (block.text for block in blocks("docs/upgrade.md", "sh"))
    tag = [""]
    port = free_ports(2)
    async with running_emulator() as emulator, shop(tag) as origin, chromium() as browser:
        settings = relay_environ(
            spool_url="sqlite:///relay-spool.db",
            allowed_origins=origin,
            port=str(port),
            admin_port=str(port + 1),
            drain_s="2",
            tracking_id=emulator.tracking_id,
        )
        async with host_with(BEFORE, tmp_path, wheels, settings | emulator.env) as host:
            await host.run("systemctl start personalize-relay")
            tag[0] = (await host.run(f"personalize-relay snippet --url {host.url} {await pinned(host)}")).out.strip()
            visitor = await browser.new_context(user_agent=USER_AGENT)
            page = await visitor.new_page()
            await page.goto(origin)
            session = await page.evaluate("new Promise(done => relay('session', done))")

            # Under the release before: one event delivered, then the service is away and the next ones wait.
            await happened(page, "delivered-before")
            await until(lambda: told(emulator) == [("delivered-before", None)], otherwise=host.log)
            await faults(emulator, OFFLINE)
            await happened(page, "waits")
            assert (await answered(page))["pending"] == 0
            await page.evaluate(
                "token => relay('user', token)", mint_identity("ann", secret_key=KEY, session_id=session, ttl_s=3600)
            )
            await happened(page, "waits-signed-in")
            assert (await answered(page))["pending"] == 0
            assert await host.pending() == 2

            # While the relay is away the page keeps what happens.
            before_start, start = upgrade.split("systemctl start")
            await host.run(before_start)
            await happened(page, "made-meanwhile")
            await host.run("systemctl start" + start)
            assert f"personalize-relay {VERSION}" in (await host.run("pip freeze")).out.replace("==", " ")
            await faults(emulator, {})
            expected = [
                ("delivered-before", None),
                *((item, "ann") for item in ("waits", "waits-signed-in", "made-meanwhile")),
            ]
            await until(
                lambda: told(emulator) == expected, within_s=120, otherwise=lambda: (told(emulator), host.log())
            )

            # What the page pinned is still there, for the next visitor of a cached page.
            another = await visitor.new_page()
            await another.goto(origin)
            await happened(another, "pinned-to-the-release-before")
            expected.append(("pinned-to-the-release-before", "ann"))
            await until(
                lambda: told(emulator) == expected, within_s=120, otherwise=lambda: (told(emulator), host.log())
            )
            assert (await answered(another))["pending"] == 0
            await another.close()

            # And back, while pages go on.
            stop, *rest = look.splitlines()
            await host.run(stop)
            assert '"pending": 0' in (await host.run("\n".join(rest))).out
            await happened(page, "on-the-way-back")
            await host.run(back)
            expected.append(("on-the-way-back", "ann"))
            await until(
                lambda: told(emulator) == expected, within_s=120, otherwise=lambda: (told(emulator), host.log())
            )
            assert (await answered(page))["pending"] == 0
            ids = [event["eventId"] for body in emulator.bodies() for event in body["eventList"]]
            assert len(set(ids)) == len(ids)

            # The older relay leaves a newer spool as it is, and the newer one goes on with it.
            await host.run("systemctl stop personalize-relay && rm -r relay-spool.db* && cp -a newer/relay-spool.db* .")
            refused = await host.run("personalize-relay serve", fails=True)
            assert refused.code == 1
            assert "version 3" in refused.err
            await host.run(f"pip install -q 'personalize-relay=={VERSION}' && systemctl start personalize-relay")
            await happened(page, "newer-again")
            expected.append(("newer-again", "ann"))
            await until(
                lambda: told(emulator) == expected, within_s=120, otherwise=lambda: (told(emulator), host.log())
            )


async def pinned(host: Host) -> str:
    """The option that pins, where the version has it: 0.1.0 always did."""
    return "--pin" if "--pin" in (await host.run("personalize-relay snippet --help")).out else ""
