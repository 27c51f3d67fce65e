"""What goes wrong with one relay, its wire, or the database. One function a kind; each leaves everything mended."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from relay.spool.postgres.owner.shards import LEASE_S
from tests.faults.cluster.shared_arena import Member, SharedArena, now_ms

Fault = Callable[[SharedArena, Member, random.Random], Awaitable[None]]


async def kill(arena: SharedArena, member: Member, rng: random.Random) -> None:
    """Kill -9 of a relay; it comes back soon, or after others have taken over."""
    await member.process.kill()
    await asyncio.sleep(rng.choice((rng.uniform(0, 1), LEASE_S + rng.uniform(0, 2))))
    await member.start()


async def freeze(arena: SharedArena, member: Member, rng: random.Random) -> None:
    """SIGSTOP, mostly for longer than its leases last, as a virtual machine that is moved."""
    stopped_ms = now_ms()
    member.process.signal(signal.SIGSTOP)
    await asyncio.sleep(rng.choice((rng.uniform(1, LEASE_S), LEASE_S + rng.uniform(1, 3))))
    member.process.signal(signal.SIGCONT)
    arena.oracle.paused(stopped_ms, now_ms())


async def end(arena: SharedArena, member: Member, rng: random.Random) -> None:
    """SIGTERM, as a deployment does."""
    code = await member.process.stop()
    if code != 0:
        arena.oracle.ledger_wrong(f"SIGTERM: exit code {code}: {member.process.last_words()}")
    await asyncio.sleep(rng.uniform(0, 1))
    await member.start()


async def cut(arena: SharedArena, member: Member, rng: random.Random) -> None:
    """A relay's network to the database is split: nothing arrives, nobody is told."""
    member.wire.cut()
    await asyncio.sleep(rng.choice((rng.uniform(0.5, 5), LEASE_S + rng.uniform(1, 4))))
    member.wire.heal()


async def reset(arena: SharedArena, member: Member, rng: random.Random) -> None:
    """Its connections to the database are reset, perhaps for a while."""
    member.wire.refuse()
    await asyncio.sleep(rng.choice((0.0, rng.uniform(0.5, 8))))
    member.wire.heal()


async def kill_the_database(arena: SharedArena, member: Member, rng: random.Random) -> None:
    """Kill -9 of every process of PostgreSQL."""
    await arena.database.crash()
    await asyncio.sleep(rng.uniform(0, 3))
    await arena.database.start()


async def fail_over(arena: SharedArena, member: Member, rng: random.Random) -> None:
    """Kill -9 of the primary; its synchronous standby takes its place."""
    arena.lead_to(await arena.database.fail_over())
    await asyncio.sleep(rng.uniform(0, 2))
    await arena.database.follow()


OF_A_RELAY: Final[tuple[Fault, ...]] = (kill, kill, freeze, end, cut, reset)
OF_THE_DATABASE: Final[tuple[Fault, ...]] = (kill_the_database, fail_over)


async def strike(arena: SharedArena, fault: Fault, rng: random.Random) -> None:
    """Do it to a relay that nothing is being done to."""
    free = [member for member in arena.members if not member.busy]
    if not free or (fault in OF_THE_DATABASE and arena.database_busy):
        return
    member = rng.choice(free)
    arena.faults[fault.__name__] += 1
    if fault in OF_THE_DATABASE:
        arena.database_busy = True
        await fault(arena, member, rng)
        arena.database_busy = False
        return
    member.busy = True
    await fault(arena, member, rng)
    member.busy = False


async def trouble(arena: SharedArena, rng: random.Random, *, over: Callable[[], bool]) -> None:
    """Faults every few seconds until it is over, two of them at a time now and then; all is mended on return."""
    kinds = [*OF_A_RELAY, *(OF_THE_DATABASE if arena.database.has_standby else (kill_the_database,))]
    async with asyncio.TaskGroup() as group:
        under_way: set[asyncio.Task[None]] = set()
        while not over():
            under_way = {task for task in under_way if not task.done()}
            if len(under_way) < 2:
                under_way.add(group.create_task(strike(arena, rng.choice(kinds), rng)))
            await asyncio.sleep(rng.uniform(0.3, 3.0))
