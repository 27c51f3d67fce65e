"""A spool on a disk that stops taking writes, and recovers too late."""

import asyncio
import resource
import sys
from pathlib import Path

from relay.core.clock import SystemClock
from relay.core.errors import SpoolError
from relay.spool.sqlite.spool import SqliteSpool
from tests.support.records import new_record


async def main(path: Path) -> None:
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=10_000_000) as spool:
        await spool.append([new_record("before")])
        print("stored")  # noqa: T201  this is how the parent is told
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(path.name + "-wal").stat().st_size, hard))
        try:
            await spool.append([new_record("refused")])
        except SpoolError:
            print("refused")  # noqa: T201
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        try:
            await spool.append([new_record("refused too")])
        except SpoolError:
            print("still refused")  # noqa: T201
        print("problem" if spool.problems() else "no problem")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
