"""What each command may do (docs/aws.md), beside what it does against the emulator."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from relay.core.version import VERSION
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import relay_environ
from tests.support.tree import ROOT

GROUP = "arn:aws:personalize:us-east-1:123456789012:dataset-group/shop"
ITEMS = "arn:aws:personalize:us-east-1:123456789012:dataset/shop/ITEMS"
OTHER_TRACKER = "tracker create --name other --tag team=web --dataset-group-arn"

ROWS = [line for line in (ROOT / "docs/aws.md").read_text().splitlines() if line.startswith("| `")]


def allowed(row: str) -> set[str]:
    """The operations of the row whose first cell has these words."""
    (line,) = [line for line in ROWS if row in line.split("|")[1].replace("`", "")]
    names = set(re.findall(r"`([A-Z]\w+)`", line.split("|")[2]))
    if "the same" in line:
        names |= allowed("tracker list")
    if "what check needs" in line.replace("`", ""):
        names |= allowed("check")
    return names


def policy(name: str) -> set[str]:
    """The operations of a policy."""
    document = json.loads((ROOT / f"examples/deploy/aws/iam/{name}.json").read_text())
    return {action.removeprefix("personalize:") for one in document["Statement"] for action in one["Action"]}


async def operations(emulator: RunningEmulator, folder: Path, command: str, *, code: int = 0) -> set[str]:
    """What the emulator was asked while the command ran."""
    before = max((call.n for call in emulator.emulator.calls.after(0)), default=0)
    environ = os.environ | emulator.env | relay_environ(tracking_id=emulator.tracking_id)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", *command.split()),
        cwd=folder,
        env=environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == code, said.decode()
    return {call.operation or "" for call in emulator.emulator.calls.after(before)}


@pytest.mark.process
async def test_no_command_needs_more_than_the_table_says(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("ITEM_ID,PRICE,CATEGORY_L1,CREATION_TIMESTAMP\nmug,12.5,kitchen,1700000000\n")
    (tmp_path / "past.csv").write_text("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nann,mug,1700000100,View\n")
    async with running_emulator(state_seconds=0) as emulator:
        used: dict[str, set[str]] = {}
        for row, command in [
            ("check", "check"),
            ("setup", "setup --name shop --domain e-commerce --items ready"),
            ("tracker list", "tracker list"),
            ("put users", f"put items items.csv --dataset-arn {ITEMS}"),
            ("put interactions", f"put interactions past.csv --tracking-id {emulator.tracking_id}"),
        ]:
            used[row] = await operations(emulator, tmp_path, command)
        (tracker,) = [one for one in trackers(emulator) if "shop" in one]
        used["tracker list"] |= await operations(emulator, tmp_path, f"tracker wait {tracker}")
        used["tracker delete"] = await operations(emulator, tmp_path, f"tracker delete {tracker} --wait")
        used["tracker create"] = await operations(emulator, tmp_path, f"{OTHER_TRACKER} {GROUP} --wait")
    more = {row: names - allowed(row) for row, names in used.items() if names - allowed(row)}
    assert more == {}
    assert set().union(*used.values()) <= policy("operator")
    assert allowed("serve") == policy("serve")


def trackers(emulator: RunningEmulator) -> list[str]:
    """ARNs of the event trackers that were asked for, as CreateEventTracker answered."""
    answers = [call for call in emulator.emulator.calls.after(0) if call.operation == "DescribeEventTracker"]
    return sorted({json.loads(call.body)["eventTrackerArn"] for call in answers})


def test_the_manifests_name_the_image_of_this_version() -> None:
    named = {
        tag
        for file in (ROOT / "examples/deploy/kubernetes").rglob("*.yaml")
        for tag in re.findall(r"image: personalize-relay:(\S+)", file.read_text())
    }
    assert named == {VERSION}
