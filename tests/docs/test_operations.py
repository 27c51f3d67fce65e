"""docs/operations.md, its commands typed on a host where what they are for has happened; docs/identity.md's, too."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.core.clock import SystemClock
from relay.core.settings_loading import load_settings
from relay.emulator.wire.faults import FaultSpec
from relay.tokens import mint_identity
from tests.docs.blocks import blocks
from tests.docs.stage.host import Host, in_order
from tests.support.browser import until
from tests.support.demo import free_ports
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.http_server import serving
from tests.support.relay import KEY, Client, relay_environ

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

PAPER = "docs/operations.md"
NOW = SystemClock()


def block(*words: str) -> str:
    """The one block of the paper that has these words."""
    (found,) = [one.text for one in blocks(PAPER, "sh") if all(word in one.text for word in words)]
    return found


@asynccontextmanager
async def visited(
    folder: Path, environment: Path, emulator: RunningEmulator, **changes: str
) -> AsyncGenerator[tuple[Host, Client]]:
    """A host whose relay runs, and who visits it."""
    port = free_ports(2)
    settings = relay_environ(
        **{
            "spool_url": "sqlite:///relay-spool.db",
            "port": str(port),
            "admin_port": str(port + 1),
            "drain_s": "0.5",
            "tracking_id": emulator.tracking_id,
        }
        | changes
    )
    host = Host(folder, settings | emulator.env, Path(), environment=environment)
    async with in_order(host), httpx2.AsyncClient() as http:
        await host.run("systemctl start personalize-relay")
        yield (
            host,
            Client(http=http, url=host.url, admin_url=host.admin_url, settings=load_settings(host.settings), clock=NOW),
        )


async def restarted(host: Host, **changes: str) -> None:
    host.settings.update(changes)
    host.write_settings()
    await host.run("systemctl restart personalize-relay")


def view(item: str) -> dict[str, str]:
    return {"eventType": "View", "itemId": item}


def items(emulator: RunningEmulator) -> list[str]:
    return [event["itemId"] for event in emulator.events()]


@asynccontextmanager
async def small_proxy() -> AsyncGenerator[str]:
    """Something between here and AWS that finds every call too large."""

    async def refuse(_: Request) -> Response:
        return Response("too large", 413)

    async with serving(Starlette(routes=[Route("/{path:path}", refuse, methods=["POST"])])) as url:
        yield url


async def test_events_of_a_tracker_that_is_gone_go_to_the_new_one(tmp_path: Path, environment: Path) -> None:
    async with (
        running_emulator() as emulator,
        visited(tmp_path, environment, emulator, tracking_id="gone") as (host, visitor),
    ):
        await visitor.send(
            *({**view(item), "eventId": f"of-{item}"} for item in ("lamp", "rug")), identity=visitor.login("ann")
        )
        assert await host.pending() == 2
        host.settings["RELAY_TRACKING_ID"] = emulator.tracking_id
        host.write_settings()
        lines = block("--tracking-id OLD").replace("OLD", "gone").replace("NEW", emulator.tracking_id)
        await host.run(lines)
        assert {(one["eventId"], one["userId"]) for one in emulator.events()} == {("of-lamp", "ann"), ("of-rug", "ann")}
        await visitor.send(view("mug"))
        await until(lambda: "mug" in items(emulator), otherwise=host.log)


async def test_buried_events_are_looked_at_replayed_and_forgotten(tmp_path: Path, environment: Path) -> None:
    async with (
        small_proxy() as proxy,
        running_emulator() as emulator,
        visited(tmp_path, environment, emulator) as (host, visitor),
    ):

        async def buried() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = json.loads((await host.run("personalize-relay spool buried --json")).out)
            return found

        async def so_many(count: int) -> bool:
            return len(await buried()) == count

        await restarted(host, AWS_ENDPOINT_URL_PERSONALIZE_EVENTS=proxy)
        await visitor.send(view("too-large-for-the-proxy"))
        await until(lambda: so_many(1), within_s=60, otherwise=host.log)
        await restarted(host, **emulator.env)
        emulator.emulator.faults.apply(FaultSpec(refuse_items=["p17", "p18"]))
        await visitor.send(view("p17"), view("p18"), view("good"))
        await until(lambda: so_many(3), within_s=60, otherwise=host.log)
        assert items(emulator) == ["good"]
        emulator.emulator.faults.apply(FaultSpec())

        refused, also_refused = sorted(one["id"] for one in await buried() if one["reason"] != "HTTP413")
        look, show, replay, discard, by_reason = block("spool replay 17 18").splitlines()
        assert "p17" not in (await host.run(look)).out
        assert "p17" in (await host.run(show)).out
        await host.run(discard.replace("17", str(refused)))
        await host.run(replay.replace("17 18", str(also_refused)))
        await host.run(by_reason)
        await until(
            lambda: sorted(items(emulator)) == ["good", "p18", "too-large-for-the-proxy"],
            within_s=60,
            otherwise=lambda: (items(emulator), host.log()),
        )

        emulator.emulator.faults.apply(FaultSpec(refuse_items=["p19"]))
        await visitor.send(view("p19"))
        await until(lambda: so_many(1), within_s=60, otherwise=host.log)
        by_target = block("jq -r")
        await host.run(by_target)
        assert await so_many(1), "of another target"
        await host.run(by_target.replace("OLD", emulator.tracking_id))
        assert await so_many(0)


async def test_an_erased_person_is_gone_and_stays_refused(tmp_path: Path, environment: Path) -> None:
    user, deletions, session = block("spool erase --user U").splitlines()
    async with running_emulator() as emulator, visited(tmp_path, environment, emulator) as (host, visitor):
        emulator.emulator.faults.apply(FaultSpec(server_error=1.0))
        await visitor.send(view("of-u"), identity=visitor.login("U"), session="session-of-the-user-u")
        await visitor.send(view("of-s"), session="session-of-nobody-known")
        await visitor.send(view("of-another"), session="session-of-somebody-else")
        assert await host.pending() == 3
        await host.run(user)
        assert await host.pending() == 2
        await host.run(deletions)
        assert (tmp_path / "deletions.csv").read_text().splitlines() == ["USER_ID", "U"]
        await host.run(session.replace("--session S", "--session session-of-nobody-known"))
        assert await host.pending() == 1
        again = await visitor.send(view("u-again"), identity=visitor.login("U"), session="another-session-of-u-1")
        assert again["identity"] == "invalid"
        emulator.emulator.faults.apply(FaultSpec())
        await until(lambda: len(items(emulator)) == 2, within_s=60, otherwise=host.log)
        assert set(items(emulator)) == {"of-another", "u-again"}
        assert all("userId" not in one for one in emulator.events())


async def test_a_copy_made_beside_the_relay_starts_and_moves_into_another_spool(
    tmp_path: Path, environment: Path
) -> None:
    for folder in ("backup", "var"):
        (tmp_path / folder).mkdir()
    async with running_emulator() as emulator, visited(tmp_path, environment, emulator) as (host, visitor):
        emulator.emulator.faults.apply(FaultSpec(server_error=1.0))
        await visitor.send(view("waits"), identity=visitor.login("ann"))
        await host.run(block("sqlite3").replace("/backup/", f"{tmp_path}/backup/"))
        await host.run("systemctl stop personalize-relay")
        await host.run(
            "rm -r relay-spool.db* && cp backup/relay-spool.db ."
        )  # the disk is gone; the copy is brought back
        await host.run(block("spool move").replace("/var/lib/relay/", f"{tmp_path}/var/"))
        emulator.emulator.faults.apply(FaultSpec())
        await restarted(host, RELAY_SPOOL_URL=f"sqlite:///{tmp_path}/var/spool.db")
        await until(lambda: items(emulator) == ["waits"], within_s=60, otherwise=host.log)
        assert emulator.events()[0]["userId"] == "ann"


async def test_a_token_says_why_it_is_invalid(tmp_path: Path, environment: Path) -> None:
    (inspect,) = blocks("docs/identity.md", "sh")
    host = Host(tmp_path, relay_environ(), Path(), environment=environment)
    good = mint_identity("ann", secret_key=KEY, ttl_s=60)
    assert "ann" in (await host.run(inspect.text.replace("TOKEN", good, 1))).out
    forged = mint_identity("ann", secret_key="another-key-" * 4, ttl_s=60)
    refused = await host.run(inspect.text.replace("TOKEN", forged, 1), fails=True)
    assert refused.code == 1
    assert "not signed with any of RELAY_SECRET_KEYS" in refused.out + refused.err
