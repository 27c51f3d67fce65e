"""Three relays on one database behind one nginx, the service, visitors and the oracle; and the quiet phase."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from relay.core.model import event_id_of
from tests.faults.cluster.database import Database, running_database
from tests.faults.driver import Driver, Habits
from tests.faults.oracle import Oracle, Verdict
from tests.faults.process.relay_process import NotStartedError, RelayProcess, quiet_port
from tests.faults.service import Service, running_service
from tests.faults.visits import Visits
from tests.support.nginx import nginx_before_all
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

RELAYS: Final = 3
RESTARTS: Final = 3
QUIET_S: Final = 90.0
"""How long everything may take to arrive once nothing misbehaves any more: leases, and the longest probe interval."""


@dataclass
class Member:
    """A relay, and its wire to the database."""

    process: RelayProcess
    wire: TcpProxy
    busy: bool = False
    """Something is being done to it."""

    async def start(self) -> None:
        """As a supervisor does: one that found no database for half a minute, and ended, is started again."""
        for _ in range(RESTARTS):
            with suppress(NotStartedError):
                await self.process.start()
                return
        await self.process.start()


@dataclass(kw_only=True)
class SharedArena:
    """One run: visitors, service and nginx live through it, the others do not."""

    seed: int
    rng: random.Random
    members: list[Member]
    database: Database
    service: Service
    driver: Driver
    oracle: Oracle
    faults: Counter[str] = field(default_factory=Counter)
    database_busy: bool = False

    @property
    def kills(self) -> int:
        """SIGKILLs of relays."""
        return sum(member.process.kills for member in self.members)

    async def obligations(self, count: int, *, deadline_s: float = 60.0) -> None:
        """Wait until so many more events are obligations."""
        until = self.oracle.answered + count
        async with asyncio.timeout(deadline_s):
            while self.oracle.answered < until:  # noqa: ASYNC110  the driver is not asked to ring
                await asyncio.sleep(0.01)

    def lead_to(self, port: int) -> None:
        """Every relay finds the database there from now on."""
        for member in self.members:
            member.wire.target = port
            member.wire.drop()

    async def quiet(self) -> Verdict:
        """No faults any more: wait until nothing is left, judge by what the service got and the database counts."""
        await self.service.misbehave()
        for member in self.members:
            member.wire.heal()
            if not member.process.is_up:
                await member.start()
        await self.driver.stay_away(deadline_s=QUIET_S)
        await self._nothing_waits()
        for member in self.members:
            code = await member.process.stop()
            if code != 0:
                self.oracle.ledger_wrong(f"SIGTERM ended a relay with {code}: {member.process.last_words()}")
        await self.service.catch_up()
        await self._check_the_ledger()
        rows = await self.database.sql(
            "SELECT convert_from(session_id, 'UTF8'), reason, encode(body, 'hex') FROM relay.buried"
        )
        buried = [line.split("|") for line in rows]
        return self.oracle.verdict(
            [(session, event_id_of(bytes.fromhex(body)), reason) for session, reason, body in buried]
        )

    def judge(self, verdict: Verdict) -> None:
        """Fail unless every promise was kept; says how to run it again."""
        story = "\n".join([f"seed {self.seed} (FAULTS_SEED={self.seed})", str(dict(verdict.wrongs)), *verdict.stories])
        assert verdict.is_good, story

    async def _nothing_waits(self) -> None:
        try:
            async with asyncio.timeout(QUIET_S):
                while (await self.database.sql("SELECT count(*) FROM relay.records")) != ["0"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            left = await self.database.sql("SELECT shard, owner, epoch, lease_until - now() FROM relay.shards")
            rows = await self.database.sql("SELECT seq, session >> 54 AS shard, waiting FROM relay.records LIMIT 20")
            words = [member.process.last_words()[-600:] for member in self.members]
            self.oracle.ledger_wrong("\n".join([f"still waiting after {QUIET_S} s", *rows, *left[:8], *words]))

    async def _check_the_ledger(self) -> None:
        counts: Counter[str] = Counter()
        for line in await self.database.sql("SELECT split_part(name, ':', 1), count FROM relay.ledger"):
            name, count = line.split("|")
            counts[name] += int(count)
        waiting = int(
            (await self.database.sql("SELECT coalesce(sum(bit_count(waiting::bit(32))), 0) FROM relay.records"))[0]
        )
        left = counts["delivered"] + counts["buried"] + counts["erased"] + waiting
        if counts["accepted"] != left or waiting:
            self.oracle.ledger_wrong(f"the ledger does not add up: {dict(counts)}, waiting {waiting}")
        owned = await self.database.sql("SELECT count(*) FROM relay.shards WHERE owner IS NOT NULL")
        if owned != ["0"]:
            self.oracle.ledger_wrong(f"{owned[0]} shards were not handed over at the end")


@asynccontextmanager
async def shared_arena(
    folder: Path, *, seed: int, habits: Habits, standby: bool = True, **settings: str
) -> AsyncGenerator[SharedArena]:
    """A run in `folder`, with nobody there yet; all relays are up.

    Args:
        folder: Empty; keeps the logs.
        seed: Of everything random.
        habits: Of the visitors.
        standby: Whether the database has one, synchronous.
        settings: The relays': `drain_s="1"`.
    """
    rng, visits = random.Random(seed), Visits(seed)
    oracle = Oracle(visits)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(running_database(standby=standby))
        service = await stack.enter_async_context(running_service(folder, oracle))
        members: list[Member] = []
        for number in range(RELAYS):
            wire = await stack.enter_async_context(tcp_proxy(database.primary.port))
            lives = {"drain_s": "5", "spool_url": f"postgresql://relay@127.0.0.1:{wire.port}/relay", **settings}
            own = folder / f"relay-{number}"
            own.mkdir()
            port = quiet_port(random.Random())  # the seed must not make two runs at a time meet
            process = RelayProcess(own, port=port, env=service.env, settings=lives, forked=True)
            stack.push_async_callback(process.close)
            members.append(Member(process, wire))
        for member in members:
            await member.start()
        (folder / "nginx").mkdir()
        ports = [member.process.port for member in members]
        front = await stack.enter_async_context(nginx_before_all(ports, folder / "nginx"))
        driver = Driver(port=front, visits=visits, oracle=oracle, habits=habits)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = [group.create_task(service.keep_up()), group.create_task(driver.run())]
        try:
            yield SharedArena(
                seed=seed, rng=rng, members=members, database=database, service=service, driver=driver, oracle=oracle
            )
        finally:
            for task in tasks:
                task.cancel()


def now_ms() -> int:
    """By the clock that the service stamps its calls with."""
    return time.time_ns() // 1_000_000
