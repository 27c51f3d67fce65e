"""Asking a spool for leases, looking at them, and settling them."""

import asyncio

from relay.core.model import Piece, bits, event_id_of
from relay.spool.contract import Burial, Lease, Spool
from relay.spool.postgres.spool import PostgresSpool
from tests.support.clock import FakeClock


def pieces(lease: Lease) -> list[Piece]:
    """Every event by itself, oldest first."""
    return [Piece(record, 1 << place) for record in lease.records for place in bits(record.waiting)]


def ids(lease: Lease) -> list[str]:
    return [event_id_of(record.entries(places)) for record, places in pieces(lease)]


def whole(lease: Lease) -> list[Piece]:
    """As the dispatcher settles what was delivered."""
    return [Piece(record, record.waiting) for record in lease.records]


def burial(piece: Piece, reason: str = "InvalidInputException", message: str = "no") -> Burial:
    return Burial(piece.record.seq, piece.places.bit_length() - 1, reason, message)


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
                spool.settle(lease, delivered=whole(lease))
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


async def pass_time(spool: Spool, clock: FakeClock, seconds: float) -> None:
    """Time passes, and whoever looks at it from time to time has looked."""
    clock.advance(seconds)
    if isinstance(spool, PostgresSpool):
        await spool.look()
