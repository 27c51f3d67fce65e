"""`personalize-relay check`: whether what is sent suits the dataset it goes to."""

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from relay.core.clock import SystemClock
from relay.spool.sqlite.spool import SqliteSpool
from tests.cli.test_serve import run
from tests.personalize.command_line import command
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.records import SESSION, key, single
from tests.support.relay import relay_environ

pytestmark = pytest.mark.process


async def spooled(path: Path, *events: dict[str, Any], target: str) -> None:
    """A spool in which these events wait."""
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=1 << 30) as spool:
        await spool.append(
            [
                single(key(SESSION, target=target), None, str(number), json.dumps({"sentAt": 1, **event}).encode())
                for number, event in enumerate(events)
            ]
        )


async def test_dataset_group_and_columns_are_shown_and_what_does_not_fit_is_warned_of(tmp_path: Path) -> None:
    async with running_emulator(state_seconds=0) as emulator:
        made = await command("setup", "--name", "shop", "--domain", "e-commerce", "--json", env=emulator.env)
        tracking_id = made.json["eventTracker"]["trackingId"]
        spool = tmp_path / "spool.db"
        properties = json.dumps({"color": "red", "eventvalue": 1, "\x1b[2J": 1})
        await spooled(spool, {"eventType": "View", "properties": properties}, target=tracking_id)
        code, out, err = await run(
            "check",
            **emulator.env,
            **relay_environ(tracking_id=tracking_id, spool_url=f"sqlite:///{spool}", event_types="View,purchase"),
        )
    assert code == 0, err
    assert "dataset group 'shop'" in out
    assert "EVENT_TYPE" in out
    assert "\x1b" not in err
    lines = err.splitlines()
    assert all(line.startswith("warning: site default: ") for line in lines)
    assert any("property color: no column takes it" in line for line in lines)
    assert any(
        "event type Purchase never comes" in line and "purchase is spelled differently" in line for line in lines
    )


async def test_events_of_a_tracking_id_that_no_site_has_are_warned_of(tmp_path: Path) -> None:
    spool = tmp_path / "spool.db"
    await spooled(spool, {"eventType": "View"}, {"eventType": "View"}, target="mistyped")
    code, _, err = await run("check", "--offline", **relay_environ(spool_url=f"sqlite:///{spool}"))
    assert code == 0, err
    assert "2 events wait for the tracking id mistyped, which no site has" in err


@pytest.mark.parametrize("count", [999, 1000])
async def test_a_type_is_missed_only_once_enough_events_were_seen(tmp_path: Path, count: int) -> None:
    async with running_emulator(state_seconds=0) as emulator:
        made = await command("setup", "--name", "shop", "--domain", "e-commerce", "--json", env=emulator.env)
        tracking_id = made.json["eventTracker"]["trackingId"]
        spool = tmp_path / "spool.db"
        await spooled(spool, *[{"eventType": "View"}] * count, target=tracking_id)
        settings = relay_environ(tracking_id=tracking_id, spool_url=f"sqlite:///{spool}")
        code, _, err = await run("check", **emulator.env, **settings)
    assert code == 0
    assert ("event type Purchase never comes" in err) is (count >= 1000)


async def test_a_spool_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"x" * 5000)
    async with running_emulator() as emulator:
        settings = relay_environ(spool_url=f"sqlite:///{tmp_path / 'spool.db'}")
        code, _, err = await run("check", **emulator.env, **settings)
    assert code == 1
    assert "damaged" in err


async def test_a_dataset_group_without_interactions_is_a_problem(tmp_path: Path) -> None:
    async with running_emulator(state_seconds=0) as emulator:
        tracking_id = await asyncio.to_thread(bare_tracker, emulator)
        code, _, err = await run("check", **emulator.env, **relay_environ(tracking_id=tracking_id))
    assert code == 1
    assert err == "site default: dataset group 'bare' has no interactions dataset: events go nowhere\n"


def bare_tracker(emulator: RunningEmulator) -> str:
    """The tracking id of a tracker whose dataset group has no dataset."""
    client = boto3.client("personalize", **emulator.client_options)
    group = client.create_dataset_group(name="bare")["datasetGroupArn"]
    return client.create_event_tracker(name="bare", datasetGroupArn=group)["trackingId"]


async def test_the_metric_attribution_is_told_and_what_it_counts_in_vain(tmp_path: Path) -> None:
    async with running_emulator(state_seconds=0) as emulator:
        arguments = ("setup", "--name", "shop", "--metric-attribution", "--json")
        wrong = await command("setup", "--name", "shop", "--metric", "Click", env=emulator.env)
        assert (wrong.code, "--metric-attribution" in wrong.err) == (2, True)
        made = await command(*arguments, env=emulator.env)
        assert (made.code, made.json["metricAttributionArn"].rpartition(":")[2]) == (0, "metric-attribution/shop")
        assert (await command(*arguments, env=emulator.env)).code == 3
        environ = relay_environ(
            tracking_id=made.json["eventTracker"]["trackingId"],
            spool_url=f"sqlite:///{tmp_path / 'spool.db'}",
            event_types="Click,View,AddToCart",
        )
        code, out, err = await run("check", **emulator.env, **environ)
    assert code == 0, err
    assert "metric attribution 'shop', ACTIVE: clicks (SAMPLECOUNT() of Click), views" in out
    assert "the metric purchases counts Purchase, which RELAY_EVENT_TYPES refuses" in err
