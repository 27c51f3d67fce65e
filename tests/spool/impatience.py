"""Somebody who waits for a lease and gives up, as the dispatcher does whenever its plan changes."""

import asyncio
import threading

from relay.spool.contract import Lease
from relay.spool.sqlite.spool import SqliteSpool


async def give_up_a_lease(spool: SqliteSpool) -> list[Lease]:
    """Ask for leases and give up while they are read from the disk, which is held up meanwhile.

    Returns:
        What needed no reading; usually nothing.
    """
    gate = threading.Event()
    reader = spool._reader  # pyright: ignore[reportPrivateUsage]
    held_up = asyncio.create_task(reader.run(lambda _: gate.wait(10)))
    asking = asyncio.create_task(spool.lease(max_sessions=2))
    for _ in range(5):
        await asyncio.sleep(0)
    asking.cancel()
    gate.set()
    await held_up
    await asyncio.wait([asking])
    return [] if asking.cancelled() else asking.result()
