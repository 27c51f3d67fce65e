"""`docs/key-rotation.md`, walked through while visitors come and go on two relays behind one address."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from relay.core.clock import SystemClock
from relay.identity.tokens import SiteClaims, Tokens, mint_identity
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import KEY, ROOT, RunningRelay, running_relay, until

OLD: Final = KEY
NEW: Final = "the-next-key-" * 3
VISITORS: Final = 6
BEACONS_A_VISIT: Final = 4


class Fleet:
    """Two relays, each with a spool of its own, restarted one after the other; a load balancer in front."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stacks = {number: AsyncExitStack() for number in (0, 1)}
        self.up: dict[int, RunningRelay] = {}

    async def start(self, number: int, *keys: str) -> None:
        """Bring one up with these keys."""
        spool_url = f"sqlite:///{self._folder / str(number)}.db"
        self.up[number] = await self._stacks[number].enter_async_context(
            running_relay(spool_url=spool_url, secret_keys=",".join(keys), drain_s="5")
        )

    async def stop(self, number: int) -> None:
        """Take one out of the load balancer, and down in order."""
        del self.up[number]
        await self._stacks[number].aclose()

    async def restart(self, *keys: str) -> None:
        """All of them with other keys, one at a time, as the run-book says."""
        for number in (0, 1):
            await self.stop(number)
            await self.start(number, *keys)


@asynccontextmanager
async def running_fleet(folder: Path, emulator: RunningEmulator) -> AsyncGenerator[Fleet]:
    """Both up with the old key. They share one environment, set here: they do not end in the order they started."""
    fleet = Fleet(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.env.items():
            patch.setenv(name, value)
        for number in (0, 1):
            await fleet.start(number, OLD)
        yield fleet
        for number in (0, 1):
            await fleet.stop(number)


class Load:
    """Visitors: each reads a page with a site token in it, logs in, sends a few beacons, and leaves; then another."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._clock = SystemClock()
        self.page_key = OLD
        self.backend_key = OLD
        self.answers: Counter[tuple[int, str]] = Counter()
        self.in_use: Counter[str] = Counter()
        """Key → tokens made with it that some page still holds."""
        self.visits = 0
        self.is_over = False
        self.expected: dict[str, str] = {}
        """Event id → user."""

    async def visitor(self) -> None:
        """One visit after another, until it is over."""
        while not self.is_over:
            self.visits += 1
            number, page_key, backend_key = self.visits, self.page_key, self.backend_key
            held = (page_key, backend_key)
            self.in_use.update(held)
            site_token = Tokens([page_key], clock=self._clock).mint(SiteClaims("default"))
            login = mint_identity(f"user-{number}", secret_key=backend_key)
            for place in range(BEACONS_A_VISIT):
                await self._send(site_token, login, number, f"event-{number}-{place}")
            self.in_use.subtract(held)

    async def _send(self, site_token: str, login: str, number: int, event_id: str) -> None:
        turn = sum(self.answers.values())
        relay = list(self._fleet.up.values())[turn % len(self._fleet.up)]
        beacon = relay.beacon(
            {"eventType": "View", "itemId": event_id, "eventId": event_id},
            session=f"session-of-visit-{number:06}",
            token=site_token,
            identity=login,
        )
        try:
            answer = await relay.post(beacon)
        except httpx2.TransportError:
            # A relay that goes down closes its connections between two requests; a browser sends again.
            await self._send(site_token, login, number, event_id)
            return
        body: dict[str, Any] = answer.json()
        self.answers[answer.status_code, body.get("identity") or body.get("error", "")] += 1
        self.expected[event_id] = f"user-{number}"

    async def some_more(self) -> None:
        """Until every visitor has come and gone at least once since now."""
        enough = self.visits + 2 * VISITORS
        await until(lambda: self.visits >= enough, deadline_s=60)

    async def until_unused(self, key: str) -> None:
        """Until no page holds a token of the key: what waiting for their greatest age is for."""
        await until(lambda: self.in_use[key] == 0, deadline_s=60)


@asynccontextmanager
async def load_on(fleet: Fleet) -> AsyncGenerator[Load]:
    load = Load(fleet)
    async with asyncio.TaskGroup() as group:
        for _ in range(VISITORS):
            group.create_task(load.visitor())
        try:
            await load.some_more()
            yield load
        finally:
            load.is_over = True


@pytest.mark.faults
@pytest.mark.timeout(180)
async def test_a_key_is_replaced_under_load_without_a_401_or_an_invalid_identity(tmp_path: Path) -> None:
    async with running_emulator() as emulator, running_fleet(tmp_path, emulator) as fleet:
        async with load_on(fleet) as load:
            await fleet.restart(OLD, NEW)  # step 1: relays learn the new key
            await load.some_more()
            load.backend_key = NEW  # step 2: whoever signs, signs with it
            await load.some_more()
            await fleet.restart(NEW, OLD)
            load.page_key = NEW  # step 3: pages get tokens of it
            await load.some_more()
            await load.until_unused(OLD)  # step 4: wait
            await fleet.restart(NEW)  # step 5: the old key goes
            await load.some_more()
            assert set(load.answers) == {(202, "ok")}, load.answers
        assert len(load.expected) > 100
        for relay in fleet.up.values():
            forged = Tokens([OLD], clock=relay.clock).mint(SiteClaims("default"))
            assert (await relay.post(relay.beacon(token=forged))).status_code == 401
            await relay.delivered()
        assert {one["eventId"]: one.get("userId") for one in emulator.events()} == load.expected


@pytest.mark.faults
@pytest.mark.timeout(180)
async def test_a_backend_that_goes_first_is_not_believed(tmp_path: Path) -> None:
    async with (
        running_emulator() as emulator,
        running_fleet(tmp_path, emulator) as fleet,
        load_on(fleet) as load,
    ):
        load.backend_key = NEW
        await until(lambda: load.answers[202, "invalid"] > 0)
        load.page_key = NEW
        await until(lambda: load.answers[401, "token_forged"] > 0)


def test_the_run_book_has_the_steps_that_are_walked_through() -> None:
    book = (ROOT / "docs" / "key-rotation.md").read_text()
    positions = [book.index(f"## {number}. ") for number in range(1, 6)]
    assert positions == sorted(positions)
    places = [book.index(f"RELAY_SECRET_KEYS={keys}\n") for keys in ('"$OLD,$NEW"', '"$NEW,$OLD"', '"$NEW"')]
    assert places == sorted(places)
