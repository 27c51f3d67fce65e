"""Running relays for tests: the edge alone over a spool in memory, and the whole."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from relay.compose.edge import make_edge
from relay.compose.lifecycle import Stop, running
from relay.compose.relay import Relay
from relay.core.bundled import bundled
from relay.core.clock import Clock, SystemClock
from relay.core.settings import Settings
from relay.core.settings_loading import load_settings
from relay.core.telemetry import Metrics
from relay.identity.tokens import SiteClaims, Tokens, mint_identity
from relay.insight.insight import Insight
from relay.insight.minute_rows import MemoryStore
from relay.spool.contract import Spool
from relay.spool.memory import MemorySpool
from relay.web.app import create_admin_app
from relay.web.listener import bind, listening
from relay.web.public import listening_for_beacons
from relay.web.routes.edge import Edge
from relay.web.routes.snippet_file import SnippetFile
from relay.web.routes.snippet_shelf import make_shelf
from tests.support.emulator import TRACKING_ID
from tests.support.records import Event, events_of

KEY: Final = "test-key-" * 4
ORIGIN: Final = "https://shop.example"
SESSION: Final = "0b6e9d3c5a7f41e28c90d1b2a3f4e5d6"


ROOT: Final = Path(__file__).parent.parent.parent


def relay_environ(**changes: str) -> dict[str, str]:
    """Variables of a relay on free ports, without rate limits; `port="1"` is `RELAY_PORT=1`."""
    environ = {
        "RELAY_SECRET_KEYS": KEY,
        "RELAY_TRACKING_ID": TRACKING_ID,
        "RELAY_ALLOWED_ORIGINS": ORIGIN,
        "RELAY_SPOOL_URL": "memory:",
        "RELAY_PORT": "0",
        "RELAY_ADMIN_PORT": "0",
        "RELAY_RATE_LIMIT_IP": "off",
        "RELAY_RATE_LIMIT_SESSION": "off",
    }
    return environ | {f"RELAY_{name.upper()}": value for name, value in changes.items()}


def make_settings(config: Path | str | None = None, **changes: str) -> Settings:
    """What `relay_environ` and a settings file say."""
    return load_settings(relay_environ(**changes), config=Path(config) if config else None)


@dataclass(frozen=True, kw_only=True)
class Client:
    """What a page, or a backend, does."""

    http: httpx2.AsyncClient
    url: str
    """Of the public listener."""
    admin_url: str
    settings: Settings
    clock: Clock

    @property
    def site_token(self) -> str:
        return Tokens(self.settings.keys(), clock=self.clock).mint(SiteClaims(self.settings.site))

    def login(self, user_id: str, **options: Any) -> str:
        """An identity token."""
        return mint_identity(user_id, secret_key=KEY, clock=self.clock, **options)

    def beacon(self, *events: object, session: str = SESSION, **fields: object) -> dict[str, object]:
        """A beacon of these events, or of one."""
        default = {"eventType": "View", "itemId": "p1"}
        return {
            "v": 1,
            "token": self.site_token,
            "sessionId": session,
            "sentAt": self.clock.now_ms(),
            "eventList": list(events) or [default],
        } | fields

    async def post(self, body: object, **headers: str) -> httpx2.Response:
        """Post a body to `/r/e`, as a page of the allowed origin unless the headers say otherwise."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"origin": ORIGIN} | {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name.encode(): value.encode() for name, value in named.items() if value}
        return await self.http.post(f"{self.url}{self.settings.prefix}/e", content=content, headers=kept)

    async def send(self, *events: object, **fields: Any) -> dict[str, Any]:
        """Post a beacon that must be taken; the answer."""
        answer = await self.post(self.beacon(*events, **fields))
        assert answer.status_code == 202, answer.text
        decoded: dict[str, Any] = answer.json()
        return decoded


@dataclass(frozen=True, kw_only=True)
class RunningEdge(Client):
    """The edge over a spool that delivers nowhere."""

    edge: Edge
    spool: Spool

    async def records(self) -> list[Event]:
        """Every event that waits in the spool; leases it."""
        if not self.spool.stats().pending:
            return []
        leases = await self.spool.lease(max_sessions=1000)
        return events_of(record for lease in leases for record in lease.records)


@asynccontextmanager
async def running_edge(
    *,
    clock: Clock | None = None,
    spool: Spool | None = None,
    config: Path | str | None = None,
    straight: bool = True,
    **settings: str,
) -> AsyncGenerator[RunningEdge]:
    """The edge on its two listeners, real HTTP, with a spool in memory and nothing that empties it.

    Args:
        clock: Of the relay.
        spool: Instead of one in memory.
        config: A settings file.
        straight: Without it beacons are run as ASGI.
        settings: `port="1"` is `RELAY_PORT=1`.
    """
    chosen = make_settings(config, **settings)
    clock = clock or SystemClock()
    spool = spool or MemorySpool(clock=clock, max_bytes=chosen.spool_max_bytes, binding_ttl_s=chosen.binding_ttl_s)
    metrics = Metrics()
    metrics.watch_spool(spool.stats, clock)
    insight = Insight(store=MemoryStore(), clock=clock, metrics=metrics, spool=spool)
    spool.watch(insight)
    edge = make_edge(
        chosen,
        spool=spool,
        metrics=metrics,
        clock=clock,
        insight=insight,
        snippets=make_shelf(
            SnippetFile.read(bundled("snippet")),
            SnippetFile.read(bundled("snippet"), "inspect.js"),
            releases=bundled("snippet_releases"),
        ),
        problems=list,
    )
    admin_app = create_admin_app(lambda: nullcontext(edge), hosts=chosen.admin_hosts)
    async with (
        insight,
        listening_for_beacons(
            lambda: nullcontext(edge),
            bind("127.0.0.1", 0, variable="RELAY_PORT"),
            prefix=chosen.prefix,
            grace_s=1,
            straight=straight,
        ) as public,
        listening(admin_app, bind("127.0.0.1", 0, variable="RELAY_ADMIN_PORT"), grace_s=1) as admin,
        httpx2.AsyncClient(timeout=15, limits=httpx2.Limits(max_connections=None)) as http,
    ):
        yield RunningEdge(
            http=http, url=public.url, admin_url=admin.url, settings=chosen, clock=clock, edge=edge, spool=spool
        )


@dataclass(frozen=True, kw_only=True)
class RunningRelay(Client):
    """A whole relay in this process."""

    relay: Relay

    async def delivered(self) -> None:
        """Return once nothing waits in the spool any more."""
        await until(lambda: self.relay.edge.spool.stats().pending == 0)


@asynccontextmanager
async def running_relay(
    *, env: Mapping[str, str] | None = None, config: Path | str | None = None, **settings: str
) -> AsyncGenerator[RunningRelay]:
    """A whole relay on free ports, its spool in memory unless the settings say otherwise.

    Args:
        env: AWS variables, such as an emulator's.
        config: A settings file.
        settings: `port="1"` is `RELAY_PORT=1`.
    """
    chosen = make_settings(config, **settings)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        async with running(chosen, stop=Stop()) as relay, httpx2.AsyncClient(timeout=15) as http:
            yield RunningRelay(
                http=http,
                url=relay.url,
                admin_url=relay.admin_url,
                settings=chosen,
                clock=SystemClock(),
                relay=relay.relay,
            )


async def until(condition: Callable[[], bool], *, deadline_s: float = 15.0) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not come true in time.
    """
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - the state of another process or task has no event
            await asyncio.sleep(0.01)


@dataclass(frozen=True, kw_only=True)
class ServedRelay(Client):
    """A relay in a process of its own, started by the command."""

    process: Process
    folder: Path

    async def ended(self) -> int:
        """The exit code, once it has ended."""
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def served_relay(
    folder: Path, *, env: Mapping[str, str] | None = None, **settings: str
) -> AsyncGenerator[ServedRelay]:
    """`personalize-relay serve` in `folder`, its spool a file there; killed at the end if it still runs.

    Args:
        folder: Its working directory.
        env: AWS variables, such as an emulator's.
        settings: `port="1"` is `RELAY_PORT=1`.
    """
    environ = relay_environ(**{"spool_url": "sqlite:///spool.db", **settings})
    with (folder / "stderr").open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "relay", "serve"),
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environ | dict(env or {}),
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):  # ten seconds of it where the machine is busy
            banner = (await process.stdout.readline()).decode()
        match = re.fullmatch(r"relay on (\S+)/r, admin on (\S+)\n", banner)
        assert match, (banner, (folder / "stderr").read_text())
        async with httpx2.AsyncClient(timeout=15) as http:
            yield ServedRelay(
                http=http,
                url=match[1],
                admin_url=match[2],
                settings=load_settings(environ),
                clock=SystemClock(),
                process=process,
                folder=folder,
            )
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
