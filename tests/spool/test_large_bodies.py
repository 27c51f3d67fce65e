"""A record of any size that a beacon may have is stored, and those beside it are."""

import random

from tests.spool.conftest import AnySpool
from tests.spool.leases import deliver_all
from tests.support.records import new_record

SIZES = (100, 2_000, 4_000, 7_900, 8_000, 8_100, 8_200, 9_000, 30_000, 120_000)
"""Around what a page of a database holds, and beyond; nothing in them repeats, so that none gets smaller."""


async def test_bodies_of_every_size_are_stored_and_delivered_with_their_neighbours(spool: AnySpool) -> None:
    rng = random.Random(1)
    receipts = [
        spool.append([new_record(f"e{size}", f"session-{size}", item_id=rng.randbytes(size // 2).hex())])
        for size in SIZES
    ]
    for receipt in receipts:
        assert not await receipt
    assert sorted(await deliver_all(spool)) == sorted(f"e{size}" for size in SIZES)
