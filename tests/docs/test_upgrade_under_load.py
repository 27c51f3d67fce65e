"""docs/upgrade.md, its lines typed while visitors come all the time, log in, and try again until they are answered."""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from relay.core.version import VERSION
from tests.docs.blocks import blocks
from tests.docs.stage.host import Host, host_with
from tests.docs.test_upgrade import BEFORE
from tests.faults.conftest import DEFAULT_SEED
from tests.faults.driver import Driver, Habits
from tests.faults.oracle import Oracle
from tests.faults.process.relay_process import quiet_port
from tests.faults.service import Service, running_service
from tests.faults.visits import Visit, Visits
from tests.support.browser import until
from tests.support.emulator import TRACKING_ID
from tests.support.relay import relay_environ

pytestmark = [pytest.mark.process, pytest.mark.faults, pytest.mark.timeout(600)]

HABITS: Final = Habits(visitors=8, think_s=0.2, at_once=0.3, goes_early=0, erases=False, seconds=0)
"""Who goes before the answer may be counted twice by a relay on a new spool, and who was erased is to be erased again:
the page says so. A browser begins a new session for a second user, so none comes."""
EVENTS: Final = 100
"""That are answered between two steps, at least."""
TAKES_ALL: Final[dict[str, Any]] = {"refuse_items": []}
AWAY: Final = TAKES_ALL | {"server_error": {"rate": 1, "status": 503}}


class _PagesVisits(Visits):
    """As the snippet has it: a page shows its identity token with every beacon."""

    def visit(self, number: int) -> Visit:
        return replace(super().visit(number), keeps_token=True)


@dataclass(frozen=True)
class Load:
    """Everybody but the relay."""

    driver: Driver
    oracle: Oracle
    service: Service

    async def events(self) -> None:
        """Wait until some more have been answered with 202."""
        enough = self.oracle.answered + EVENTS
        await until(lambda: self.oracle.answered >= enough, within_s=120, otherwise=lambda: dict(self.driver.answers))

    async def all_arrived(self, otherwise: Callable[[], object]) -> None:
        """Wait until no event that was answered is missing."""
        await until(lambda: not self.oracle.verdict(()).missing, within_s=120, otherwise=otherwise)


@asynccontextmanager
async def visitors(folder: Path, port: int) -> AsyncGenerator[Load]:
    """They come to whatever answers at the port, or does not."""
    visits = _PagesVisits(int(os.environ.get("FAULTS_SEED", DEFAULT_SEED)))
    oracle = Oracle(visits)
    driver = Driver(port=port, visits=visits, oracle=oracle, habits=HABITS)
    async with running_service(folder, oracle) as service, asyncio.TaskGroup() as group:
        await service.misbehave(**TAKES_ALL)
        tasks = [group.create_task(service.keep_up()), group.create_task(driver.run())]
        try:
            yield Load(driver, oracle, service)
        finally:
            for task in tasks:
                task.cancel()


async def spool(host: Host) -> dict[str, Any]:
    """What `spool status` says."""
    found: dict[str, Any] = json.loads((await host.run("personalize-relay spool status --json")).out)
    return found


async def test_while_visitors_come_no_event_is_lost_or_doubled_and_nobody_is_taken_for_another(
    tmp_path: Path, wheels: Path
) -> None:
    upgrade, look, back = (block.text for block in blocks("docs/upgrade.md", "sh"))
    port = quiet_port(random.Random())
    async with visitors(tmp_path, port) as load:
        settings = relay_environ(
            spool_url="sqlite:///relay-spool.db", port=str(port), drain_s="2", tracking_id=TRACKING_ID
        )
        aws = load.service.env | {"AWS_ENDPOINT_URL_PERSONALIZE": load.service.url}
        (tmp_path / "host").mkdir()
        async with host_with(BEFORE, tmp_path / "host", wheels, settings | aws) as host:
            await host.run("systemctl start personalize-relay")
            load.driver.come()
            await load.events()

            # With the service away, so that the new version finds events of the old one.
            await load.service.misbehave(**AWAY)
            await load.events()
            stop, *rest = upgrade.splitlines()
            await host.run(stop)
            assert (await spool(host))["pending"] > 0
            await host.run("\n".join(rest))
            assert f"personalize-relay=={VERSION}" in (await host.run("pip freeze")).out
            await load.events()
            await load.service.misbehave(**TAKES_ALL)
            await load.events()

            # And back. A stop has the time that the page says to give it.
            host.settings["RELAY_DRAIN_S"] = "60"
            host.write_settings()
            await host.run("systemctl restart personalize-relay")
            await load.events()
            assert '"pending": 0' in (await host.run(look)).out
            newer = await spool(host)
            await host.run(back)
            assert f"personalize-relay=={BEFORE}" in (await host.run("pip freeze")).out
            await load.events()

            await load.driver.stay_away(deadline_s=60)
            await load.all_arrived(host.log)
            await load.service.catch_up()
            older = await spool(host)
    verdict = load.oracle.verdict(())
    assert verdict.is_good, (dict(verdict.wrongs), verdict.stories)
    assert verdict.repeats == 0
    assert newer["accepted"] + older["accepted"] == verdict.answered
    assert load.driver.answers["ConnectionRefusedError"] > 0, "somebody came while no relay was there"
    answers = dict(load.driver.answers)
    sys.stdout.write(f"{verdict.answered} events answered 202, {newer['accepted']} before the way back; {answers}\n")
