"""A spool with something of everything in it, and the command that looks at it."""

import json
from pathlib import Path
from typing import Any

from relay.core.clock import SystemClock
from relay.core.model import Binding, NewRecord
from relay.spool.sqlite.spool import SqliteSpool
from tests.cli.test_serve import run
from tests.spool.leases import burial, ids, pieces


async def fill(path: Path, records: list[NewRecord], *, buried: tuple[int, ...] = (), message: str = "no") -> None:
    """The first is delivered, those in `buried` are buried, the others wait."""
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=1 << 30) as spool:
        await spool.append(records, Binding("tracker-1", "bound-session-0001", "bert", 1 << 50))
        for lease in await spool.lease(max_sessions=10):
            names = dict(zip(ids(lease), pieces(lease), strict=True))
            burials = [burial(piece, message=message) for name, piece in names.items() if int(name[1:]) in buried]
            spool.settle(lease, delivered=[names["e0"]] if "e0" in names else [], buried=burials)
        await spool.work(lambda _: None)  # on disk


async def spool(*arguments: str, path: Path) -> tuple[int, str, str]:
    return await run("spool", *arguments, RELAY_SPOOL_URL=f"sqlite:///{path}")


async def as_json(*arguments: str, path: Path) -> Any:
    code, out, err = await spool(*arguments, "--json", path=path)
    assert (code, err) == (0, "")
    return json.loads(out)
