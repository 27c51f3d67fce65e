"""Everything together: driver, relay, service and oracle; and the quiet phase in which the verdict is given."""

import asyncio
import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

from relay.core.model import event_id_of
from relay.spool.sqlite.file.rows import pending_events, read_totals
from tests.faults.driver import Driver, Habits
from tests.faults.oracle import Oracle, Verdict
from tests.faults.process.relay_process import RelayProcess, quiet_port
from tests.faults.process.small_disk import SmallDisk
from tests.faults.service import Service, running_service
from tests.faults.visits import Visits
from tests.faults.windows import Window

QUIET_S: Final = 60.0
"""How long everything may take to arrive once nothing misbehaves any more: the longest probe interval twice."""
FRESH_S: Final = 10.0
"""How long an event may take that is sent after all that."""
_SAMPLE: Final = re.compile(
    r"^relay_events_(accepted|delivered|buried|erased|pending)(?:_total)?(?:\{.*\})? (\S+)$", re.M
)


@dataclass(kw_only=True)
class Arena:
    """One run: the driver and the service live through it, the relay does not."""

    seed: int
    rng: random.Random
    relay: RelayProcess
    service: Service
    driver: Driver
    oracle: Oracle
    http: httpx2.AsyncClient
    faults: Counter[str] = field(default_factory=Counter)
    """What was done to the relay."""
    windows: Counter[Window] = field(default_factory=Counter)
    """Crashes by the window they are proven to have been in."""

    async def figures(self) -> Counter[str]:
        """The relay's ledger as its metrics show it."""
        answer = await self.http.get(f"{self.relay.admin_url}/metrics")
        found: Counter[str] = Counter()
        for name, value in _SAMPLE.findall(answer.text):
            found[name] += round(float(value))
        return found

    async def obligations(self, count: int, *, deadline_s: float = 30.0) -> None:
        """Wait until so many more events are obligations."""
        until = self.oracle.answered + count
        async with asyncio.timeout(deadline_s):
            while self.oracle.answered < until:  # noqa: ASYNC110  the driver is not asked to ring
                await asyncio.sleep(0.005)

    async def crash(self, *, as_window: Window | None = None) -> None:
        """Kill -9, and find out by what the service saw whether that was in the middle of a call."""
        at_ms = time.time_ns() // 1_000_000
        await self.relay.kill()
        await self.service.catch_up()
        if any(0 <= at_ms - time_ms < 250 for time_ms, _ in self.service.spoiled[-40:]):
            self.windows[Window.DELIVERY] += 1
        if as_window is not None:
            self.windows[as_window] += 1

    async def quiet(self, *, damaged: bool = False, restart: bool = True) -> Verdict:
        """No faults any more: wait until all has arrived, see whether a fresh event gets through, stop, judge.

        Args:
            damaged: Whether the relay misses what it reports as damaged.
            restart: Whether to begin with a start of the relay, if it is down.
        """
        await self.service.misbehave()
        if restart and not self.relay.is_up:
            await self.relay.start()
        await self.driver.stay_away(deadline_s=QUIET_S)
        await self._drained()
        await self._see_a_fresh_event()
        figures = await self.figures()
        code = await self.relay.stop()
        await self.service.catch_up()
        self.windows[Window.BEFORE_SETTLE] = self.oracle.repeats_after_success
        if code != 0:
            self.oracle.ledger_wrong(f"SIGTERM ended the relay with {code}: {self.relay.last_words()}")
        left = figures["delivered"] + figures["buried"] + figures["erased"] + figures["pending"]
        if figures["accepted"] != left or figures["pending"]:
            self.oracle.ledger_wrong(f"the metrics do not add up: {dict(figures)}")
        buried, corrupt = self._read_spool(figures)
        return self.oracle.verdict(buried, damaged=corrupt if damaged else 0)

    def judge(self, verdict: Verdict) -> None:
        """Fail unless every promise was kept; says how to run it again."""
        story = "\n".join([f"seed {self.seed} (FAULTS_SEED={self.seed})", str(dict(verdict.wrongs)), *verdict.stories])
        assert verdict.is_good, story

    async def _drained(self) -> None:
        try:
            async with asyncio.timeout(QUIET_S):
                while (await self.figures())["pending"]:  # noqa: ASYNC110  another process has no event
                    await asyncio.sleep(0.05)
        except TimeoutError:
            self.oracle.ledger_wrong(f"still pending after {QUIET_S} s: {dict(await self.figures())}")
        await self.service.catch_up()

    async def _see_a_fresh_event(self) -> None:
        connections = self.driver.connections()
        before = self.oracle.delivered
        try:
            async with asyncio.timeout(FRESH_S):
                await self.driver.visit(connections, random.Random(self.seed))
                while self.oracle.delivered == before:
                    await asyncio.sleep(0.02)
                    await self.service.catch_up()
            await self._drained()
        except TimeoutError:
            self.oracle.ledger_wrong(f"a fresh event did not get through: {self.relay.last_words()}")
        finally:
            for connection in connections:
                connection.close()

    def _read_spool(self, figures: Mapping[str, int]) -> tuple[list[tuple[str, str, str]], int]:
        """What is buried, and how many were reported damaged; read from the file itself, the relay being down."""
        with closing(sqlite3.connect(self.relay.spool_at_rest())) as sql:
            totals = read_totals(sql)
            pending = pending_events(sql)
            rows = sql.execute("SELECT session_id, body, reason FROM buried")
            buried = [(session_id, event_id_of(body), reason) for session_id, body, reason in rows]
        kept = {"pending": pending} | {
            name: sum(count for one, count in totals.items() if one.partition(":")[0] == name)
            for name in ("accepted", "delivered", "buried", "erased")
        }
        if kept != {name: figures[name] for name in kept}:
            self.oracle.ledger_wrong(f"the file says {kept}, the metrics said {dict(figures)}")
        return buried, totals.get("buried:corrupt", 0)


@asynccontextmanager
async def arena(
    folder: Path,
    *,
    seed: int,
    habits: Habits | None = None,
    clock_slack_s: int = 0,
    disk: SmallDisk | None = None,
    forked: bool = False,
    **settings: str,
) -> AsyncGenerator[Arena]:
    """A run in `folder`, with nobody there yet.

    Args:
        folder: Empty; keeps the relay's log and spool.
        seed: Of everything random.
        habits: Of the visitors.
        clock_slack_s: How far the relay's clock may be stepped.
        disk: Where the spool is, if on a disk of its own; mounted at `folder / "spool"`.
        forked: Whether the relay's lives are forked, to have more of them.
        settings: The relay's: `drain_s="1"`.
    """
    rng = random.Random(seed)
    visits = Visits(seed)
    oracle = Oracle(visits, clock_slack_s=clock_slack_s)
    port = quiet_port(random.Random())  # the seed must not make two runs at a time meet
    driver = Driver(port=port, visits=visits, oracle=oracle, habits=habits or Habits())
    async with (
        running_service(folder, oracle) as service,
        httpx2.AsyncClient(timeout=20) as http,
        asyncio.TaskGroup() as group,
    ):
        lives = {"drain_s": "2", **settings}
        relay = RelayProcess(folder, port=port, env=service.env, settings=lives, disk=disk, forked=forked)
        tasks = [group.create_task(service.keep_up()), group.create_task(driver.run())]
        try:
            yield Arena(seed=seed, rng=rng, relay=relay, service=service, driver=driver, oracle=oracle, http=http)
        finally:
            for task in tasks:
                task.cancel()
            await relay.close()
