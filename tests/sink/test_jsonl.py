from pathlib import Path

import msgspec

from relay.sink.base import Delivered, Unreachable
from relay.sink.jsonl import JsonlSink
from tests.sink.batches import batch, event


async def test_each_call_is_a_line_with_its_operation(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "calls.jsonl")
    assert isinstance(await sink.deliver(batch(event(1), event(2), target="t", user_id="u")), Delivered)
    assert isinstance(await sink.deliver(batch(event(3), target="t")), Delivered)
    lines = [msgspec.json.decode(line) for line in (tmp_path / "calls.jsonl").read_bytes().splitlines()]
    assert [line["operation"] for line in lines] == ["PutEvents", "PutEvents"]
    assert lines[0]["request"]["eventList"] == [event(1), event(2)]
    assert lines[0]["request"]["userId"] == "u"


async def test_a_file_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "missing" / "calls.jsonl")
    assert isinstance(await sink.deliver(batch(event(), target="t")), Unreachable)
