"""The ledger of all relays together. Each counts for itself, a row a minute; their sum is as of a second ago."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from relay.core.model import BuriedKept, SpoolStats
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.statements import statement
from relay.spool.schedule.ledger import BURIED_PREFIX, DELIVERED, ERASED, Ledger


@dataclass
class Totals:
    """What this relay has counted, what the others have, and what was measured."""

    relay: str
    own: Ledger = field(default_factory=Ledger)
    others: Ledger = field(default_factory=Ledger)
    measured_bytes: int = 0
    stored_bytes: int = 0
    """By this relay, since it was measured."""
    oldest_accepted_at_ms: int | None = None
    kept: BuriedKept = field(default_factory=BuriedKept)

    async def read_others(self, connection: DatabaseLink) -> None:
        """Take what the others have written."""
        rows = await connection.fetch(statement("totals"), self.relay)
        self.others.load({row["name"]: row["count"] for row in rows})

    async def measure(self, connection: DatabaseLink) -> None:
        """How large it is, and how old."""
        (row,) = await connection.fetch(statement("size"))
        self.stored_bytes = 0
        self.measured_bytes, self.oldest_accepted_at_ms = row["bytes"], row["oldest_accepted_at_ms"]

    async def look_at_buried(self, connection: DatabaseLink) -> None:
        """How much is kept that is buried, without reading it."""
        await self._take_kept(connection, "kept_in_sum")

    async def count_buried(self, connection: DatabaseLink) -> None:
        """The same, counted: of a database that may be of the version before, too."""
        await self._take_kept(connection, "kept")

    async def _take_kept(self, connection: DatabaseLink, name: str) -> None:
        (row,) = await connection.fetch(statement(name))
        self.kept = BuriedKept(row["records"], row["bytes"], row["oldest_at_ms"])

    @property
    def size_bytes(self) -> int:
        """What the spool holds on disk, about."""
        return self.measured_bytes + self.stored_bytes

    def stats(self, *, oldest_accepted_at_ms: int | None, alone: bool = False) -> SpoolStats:
        """All of it.

        Args:
            oldest_accepted_at_ms: Of what this relay knows to wait.
            alone: It has every shard, so that it knows better than what was measured a second ago.
        """
        own, others = self.own, self.others
        buried: dict[str, int] = dict(others.buried)
        for reason, count in own.buried.items():
            buried[reason] = buried.get(reason, 0) + count
        accepted, delivered = own.accepted + others.accepted, own.delivered + others.delivered
        erased = own.erased + others.erased
        measured = None if alone and oldest_accepted_at_ms is not None else self.oldest_accepted_at_ms
        oldest = [one for one in (oldest_accepted_at_ms, measured) if one is not None]
        pending = max(0, accepted - delivered - erased - sum(buried.values()))
        return SpoolStats(
            accepted=accepted,
            delivered=delivered,
            buried=buried,
            erased=erased,
            discarded=own.discarded + others.discarded,
            pending=pending,
            size_bytes=self.size_bytes,
            oldest_accepted_at_ms=min(oldest) if oldest and pending else None,
            kept=self.kept,
        )

    def correct(self, missed: Mapping[str, int]) -> None:
        """Less was hit than was counted."""
        self.own.delivered -= missed.get(DELIVERED, 0)
        self.own.erased -= missed.get(ERASED, 0)
        for name, count in missed.items():
            if name.startswith(BURIED_PREFIX):
                self.own.bury(name.removeprefix(BURIED_PREFIX), -count)
