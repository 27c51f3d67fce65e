"""The lives of a relay: each begins with a start and ends badly. One function a kind of end."""

import asyncio
import math
import random
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from typing import Final

from tests.faults.arena import Arena
from tests.faults.process.relay_process import NotStartedError
from tests.faults.windows import HAS_STRACE, Strace, Window, attach, gives_space_back, window_of

LONGEST_LIFE_S: Final = 0.4
STRACED_LIFE_S: Final = 1.5
"""After so long a relay under strace that has not met its system call is killed in the ordinary way."""

SHRINKING_LIFE_S: Final = 20
"""After so long a relay that has not begun to give space back is killed all the same."""


async def kill_at_random(arena: Arena, rng: random.Random) -> None:
    """Kill -9 at any moment."""
    await arena.relay.start()
    await asyncio.sleep(rng.uniform(0.0, LONGEST_LIFE_S))
    await arena.crash()


async def kill_while_starting(arena: Arena, rng: random.Random) -> None:
    """Kill -9 before it takes requests, perhaps while it recovers."""
    await arena.relay.spawn()
    listening = asyncio.create_task(arena.relay.listening())
    await asyncio.wait((listening,), timeout=rng.uniform(0.0, 0.6))
    starting = not listening.done()
    await arena.crash(as_window=Window.START if starting else None)
    await asyncio.gather(listening, return_exceptions=True)


async def kill_during_a_call(arena: Arena, rng: random.Random) -> None:
    """Kill -9 while the service takes its time to answer."""
    await arena.service.misbehave(slow_body={"rate": 1, "seconds": 1, "taken": True})
    await arena.relay.start()
    seen = arena.service.calls
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            while arena.service.calls == seen:  # noqa: ASYNC110  the service is not asked to ring
                await asyncio.sleep(0.005)
    await arena.crash()
    await arena.service.misbehave()


async def kill_at_a_system_call(arena: Arena, rng: random.Random, only: str | None = None) -> Window | None:
    """Kill as it enters the N-th system call of a kind; the window the log proves."""
    call = only or rng.choice(("pwrite64", "pwrite64", "fdatasync", "fdatasync", "fdatasync", "write"))
    await arena.relay.start()
    tracer = await attach(arena.relay, f"{call}:signal=KILL:when={_spread(rng)}")
    return await _await_the_crash(arena, tracer)


async def kill_at_a_sync(arena: Arena, rng: random.Random) -> Window | None:
    """Kill as it enters an fsync."""
    return await kill_at_a_system_call(arena, rng, "fdatasync")


async def kill_at_the_mark(arena: Arena, rng: random.Random) -> Window | None:
    """Kill between the fsync and the answer: when it notes outside the file how far it has come."""
    await arena.relay.start()
    lock = arena.relay.spool.with_name(arena.relay.spool.name + ".lock")
    tracer = await attach(arena.relay, f"pwrite64:signal=KILL:when={_spread(rng)}", paths=(lock,))
    return await _await_the_crash(arena, tracer)


async def kill_before_a_write(arena: Arena, rng: random.Random) -> Window | None:
    """Kill as it locks the file to write what it was sent."""
    await arena.relay.start()
    shm = arena.relay.spool.with_name(arena.relay.spool.name + "-shm")
    tracer = await attach(arena.relay, f"fcntl:signal=KILL:when={rng.choice(_LOCKS)}", paths=(shm,))
    return await _await_the_crash(arena, tracer)


async def kill_in_a_shrinking_file(arena: Arena, rng: random.Random) -> Window | None:
    """Start with a file that is mostly free, and kill while it gives the space back, as it does when nobody waits.

    Who is erased is waited for before: an erasure overwrites all that is free, and it comes first. How many commits
    there are until space is given back is not known: each is held up before its fsync, and the log is read meanwhile.
    """
    await arena.relay.start()
    await arena.driver.stay_away(deadline_s=SHRINKING_LIFE_S)
    await arena.crash()
    await asyncio.to_thread(_make_room, arena)
    await arena.relay.start()
    tracer = await attach(arena.relay, "fdatasync:delay_enter=300ms")
    arena.driver.come()
    await asyncio.sleep(0)  # each visitor comes once
    arena.driver.come_no_more()
    with suppress(TimeoutError):
        async with asyncio.timeout(SHRINKING_LIFE_S):
            while not gives_space_back(tracer.so_far):  # noqa: ASYNC110  strace does not ring
                await asyncio.sleep(rng.uniform(0.01, 0.05))
    arena.driver.come()
    return await _crash(arena, tracer)


async def kill_while_draining(arena: Arena, rng: random.Random) -> None:
    """SIGTERM, and kill -9 before it has ended."""
    await arena.relay.start()
    await asyncio.sleep(rng.uniform(0.1, LONGEST_LIFE_S))
    arena.relay.signal(signal.SIGTERM)
    await asyncio.sleep(rng.uniform(0.0, 0.4))
    await arena.crash(as_window=Window.DRAIN if arena.relay.is_up else None)


async def terminate(arena: Arena, rng: random.Random) -> None:
    """SIGTERM, as a deployment does."""
    await arena.relay.start()
    await asyncio.sleep(rng.uniform(0.1, LONGEST_LIFE_S))
    code = await arena.relay.stop()
    if code != 0:
        arena.oracle.ledger_wrong(f"SIGTERM: exit code {code}: {arena.relay.last_words()}")


async def freeze(arena: Arena, rng: random.Random) -> None:
    """SIGSTOP, as a virtual machine that is moved; then SIGCONT, and kill -9 soon after."""
    await arena.relay.start()
    await asyncio.sleep(rng.uniform(0.1, LONGEST_LIFE_S))
    arena.relay.signal(signal.SIGSTOP)
    await asyncio.sleep(rng.uniform(0.2, 1.0))
    arena.relay.signal(signal.SIGCONT)
    await asyncio.sleep(rng.uniform(0.0, 0.3))
    await arena.crash()


async def fail_to_sync(arena: Arena, rng: random.Random) -> None:
    """The disk cannot sync any more: EIO from the N-th fsync on, until it is killed."""
    await arena.relay.start()
    await attach(arena.relay, f"fdatasync:error=EIO:when={rng.randint(1, 20)}+")
    await asyncio.sleep(rng.uniform(0.2, 0.8))
    await arena.crash()


async def fail_to_sync_once(arena: Arena, rng: random.Random) -> None:
    """One fsync fails, the next would succeed: nothing may be acknowledged on its word."""
    await arena.relay.start()
    await attach(arena.relay, f"fdatasync:error=EIO:when={rng.randint(1, 20)}")
    await asyncio.sleep(rng.uniform(0.2, 0.8))
    await arena.crash()


async def fill_the_disk(arena: Arena, rng: random.Random) -> None:
    """No space for some writes, then there is space again."""
    await arena.relay.start()
    first = rng.randint(1, 40)
    await attach(arena.relay, f"pwrite64:error=ENOSPC:when={first}..{first + rng.randint(0, 60)}")
    await asyncio.sleep(rng.uniform(0.3, 1.0))
    await arena.crash()


_LOCKS: Final = (2, 10, 12, 20, 22)
"""Of ten locks and unlocks a commit makes, the write lock is the second; or the tenth seen, if attached in an fsync."""

Death = Callable[[Arena, random.Random], Awaitable[object]]

PLAIN: Final[tuple[tuple[Death, int], ...]] = (
    (kill_at_random, 48),
    (kill_while_starting, 10),
    (kill_during_a_call, 3),
    (kill_while_draining, 4),
    (terminate, 4),
    (freeze, 4),
)
STRACED: Final[tuple[tuple[Death, int], ...]] = (
    (kill_at_a_system_call, 16),
    (kill_at_the_mark, 4),
    (kill_before_a_write, 4),
    (kill_in_a_shrinking_file, 2),
    (fail_to_sync, 2),
    (fail_to_sync_once, 2),
    (fill_the_disk, 3),
)
"""Kinds of end and how often each is chosen."""


AIMED: Final[dict[Window, Death]] = {
    Window.BEFORE_WRITE: kill_before_a_write,
    Window.BEFORE_FSYNC: kill_at_a_sync,
    Window.BEFORE_ANSWER: kill_at_the_mark,
    Window.VACUUM: kill_in_a_shrinking_file,
    Window.DELIVERY: kill_during_a_call,
    Window.DRAIN: kill_while_draining,
}
"""The end by which a window is met most surely."""


async def until_met(arena: Arena, window: Window, *, tries: int = 25) -> bool:
    """Die until the window is proven to have been met; whether it was."""
    for _ in range(tries):
        if arena.windows[window]:
            break
        await _live(arena, AIMED[window], arena.rng)
    return bool(arena.windows[window])


async def die(arena: Arena, rng: random.Random) -> None:
    """One life, ending in a way that is chosen at random."""
    kinds = PLAIN + STRACED if HAS_STRACE else PLAIN
    death = rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
    await _live(arena, death, rng)


async def _live(arena: Arena, death: Death, rng: random.Random) -> None:
    arena.faults[death.__name__.replace("_", " ")] += 1
    try:
        await death(arena, rng)
    except NotStartedError as error:
        arena.oracle.ledger_wrong(f"did not start: {error}")
        await arena.relay.kill()


def _spread(rng: random.Random) -> int:
    """1 to 100, small numbers more often."""
    return round(math.pow(100, rng.random()))


async def _await_the_crash(arena: Arena, tracer: Strace) -> Window | None:
    with suppress(TimeoutError):
        await arena.relay.ended(deadline_s=STRACED_LIFE_S)
    return await _crash(arena, tracer)


async def _crash(arena: Arena, tracer: Strace) -> Window | None:
    await arena.crash()
    window = window_of(await tracer.finished(), arena.relay.spool)
    if window is not None:
        arena.windows[window] += 1
    return window


def _make_room(arena: Arena) -> None:
    """Leave the spool as after a long outage, of which everything has been delivered: full of free pages."""
    if not arena.relay.spool.exists():
        return
    with closing(sqlite3.connect(arena.relay.spool)) as sql, sql:
        sql.execute("PRAGMA synchronous = OFF")
        sql.execute("CREATE TABLE outage (body BLOB)")
        sql.executemany("INSERT INTO outage VALUES (zeroblob(60000))", [()] * 1500)
        sql.execute("DROP TABLE outage")
