"""What happens on a full disk; run where the small disk is mounted: `full_disk_child.py STORY FOLDER`."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from relay.core.clock import SystemClock
from relay.core.errors import SpoolFullError
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.reserve import RESERVE_BYTES
from tests.faults.process.small_disk import SmallDisk
from tests.spool.leases import deliver_all, whole
from tests.support.records import new_record


def open_on_disk() -> SqliteSpool:
    # SQLite follows the link that `disk.root` begins with, as the kernel does not.
    return SqliteSpool(Path(sys.argv[2]) / "spool.db", clock=SystemClock(), max_bytes=1_000_000_000)


async def fill(spool: SqliteSpool, disk: SmallDisk) -> int:
    """Append until the disk has had enough; how many were taken."""
    disk.fill()
    for taken in range(0, 20_000, 50):
        records = [
            new_record(f"e{number}", f"session-{number:016}", user_id="u", item_id="p" * 900)
            for number in range(taken, taken + 50)
        ]
        try:
            await spool.append(records)
        except SpoolFullError:
            return taken
    raise AssertionError("the disk is never full")


async def on_a_full_disk_everything_is_delivered_and_the_deliveries_are_on_disk(disk: SmallDisk) -> None:
    async with open_on_disk() as spool:
        await spool.append([new_record(f"first{number}", f"visit-{number:016}") for number in range(1000)])
        taken = 1000 + await fill(spool, disk)
        while spool.stats().pending:
            for lease in await spool.lease(max_sessions=50):
                spool.settle(lease, delivered=whole(lease))
            await spool.work(lambda _: None)
    async with open_on_disk() as spool:
        stats = spool.stats()
        assert (stats.accepted, stats.delivered, stats.pending) == (taken, taken, 0)


async def on_a_full_disk_a_user_can_be_erased(disk: SmallDisk) -> None:
    async with open_on_disk() as spool:
        taken = await fill(spool, disk)
        assert await spool.erase(user_id="u") == taken
    async with open_on_disk() as spool:
        assert spool.stats().erased == taken


async def with_space_again_records_are_taken_again_and_the_reserve_is_kept_anew(disk: SmallDisk) -> None:
    reserve = disk.root / "spool.db.reserve"
    async with open_on_disk() as spool:
        assert reserve.stat().st_size == RESERVE_BYTES
        taken = await fill(spool, disk)
        disk.clear()
        disk.fill()
        with pytest.raises(SpoolFullError):
            await spool.append([new_record("more")])
        assert "disk full" in spool.problems()[0]
        assert not reserve.exists()
        disk.clear()
        async with asyncio.timeout(10):
            while spool.problems():  # noqa: ASYNC110  asking is what makes it look again
                await asyncio.sleep(0.01)
        assert reserve.stat().st_size == RESERVE_BYTES
        await spool.append([new_record("more")])
        assert spool.stats().pending == taken + 1


async def a_spool_opens_on_a_full_disk_and_what_is_in_it_leaves(disk: SmallDisk) -> None:
    async with open_on_disk() as spool:
        for number in range(50):
            await spool.append([new_record(f"e{number}")])
    disk.fill()
    async with open_on_disk() as spool:
        with pytest.raises(SpoolFullError):
            await spool.append([new_record("more")])
        await deliver_all(spool)
        disk.clear()
    async with open_on_disk() as spool:
        assert (spool.stats().delivered, spool.stats().pending) == (50, 0)


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](SmallDisk(Path(sys.argv[2]), os.getpid())))
