"""A relay that takes events and delivers none, until it is killed: `python -m tests.bench.cluster.waiting URL EVENTS`.

It waits for another one that is alive, appends beacons of sessions of its own shards, four of three events to each,
says `waiting N`, and goes on keeping its shards.
"""

import asyncio
import secrets
import sys
from collections.abc import Iterator

import uvloop

from relay.core.model import Operation, SessionKey
from relay.spool.postgres.rows import SHARDS, shard_of
from relay.spool.postgres.spool import PostgresSpool
from tests.bench.cluster.appends import append_all, record, spool_at

BEACONS = 4
EVENTS = 3 * BEACONS
"""Of a session."""
AT_ONCE = 256
DEADLINE_S = 60


async def main(url: str, events: int) -> None:
    """Until killed."""
    async with spool_at(url) as spool:
        assert isinstance(spool, PostgresSpool)
        async with asyncio.timeout(DEADLINE_S):
            while len(spool.shards) != SHARDS // 2:  # noqa: ASYNC110  it can only be asked
                await asyncio.sleep(0.05)
        salt = secrets.token_hex(8)
        sessions = list(own_sessions(spool, salt, events // EVENTS))
        for beacon in range(BEACONS):
            records = (record(session, f"{session}-{beacon}", n) for n, session in enumerate(sessions))
            await append_all(spool, records, at_once=AT_ONCE)
        print("waiting", EVENTS * len(sessions), flush=True)  # noqa: T201 - the result
        await asyncio.get_running_loop().create_future()


def own_sessions(spool: PostgresSpool, salt: str, count: int) -> Iterator[str]:
    """So many that are this relay's to deliver."""
    number = 0
    while count:
        session = f"{salt}-{number:012d}"
        number += 1
        if shard_of(spool.fingerprint(SessionKey(Operation.PUT_EVENTS, "bench", session))) in spool.shards:
            count -= 1
            yield session


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
