"""Who owns which shard is decided by leases, chance and how long things take; here a test decides it.

Everything else is as it is: heartbeats beat, announcements are heard, sweeps sweep.
"""

import pytest

from relay.spool.postgres.link import Server
from relay.spool.postgres.migrate import migrate
from relay.spool.postgres.owner import shards
from relay.spool.postgres.statements import statement
from relay.spool.postgres.write import erasing

_LONG_S = 86_400.0
_SALT = "000102030405060708090a0b0c0d0e0f"


class Steering:
    """Leases never run out by the machine's clock, free shards are taken by number, and the test says who is alive."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.alive = 1
        """Relays that share the shards."""
        self.leaving = 0
        """Of them, those that are about to end."""
        for module in (shards, erasing):
            monkeypatch.setattr(module, "LEASE_S", _LONG_S)
        monkeypatch.setattr(shards, "statement", self._statement)

    def _statement(self, name: str) -> str:
        if name == "alive":
            return f"SELECT {self.alive} AS alive, {self.alive - self.leaving} AS staying WHERE $1::float8 > 0"
        return statement(name).replace("random()", "shard")


async def fixed_salt(url: str, *, now_ms: int) -> None:
    """Make the schema so that a session is in the same shard every time."""
    link = Server(url).connection("salt")
    await migrate(link, now_ms=now_ms)
    await link.fetch(f"UPDATE relay.meta SET salt = decode('{_SALT}', 'hex')")  # noqa: S608  a constant
    await link.close()
