"""A relay takes the files it may have, and keeps some back from strangers."""

import re
import resource
from pathlib import Path

import pytest

from relay.web.listener import bounds
from relay.web.listener.open_files import RESERVED_FILES, room
from tests.support.relay import served_relay


def test_strangers_get_what_the_relay_does_not_need_itself() -> None:
    assert room(1024, others=32) == 1024 - RESERVED_FILES - 32
    assert room(1 << 20, others=32) == bounds.MAX_CONNECTIONS
    assert room(64, others=32) > 0


def files_of(pid: int) -> tuple[int, int]:
    """Soft and hard limit."""
    try:
        limits = Path(f"/proc/{pid}/limits").read_text()
    except FileNotFoundError:
        pytest.skip("no /proc")
    line = re.search(r"Max open files\s+(\d+)\s+(\d+)", limits)
    assert line
    return int(line[1]), int(line[2])


@pytest.mark.process
async def test_serving_raises_the_soft_limit_of_files(tmp_path: Path) -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, 1024), hard))  # what is started has the same
    try:
        async with served_relay(tmp_path, sink="jsonl:out") as relay:
            soft, hard = files_of(relay.process.pid)
            assert soft == min(hard, 65536)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
