"""docs/key-rotation.md, its lines typed on two hosts while a visitor goes on; the same under load in tests/identity."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from relay.core.clock import SystemClock
from relay.core.settings_loading import load_settings
from relay.identity.tokens import SiteClaims, Tokens, mint_identity
from tests.docs.blocks import blocks
from tests.docs.stage.host import Host, in_order
from tests.support.demo import free_ports
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import KEY, Client, relay_environ

pytestmark = [pytest.mark.process, pytest.mark.long, pytest.mark.timeout(300)]

CLOCK = SystemClock()


@asynccontextmanager
async def two_hosts(folder: Path, environment: Path, emulator: RunningEmulator) -> AsyncGenerator[list[Host]]:
    """Each with a relay that runs, and a spool of its own."""
    async with AsyncExitStack() as stack:
        hosts: list[Host] = []
        port = free_ports(4)
        for number in (0, 1):
            (folder / str(number)).mkdir()
            settings = relay_environ(
                spool_url="sqlite:///relay-spool.db",
                port=str(port + 2 * number),
                admin_port=str(port + 2 * number + 1),
                tracking_id=emulator.tracking_id,
            )
            host = Host(folder / str(number), settings | emulator.env, Path(), environment=environment)
            await stack.enter_async_context(in_order(host))
            await host.run("systemctl start personalize-relay")
            hosts.append(host)
        yield hosts


async def test_the_lines_of_the_run_book_replace_a_key_without_a_token_that_is_refused(
    tmp_path: Path, environment: Path
) -> None:
    keys, learn, sign, forget = (block.text for block in blocks("docs/key-rotation.md", "sh"))
    async with (
        running_emulator() as emulator,
        two_hosts(tmp_path, environment, emulator) as hosts,
        httpx2.AsyncClient() as http,
    ):
        made = await hosts[0].run(keys.replace("OLD=...", f"OLD='{KEY}'") + 'echo "$OLD $NEW"')
        old, new = made.out.split()
        assert (old, len(new) >= 32) == (KEY, True)
        page, backend = old, old
        answers: set[tuple[int, str]] = set()

        async def a_visit() -> None:
            for host in hosts:
                visitor = Client(
                    http=http,
                    url=host.url,
                    admin_url=host.admin_url,
                    settings=load_settings(host.settings),
                    clock=CLOCK,
                )
                answer = await visitor.post(
                    visitor.beacon(
                        token=Tokens([page], clock=CLOCK).mint(SiteClaims("default")),
                        identity=mint_identity("ann", secret_key=backend, ttl_s=60),
                    )
                )
                answers.add((answer.status_code, answer.json().get("identity") or answer.json()["error"]))

        async def on_every_relay(line: str) -> None:
            for host in hosts:
                typed = await host.run(f"OLD='{old}' NEW='{new}'\n{line}echo \"$RELAY_SECRET_KEYS\"")
                host.settings["RELAY_SECRET_KEYS"] = typed.out.strip()
                host.write_settings()
                await host.run("personalize-relay check --offline && systemctl restart personalize-relay")
                await a_visit()

        await a_visit()
        await on_every_relay(learn)
        await on_every_relay(sign)
        backend = new
        await a_visit()
        tag = (await hosts[0].run(f"personalize-relay snippet --url {hosts[0].url}")).out
        page = new
        assert Tokens([new], clock=CLOCK).site(tag.split('data-token="')[1].split('"')[0])
        await a_visit()
        await on_every_relay(forget)
        assert answers == {(202, "ok")}
        page = old
        await a_visit()
        assert (401, "token_forged") in answers
