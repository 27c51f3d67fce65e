"""What came stays on disk over a restart, and over the death of the process in the middle of a line."""

import json
from pathlib import Path
from typing import Any

import pytest

from relay.emulator import Emulator, JournalError
from relay.emulator.store.journal import FILE_NAME
from tests.emulator.raw_client import RawClient, raw_client
from tests.support.emulator import running_emulator


async def _fill(raw: RawClient) -> None:
    assert (await raw.put_event(itemId="a", eventId="e1", call={"userId": "ada"})).status == 200
    assert (await raw.put_event(itemId="")).status == 400
    items = {"datasetArn": raw.arn("dataset/demo/ITEMS"), "items": [{"itemId": "p1", "properties": '{"a": "ü"}'}]}
    assert (await raw.call("/items", items)).status == 200
    assert (await raw.call("/", {"name": "shop"}, target="CreateDatasetGroup")).status == 200
    tags = {"resourceArn": raw.arn("dataset-group/shop"), "tags": [{"tagKey": "k", "tagValue": "v"}]}
    assert (await raw.call("/", tags, target="TagResource")).status == 200


async def _seen(raw: RawClient) -> dict[str, Any]:
    group = {"datasetGroupArn": raw.arn("dataset-group/shop")}
    pages = ("calls?limit=5", "interactions.csv", "items")
    return {page: (await raw.get(f"/_emulator/{page}")).text for page in pages} | {
        "group": (await raw.call("/", group, target="DescribeDatasetGroup")).body,
        "tags": (await raw.call("/", {"resourceArn": group["datasetGroupArn"]}, target="ListTagsForResource")).body,
        "events": (await raw.get("/_emulator/stats")).json()["events"],
    }


async def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    async with running_emulator(data_dir=tmp_path, state_seconds=0) as running, raw_client(running) as raw:
        await _fill(raw)
        before = await _seen(raw)
    async with running_emulator(data_dir=tmp_path, state_seconds=0) as running, raw_client(running) as raw:
        assert await _seen(raw) == before
        numbers = [call.n for call in running.emulator.calls.after(0)]
        assert numbers == list(range(1, len(numbers) + 1))
    assert before["events"] == 1
    assert '"ü"' in before["items"]


async def test_a_torn_last_line_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    async with running_emulator(data_dir=tmp_path) as running, raw_client(running) as raw:
        for number in range(3):
            await raw.put_event(itemId=f"p{number}")
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:-20])
    async with running_emulator(data_dir=tmp_path) as running, raw_client(running) as raw:
        assert [event["itemId"] for event in running.events()] == ["p0", "p1"]
        await raw.put_event(itemId="p3")
    async with running_emulator(data_dir=tmp_path) as running:
        assert [event["itemId"] for event in running.events()] == ["p0", "p1", "p3"]


async def test_a_spoilt_line_in_the_middle_is_an_error_that_names_it(tmp_path: Path) -> None:
    async with running_emulator(data_dir=tmp_path) as running, raw_client(running) as raw:
        await raw.put_event()
    path = tmp_path / FILE_NAME
    path.write_bytes(b"nonsense\n" + path.read_bytes())
    emulator = Emulator(data_dir=tmp_path)
    with pytest.raises(JournalError, match="line 1"):
        emulator.open()
    emulator.close()


async def test_two_emulators_never_share_a_folder(tmp_path: Path) -> None:
    async with running_emulator(data_dir=tmp_path):
        other = Emulator(data_dir=tmp_path)
        with pytest.raises(JournalError, match="in use"):
            other.open()
        other.close()


async def test_forgetting_calls_forgets_them_on_disk_and_keeps_resources(tmp_path: Path) -> None:
    async with running_emulator(data_dir=tmp_path, state_seconds=0) as running, raw_client(running) as raw:
        await _fill(raw)
        last = running.emulator.calls.last_n
        assert (await raw.forget()).status_code == 204
        await raw.put_event(itemId="after")
    async with running_emulator(data_dir=tmp_path, state_seconds=0) as running, raw_client(running) as raw:
        [line] = (await raw.get("/_emulator/calls")).text.splitlines()
        assert json.loads(line)["n"] == last + 1
        assert (await raw.get("/_emulator/items")).text == ""
        group = {"datasetGroupArn": raw.arn("dataset-group/shop")}
        assert (await raw.call("/", group, target="DescribeDatasetGroup")).status == 200


async def test_another_tracking_id_at_the_next_start_replaces_the_seeded_one(tmp_path: Path) -> None:
    async with running_emulator(data_dir=tmp_path, tracking_id="one"):
        pass
    async with running_emulator(data_dir=tmp_path, tracking_id="two") as running, raw_client(running) as raw:
        assert (await raw.put_event(call={"trackingId": "one"})).code == "InvalidInputException"
        assert (await raw.put_event(call={"trackingId": "two"})).status == 200
