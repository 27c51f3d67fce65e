"""Appends one record after another and prints the number of each that was acknowledged."""

import asyncio
import sys
from pathlib import Path

from relay.core.clock import SystemClock
from relay.spool.sqlite.spool import SqliteSpool
from tests.support.records import new_record


async def main(path: Path, start: int) -> None:
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=10_000_000) as spool:
        for number in range(start, start + 100_000):
            await spool.append([new_record(f"e{number}")])
            print(number, flush=True)  # noqa: T201  this is how the parent is told


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
