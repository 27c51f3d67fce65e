"""From an account with nothing in it to events and items in datasets, and away again, with the commands alone."""

import asyncio
import csv
import io
import os
from pathlib import Path

import httpx2
import msgspec
import pytest

from tests.personalize.command_line import command, started
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import ServedRelay, served_relay, until

pytestmark = pytest.mark.process

FAST = ("--calls-per-s", "1000")


@pytest.mark.faults
@pytest.mark.timeout(120)
async def test_setup_serve_events_items_killed_and_resumed_and_the_tracker_deleted(tmp_path: Path) -> None:
    async with running_emulator(state_seconds=0.2, quotas={}) as emulator:
        made = await command(
            "setup", "--name", "shop", "--domain", "e-commerce", "--items", "ready", "--json", env=emulator.env
        )
        assert made.code == 0, made.err
        tracker, items_arn = made.json["eventTracker"], made.json["datasetArns"]["Items"]
        async with served_relay(tmp_path, env=emulator.env, tracking_id=tracker["trackingId"]) as relay:
            await visit(relay)
            await until(lambda: len(emulator.events()) == 3)
            await items_are_put(emulator, items_arn, tmp_path)
            relay.process.terminate()
            assert await relay.ended() == 0
        rows = await trained_on(emulator)
        assert {(row["USER_ID"], row["ITEM_ID"], row["EVENT_TYPE"]) for row in rows} == {
            ("anna", "p1", "View"),
            ("anna", "p2", "View"),
            ("anna", "p2", "Purchase"),
        }
        gone = await command("tracker", "delete", tracker["eventTrackerArn"], "--wait", env=emulator.env)
        assert gone.code == 0
        listed = await command("tracker", "list", "--json", env=emulator.env)
        assert tracker["trackingId"] not in listed.out


async def visit(relay: ServedRelay) -> None:
    """An anonymous view, then a login and what follows."""
    await relay.send({"eventType": "View", "itemId": "p1"})
    identity = relay.login("anna")
    await relay.send({"eventType": "View", "itemId": "p2"}, identity=identity)
    await relay.send({"eventType": "Purchase", "itemId": "p2", "eventValue": 12.5})


async def items_are_put(emulator: RunningEmulator, items_arn: str, folder: Path) -> None:
    count = 3000
    lines = [f"p{n},{'dear' if n % 100 == 7 else n / 100},lamps|light,1400000000" for n in range(count)]
    (folder / "items.csv").write_text("ITEM_ID,PRICE,CATEGORY_L1,CREATION_TIMESTAMP\n" + "\n".join(lines) + "\n")
    arguments = ("put", "items", "items.csv", "--dataset-arn", items_arn, *FAST)
    async with started(*arguments, env=emulator.env, cwd=folder) as process:
        await until(lambda: len(emulator.bodies("PutItems")) >= count / 20)
        process.kill()
        await process.communicate()
    ended = await command(*arguments, env=emulator.env, cwd=folder)
    assert ended.code == 0, ended.err
    kept = {
        name: msgspec.json.decode(properties)
        for (arn, name), properties in emulator.emulator.records.of("items").items()
        if arn == items_arn
    }
    assert kept == {
        f"p{n}": {"price": n / 100, "categoryL1": "lamps|light", "creationTimestamp": 1_400_000_000}
        for n in range(count)
        if n % 100 != 7
    }
    assert len((folder / "items.csv.rejected.jsonl").read_bytes().splitlines()) == count / 100


async def trained_on(emulator: RunningEmulator) -> list[dict[str, str]]:
    async with httpx2.AsyncClient() as http:
        text = (await http.get(f"{emulator.url}/_emulator/interactions.csv")).text
    return list(csv.DictReader(io.StringIO(text)))


async def test_a_terminal_gets_a_bar_with_rate_and_time_left_and_a_live_status_line(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("ITEM_ID\n" + "".join(f"p{n}\n" for n in range(200)))
    async with running_emulator(state_seconds=0.5) as emulator:
        arn = emulator.emulator.arn("dataset/demo/ITEMS")
        bar = await on_terminal("put", "items", "items.csv", "--dataset-arn", arn, "--calls-per-s", "20",
                                env=emulator.env, cwd=tmp_path)  # fmt: skip
        line = await on_terminal("tracker", "delete", emulator.emulator.arn("event-tracker/demo"), "--wait",
                                 env=emulator.env, cwd=tmp_path)  # fmt: skip
    assert "100%" in bar
    assert "200 rows" in bar
    assert "/s" in bar
    assert "0:00:0" in bar
    assert "Traceback" not in bar
    assert "event tracker: DELETE" in line


async def on_terminal(*arguments: str, env: dict[str, str], cwd: Path) -> str:
    """What the command draws on stderr when that is a terminal."""
    ours, theirs = os.openpty()
    drawn: list[bytes] = []
    loop = asyncio.get_running_loop()

    def readable() -> None:
        try:
            drawn.append(os.read(ours, 65_536))
        except OSError:  # the other end is closed
            loop.remove_reader(ours)

    loop.add_reader(ours, readable)
    try:
        async with started(
            *arguments, env={**env, "TERM": "xterm-256color", "COLUMNS": "120"}, cwd=cwd, stderr=theirs
        ) as process:
            async with asyncio.timeout(30):
                assert await process.wait() == 0, b"".join(drawn)
    finally:
        loop.remove_reader(ours)
        os.close(theirs)
        os.close(ours)
    return b"".join(drawn).decode()
