"""Three relays on one PostgreSQL, in processes of their own, and something is killed: to pages it is all the same.

Each beacon of a visit goes to whichever relay; what is not answered is sent again to another. In the end every event
that was acknowledged has been delivered, in order, under one user.
"""

import asyncio
import random
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.postgres import Cluster
from tests.support.relay import ServedRelay, served_relay, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
VISITORS = 12
BEACONS = 30


@dataclass
class Visit:
    """One visitor, as the visitor saw it."""

    session: str
    user: str | None = None
    answered: list[str] = field(default_factory=list)
    """Ids of events that were acknowledged, in order."""


@dataclass
class Shop:
    """Relays, and who visits."""

    relays: list[ServedRelay]
    emulator: RunningEmulator
    cluster: Cluster
    chance: random.Random
    visits: list[Visit] = field(default_factory=list)

    async def visit(self, number: int) -> None:
        visit = Visit(f"session-{number:016}")
        self.visits.append(visit)
        login_at = self.chance.randrange(BEACONS)
        for count in range(BEACONS):
            if count == login_at:
                visit.user = f"user-{number}"
            names = [f"e{number}-{count}-{place}" for place in range(self.chance.randint(1, 3))]
            events = [{"eventId": name, "eventType": "View", "itemId": "p1"} for name in names]
            more = {} if visit.user is None else {"identity": self.relays[0].login(visit.user)}
            body = self.relays[0].beacon(*events, session=visit.session, **more)
            async with asyncio.timeout(60):
                while not await self.sent(body):  # noqa: ASYNC110  a page, too, tries again after a while
                    await asyncio.sleep(0.2)
            visit.answered += names
            await asyncio.sleep(self.chance.random() * 0.4)  # visitors read

    async def sent(self, body: dict[str, object]) -> bool:
        """Whether a relay, whichever, has acknowledged it."""
        with suppress(httpx2.HTTPError, TimeoutError):
            async with asyncio.timeout(8):
                answer = await self.chance.choice(self.relays).post(body)
            assert answer.status_code in {202, 503}, answer.text
            if answer.status_code == 202:
                assert {one["reason"] for one in answer.json()["rejected"]} <= {"duplicate"}
                return True
            assert "retry-after" in answer.headers
        return False

    def waiting(self) -> int:
        return int(self.cluster.sql("SELECT count(*) FROM relay.records"))

    async def check(self) -> None:
        await until(lambda: not self.waiting(), deadline_s=60)
        first: dict[str, list[str]] = {}
        users: dict[str, set[str]] = {}
        for event in self.emulator.events():
            known = first.setdefault(event["sessionId"], [])
            if event["eventId"] not in known:
                known.append(event["eventId"])
            if "userId" in event:
                users.setdefault(event["sessionId"], set()).add(event["userId"])
        for visit in self.visits:
            assert first[visit.session] == visit.answered, "all of it, in order"
            assert users[visit.session] == {visit.user}
        totals = dict(
            line.split("|")
            for line in self.cluster.sql("SELECT name, sum(count) FROM relay.ledger GROUP BY name").splitlines()
        )
        assert int(totals["accepted"]) == int(totals["delivered"]) == sum(len(one.answered) for one in self.visits)


@asynccontextmanager
async def shop(tmp_path: Path, cluster: Cluster) -> AsyncGenerator[Shop]:
    cluster.sql("DROP SCHEMA IF EXISTS relay CASCADE")
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(running_emulator())
        relays: list[ServedRelay] = []
        for number in range(3):
            folder = tmp_path / str(number)
            folder.mkdir()
            opened = served_relay(folder, env=emulator.env, spool_url=cluster.url)
            relays.append(await stack.enter_async_context(opened))
        yield Shop(relays, emulator, cluster, random.Random(7))


async def nothing(_: Shop) -> None:
    """All is well."""


async def kill_a_relay(shop: Shop) -> None:
    relay = shop.relays.pop()
    relay.process.kill()
    await relay.process.wait()


async def stop_a_relay_for_longer_than_its_lease(shop: Shop) -> None:
    relay = shop.relays[0]
    relay.process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(13)  # the lease, by the database's clock
    relay.process.send_signal(signal.SIGCONT)


async def end_a_relay(shop: Shop) -> None:
    relay = shop.relays.pop()
    relay.process.terminate()
    assert await relay.ended() == 0


async def kill_the_database(shop: Shop) -> None:
    shop.cluster.crash()
    await asyncio.to_thread(shop.cluster.start)


@pytest.mark.parametrize(
    "fault",
    [nothing, kill_a_relay, stop_a_relay_for_longer_than_its_lease, end_a_relay, kill_the_database],
    ids=lambda fault: fault.__name__,
)
async def test_whatever_goes_away_nothing_is_lost_mixed_or_out_of_order(
    fault: Callable[[Shop], Awaitable[None]], tmp_path: Path, cluster: Cluster
) -> None:
    async with shop(tmp_path, cluster) as here:
        async with asyncio.TaskGroup() as group:
            for number in range(VISITORS):
                group.create_task(here.visit(number))
            await until(lambda: sum(len(one.answered) for one in here.visits) > 3 * VISITORS, deadline_s=60)
            await fault(here)
        await here.check()
