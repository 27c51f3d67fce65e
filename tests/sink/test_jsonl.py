"""Calls as lines of a file."""

import asyncio
import json
from pathlib import Path

import pytest

from relay.core.errors import RelayError
from relay.sink.base import Delivered, Unreachable
from relay.sink.jsonl import JsonlSink
from tests.support.batches import batch


async def test_each_call_is_one_line_as_the_service_would_get_it(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    async with JsonlSink(path) as sink:
        outcomes = await asyncio.gather(*[sink.deliver(batch(n, user_id="u")) for n in range(1, 11)])
    assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [len(line["body"]["eventList"]) for line in lines] == list(range(1, 11))
    assert lines[0]["operation"] == "PutEvents"
    assert lines[0]["body"]["userId"] == "u"


async def test_what_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    for _ in range(2):
        async with JsonlSink(path) as sink:
            await sink.deliver(batch())
    assert len(path.read_text().splitlines()) == 2


async def test_a_disk_without_space_is_no_verdict_on_the_events() -> None:
    async with JsonlSink(Path("/dev/full")) as sink:
        outcome = await sink.deliver(batch())
    assert isinstance(outcome, Unreachable)


async def test_a_place_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(RelayError):
        await JsonlSink(tmp_path / "no" / "such.jsonl").__aenter__()
