"""Asking a spool for leases, looking at them, and settling them."""

import asyncio

from relay.spool.contract import Lease, Spool


def ids(lease: Lease) -> list[str]:
    return [record.event_id for record in lease.records]


def seqs(lease: Lease) -> list[int]:
    return [record.seq for record in lease.records]


async def lease_one(spool: Spool) -> Lease:
    (lease,) = await lease_all(spool)
    return lease


async def lease_first(spool: Spool) -> Lease:
    """Whoever's turn it is."""
    (lease,) = await asyncio.wait_for(spool.lease(max_sessions=1), 5)
    return lease


async def lease_all(spool: Spool) -> list[Lease]:
    return await asyncio.wait_for(spool.lease(max_sessions=100), 5)


async def deliver_all(spool: Spool) -> list[str]:
    """Deliver until nothing is pending; the event ids in order."""
    delivered: list[str] = []
    async with asyncio.timeout(20):
        while spool.stats().pending:
            for lease in await spool.lease(max_sessions=100):
                delivered += ids(lease)
                spool.settle(lease, delivered=seqs(lease))
    return delivered


async def is_idle(spool: Spool, **how: float) -> bool:
    """Whether nothing is due now."""
    task = asyncio.create_task(spool.lease(max_sessions=100, **how))  # type: ignore[arg-type]  # only linger_s
    for _ in range(5):
        await asyncio.sleep(0)
    idle = not task.done()
    task.cancel()
    return idle


def balances(spool: Spool) -> bool:
    stats = spool.stats()
    return stats.accepted == stats.delivered + sum(stats.buried.values()) + stats.erased + stats.pending
