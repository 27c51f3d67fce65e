"""What a run stands on: a relay in processes of its own, an emulator, one clock for both, and a login with JWTs."""

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aioboto3

from tests.faults.process.relay_process import RelayProcess, quiet_port
from tests.identity.chance.cast import COOKIE, Cast
from tests.identity.chance.rules import TTL_MS
from tests.identity.chance.stage_clock import StageClock
from tests.identity.chance.world import World
from tests.support.emulator import TRACKING_ID, RunningEmulator, running_emulator
from tests.support.login_provider import LoginProvider
from tests.support.relay import ORIGIN


@asynccontextmanager
async def running_world(folder: Path, seed: int) -> AsyncGenerator[World]:
    """A relay with three sites, two of them on one event tracker, before an emulator of its own."""
    clock = StageClock(folder / "clock-offset")
    login = LoginProvider(folder)
    port = quiet_port(random.Random())  # the seed must not make two runs at a time meet
    async with running_emulator(clock=clock, state_seconds=0) as emulator:
        other = await _another_tracker(emulator)
        (folder / "relay.toml").write_text(
            "".join(
                f'[sites.{site}]\ntracking_id = "{tracker}"\nallowed_origins = ["{ORIGIN}"]\n'
                for site, tracker in (("blog", TRACKING_ID), ("app", other))
            )
        )
        settings = {
            "site": "shop", "binding_ttl_s": str(TTL_MS // 1000), "identity_cookie": COOKIE, "drain_s": "0.3",
            **login.settings,
        }  # fmt: skip
        relay = RelayProcess(
            folder, port=port, env=emulator.env | clock.env, settings=settings, forked=True,
            nursery="tests.identity.chance.nursery_process",
        )  # fmt: skip
        try:
            sites = {TRACKING_ID: ["shop", "blog"], other: ["app"]}
            cast = Cast(random.Random(f"{seed}/cast"), clock, login.key, sites)
            yield World(seed, relay, emulator, cast)
        finally:
            await relay.close()


async def _another_tracker(emulator: RunningEmulator) -> str:
    async with aioboto3.Session().client("personalize", **emulator.client_options) as personalize:
        group = (await personalize.create_dataset_group(name="app"))["datasetGroupArn"]
        return str((await personalize.create_event_tracker(name="app", datasetGroupArn=group))["trackingId"])
