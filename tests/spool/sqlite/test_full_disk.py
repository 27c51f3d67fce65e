"""On a disk without a byte left what is in the spool still leaves, and nothing else comes in; on a real small disk."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.faults.process.small_disk import UNAVAILABLE, small_disk

pytestmark = pytest.mark.skipif(UNAVAILABLE is not None, reason=str(UNAVAILABLE))


async def play(story: str, folder: Path) -> str:
    """Run a story of the child on a new disk; its log."""
    async with small_disk(folder / "disk", megabytes=6) as disk:
        child = await asyncio.create_subprocess_exec(
            *disk.within,
            *("env", "-C", str(Path(__file__).parent.parent.parent)),
            *(sys.executable, "-m", "tests.spool.sqlite.full_disk_child", story, str(folder / "disk")),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(30):
                _, said = await child.communicate()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        assert child.returncode == 0, said.decode()
        return said.decode()


async def test_on_a_full_disk_everything_is_delivered_and_the_deliveries_are_on_disk(tmp_path: Path) -> None:
    await play("on_a_full_disk_everything_is_delivered_and_the_deliveries_are_on_disk", tmp_path)


async def test_on_a_full_disk_a_user_can_be_erased(tmp_path: Path) -> None:
    await play("on_a_full_disk_a_user_can_be_erased", tmp_path)


async def test_with_space_again_records_are_taken_again_and_the_reserve_is_kept_anew(tmp_path: Path) -> None:
    log = await play("with_space_again_records_are_taken_again_and_the_reserve_is_kept_anew", tmp_path)
    assert log.index("the disk is full") < log.index("no longer disk full; events are taken again")


async def test_a_spool_opens_on_a_full_disk_and_what_is_in_it_leaves(tmp_path: Path) -> None:
    await play("a_spool_opens_on_a_full_disk_and_what_is_in_it_leaves", tmp_path)
