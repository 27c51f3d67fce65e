"""Appends in a closed loop, nothing else: `python -m tests.bench.cluster.appends URL COUNT AT_ONCE [SERVER_PID]`.

Prints `Appends` as JSON. A record is a beacon of three events of 285 bytes, of one of 2,000 sessions.
"""

import asyncio
import gc
import secrets
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from itertools import accumulate
from pathlib import Path
from time import process_time

import msgspec
import uvloop

from relay.core.clock import SystemClock
from relay.core.model import NewRecord, Operation, SessionKey
from relay.spool.postgres.link import Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.sqlite.spool import SqliteSpool
from tests.bench.machine import cpu_s

MAX_BYTES = 20 * 1024**3
SESSIONS = 2000
WARM_UP = 400
EVENT = (
    '{{"eventId":"{}","eventType":"Click","itemId":"product-{}","sentAt":1795312345.678,'
    '"recommendationId":"RID-0d2c5b9e-4a31-4c9f-8a55","impression":["product-1","product-2","product-3","product-4"],'
    '"properties":"{{\\"price\\":19.9}}"}}'
)


class Appends(msgspec.Struct, frozen=True):
    """CPU of one append, in microseconds."""

    relay_us: float
    database_us: float
    """Of every process of PostgreSQL; 0 without."""


def spool_at(url: str) -> AbstractAsyncContextManager[PostgresSpool | SqliteSpool]:
    """As the relay opens it."""
    if url.startswith("postgresql:"):
        return PostgresSpool(Server(url), clock=SystemClock(), max_bytes=MAX_BYTES)
    return SqliteSpool(Path(url.removeprefix("sqlite:///")), clock=SystemClock(), max_bytes=MAX_BYTES)


def record(session: str, name: str, item: int) -> NewRecord:
    """A beacon of three events, named after it."""
    names = tuple([f"{name}-{place}" for place in range(3)])
    entries = [EVENT.format(one, item).encode() for one in names]
    ends = tuple(accumulate([len(entries[0]), *[1 + len(entry) for entry in entries[1:]]]))
    return NewRecord(SessionKey(Operation.PUT_EVENTS, "bench", session), None, names, b",".join(entries), ends)


async def append_all(spool: PostgresSpool | SqliteSpool, records: Iterator[NewRecord], *, at_once: int) -> None:
    """So many wait for their answer at any time."""

    async def one() -> None:
        for each in records:
            await spool.append([each])

    await asyncio.gather(*[one() for _ in range(at_once)])


async def main(url: str, count: int, at_once: int, server: int | None) -> Appends:
    """Warm up, then measure."""
    salt = secrets.token_hex(8)
    names = [f"{salt}-{number:012d}" for number in range(WARM_UP + count)]
    records = [record(f"{salt}-{n % SESSIONS:012d}", name, n % SESSIONS) for n, name in enumerate(names)]
    async with spool_at(url) as spool:
        await append_all(spool, iter(records[:WARM_UP]), at_once=at_once)
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000, 200, 100)  # as `serve`
        before_s, database_s = process_time(), cpu_s(server) if server else 0.0
        await append_all(spool, iter(records[WARM_UP:]), at_once=at_once)
        used_s, database_used_s = process_time() - before_s, (cpu_s(server) if server else 0.0) - database_s
    return Appends(used_s / count * 1e6, database_used_s / count * 1e6)


if __name__ == "__main__":
    where, number, together, *pid = sys.argv[1:]
    result = uvloop.run(main(where, int(number), int(together), int(pid[0]) if pid else None))
    print(msgspec.json.encode(result).decode())  # noqa: T201 - the result
