"""With the commands alone: an empty account, a shop's visitor in a real browser, 50,000 items, and away with it all."""

import asyncio
import csv
import json
import os
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.support.browser import ITEMS_BY_ID, chromium, until
from tests.support.http_server import serving
from tests.support.relay import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.faults, pytest.mark.timeout(300)]

ITEMS = 50_000
BAD_EVERY = 100
LEAST_CALLS = (ITEMS - ITEMS // BAD_EVERY) // 10
IN_FLIGHT = 64
"""Calls a killed run may have made without noting it, and does again."""


@dataclass
class Shell:
    """What a person at a terminal has: a folder, variables, the command."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict[str, str])

    @asynccontextmanager
    async def started(self, *arguments: str) -> AsyncGenerator[Process]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "relay", *arguments),
            env=os.environ | {"PYTHONPATH": str(ROOT)} | self.env,
            cwd=self.folder,
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    @asynccontextmanager
    async def serving(self, *arguments: str, banner: str) -> AsyncGenerator[tuple[Process, str]]:
        """A command that runs on; its address, which `banner` finds in its first line."""
        async with self.started(*arguments) as process:
            assert process.stdout is not None
            async with asyncio.timeout(20):
                line = (await process.stdout.readline()).decode()
            match = re.match(banner, line)
            assert match, line
            yield process, match[1]

    async def run(self, *arguments: str, code: int = 0) -> str:
        async with self.started(*arguments) as process:
            out, err = await process.communicate()
            assert process.returncode == code, err.decode()
            return out.decode()


async def test_from_nothing_to_events_and_items_and_away_again(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    started_s = int(time.time())
    emulator = ("emulator", "--port", "0", "--state-seconds", "0.2", "--quota-put-records", "100000")
    async with shell.serving(*emulator, banner=r"Emulator ready: (\S+)") as (_, aws), httpx2.AsyncClient() as http:
        shell.env |= {
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIDTEST",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_ENDPOINT_URL_PERSONALIZE": aws,
            "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": aws,
        }
        made = json.loads(
            await shell.run("setup", "--name", "shop", "--domain", "e-commerce", "--items", "ready", "--json")
        )
        tracker = made["eventTracker"]
        async with serving_shop() as shop:
            shell.env |= {
                "RELAY_SECRET_KEYS": (await shell.run("token", "keygen")).strip(),
                "RELAY_TRACKING_ID": tracker["trackingId"],
                "RELAY_ALLOWED_ORIGINS": shop.origin,
                "RELAY_EVENT_TYPES": "View,Click,Purchase",
                "RELAY_PORT": "0",
                "RELAY_ADMIN_PORT": "0",
                "RELAY_BOTS": "keep",  # the visitor is a headless Chromium
            }
            await shell.run("check")
            async with shell.serving("serve", banner=r"relay on (http://[^/]+)/r, ") as (relay, relay_url):
                shop.tag = (await shell.run("snippet", "--url", relay_url)).replace("<script", "<script data-debug")
                await visit(shop.origin, identity=(await shell.run("token", "identity", "anna")).strip())
                await until(lambda: taken(http, aws, 3))
                await put_items(shell, http, aws, made["datasetArns"]["Items"])
                relay.send_signal(signal.SIGTERM)
                assert await relay.wait() == 0
        status = json.loads(await shell.run("spool", "status", "--json"))
        assert (status["accepted"], status["delivered"], status["pending"]) == (3, 3, 0)
        await interactions_are_as_expected(http, aws, not_before_s=started_s)
        await items_are_as_expected(http, aws, tmp_path)
        await shell.run("tracker", "delete", tracker["eventTrackerArn"], "--wait")
        assert json.loads(await shell.run("tracker", "list", "--json")) == []


@dataclass
class Shop:
    """A page of another origin than the relay's."""

    origin: str
    tag: str = ""

    async def page(self, _: Request) -> Response:
        return HTMLResponse(
            f"""<!doctype html><title>Shop</title>{self.tag}
            <section data-relay-list data-relay-recommendation-id="RID-1" data-relay-source="home">
              <a data-relay-item="p1" href="#p1">One</a> <a data-relay-item="p2" href="#p2">Two</a>
            </section>
            <main data-relay-view="p3">Three</main>
            <button data-relay-item="p1" data-relay-event="Purchase" data-relay-value="12.5">Buy one</button>"""
        )


@asynccontextmanager
async def serving_shop() -> AsyncGenerator[Shop]:
    shop = Shop("")
    async with serving(Starlette(routes=[Route("/", shop.page)])) as url:
        shop.origin = url
        yield shop


async def visit(url: str, *, identity: str) -> None:
    """Look, click, log in, buy, and close the page at once."""
    async with chromium() as browser:
        page: Page = await browser.new_page()
        await page.add_init_script(ITEMS_BY_ID)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await page.goto(url)
        await until(lambda: {"[relay] seen p1", "[relay] seen p2"} <= set(said), otherwise=lambda: said)
        await page.click("text=One")
        await page.evaluate("token => relay('user', token)", identity)
        await page.click("text=Buy one")
        await page.close(run_before_unload=False)


async def taken(http: httpx2.AsyncClient, aws: str, count: int) -> bool:
    figures = (await http.get(f"{aws}/_emulator/stats")).json()
    return bool(figures["events_distinct"] == count)


async def put_items(shell: Shell, http: httpx2.AsyncClient, aws: str, arn: str) -> None:
    """Killed in the middle, then done."""

    async def calls() -> int:
        return int((await http.get(f"{aws}/_emulator/stats")).json()["calls"].get("PutItems", 0))

    async def halfway() -> bool:
        return await calls() > LEAST_CALLS / 2

    price = {0: "dear", 1: "-", 2: ""}
    lines = (f"p{n},{price[n % 3] if is_bad(n) else n / 100},lamps|light,1400000000" for n in range(ITEMS))
    (shell.folder / "items.csv").write_text(
        "ITEM_ID,PRICE,CATEGORY_L1,CREATION_TIMESTAMP\n" + "\n".join(lines) + "\n", "utf-8"
    )
    command = ("put", "items", "items.csv", "--dataset-arn", arn, "--calls-per-s", "100000")
    async with shell.started(*command) as process:
        await until(halfway, within_s=100)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
    assert await calls() < LEAST_CALLS
    await shell.run(*command)
    assert LEAST_CALLS <= await calls() <= LEAST_CALLS + IN_FLIGHT
    await shell.run(*command, code=3)


def is_bad(number: int) -> bool:
    return number % BAD_EVERY == 7


async def items_are_as_expected(http: httpx2.AsyncClient, aws: str, folder: Path) -> None:
    kept = {}
    for line in (await http.get(f"{aws}/_emulator/items")).text.splitlines():
        item: dict[str, Any] = json.loads(line)
        kept[item["itemId"]] = item["properties"]
    expected = {"categoryL1": "lamps|light", "creationTimestamp": 1_400_000_000}
    assert kept == {f"p{n}": {"price": n / 100} | expected for n in range(ITEMS) if not is_bad(n)}
    rejected = [json.loads(line) for line in (folder / "items.csv.rejected.jsonl").read_text("utf-8").splitlines()]
    assert len(rejected) == ITEMS // BAD_EVERY
    assert all(row["reason"] for row in rejected)


async def interactions_are_as_expected(http: httpx2.AsyncClient, aws: str, *, not_before_s: int) -> None:
    rows = list(csv.DictReader((await http.get(f"{aws}/_emulator/interactions.csv")).text.splitlines()))
    assert all(not_before_s <= int(row["TIMESTAMP"]) <= time.time() for row in rows)
    assert [tuple(value for name, value in row.items() if name != "TIMESTAMP") for row in rows] == [
        ("anna", "p3", "View", "", "", ""),
        ("anna", "p1", "Click", "", "RID-1", "p1|p2"),
        ("anna", "p1", "Purchase", "12.5", "RID-1", ""),
    ]
