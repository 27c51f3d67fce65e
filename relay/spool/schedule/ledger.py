"""The counts that must add up: accepted = delivered + buried + erased + pending."""

from collections.abc import Mapping

from relay.core.model import BuriedKept, SpoolStats

DELIVERED = "delivered"
ERASED = "erased"
BURIED_PREFIX = "buried:"
DISCARDED = "discarded"
"""Of those that were buried: not part of the sum."""
_NOTHING = BuriedKept()


class Ledger:
    """Totals since the spool was made. `pending` is not kept: it is counted."""

    def __init__(self, totals: Mapping[str, int] | None = None) -> None:
        self.load(totals or {})

    def load(self, totals: Mapping[str, int]) -> None:
        """Begin with these."""
        self.accepted = totals.get("accepted", 0)
        self.delivered = totals.get(DELIVERED, 0)
        self.erased = totals.get(ERASED, 0)
        self.discarded = totals.get(DISCARDED, 0)
        self.buried = {
            name.removeprefix(BURIED_PREFIX): count for name, count in totals.items() if name.startswith(BURIED_PREFIX)
        }

    def bury(self, reason: str, count: int = 1) -> None:
        """Count burials."""
        self.buried[reason] = self.buried.get(reason, 0) + count

    def stats(
        self,
        *,
        pending: int,
        size_bytes: int,
        oldest_accepted_at_ms: int | None,
        damaged_bindings: int = 0,
        kept: BuriedKept = _NOTHING,
    ) -> SpoolStats:
        """The ledger with what is known elsewhere."""
        return SpoolStats(
            accepted=self.accepted,
            delivered=self.delivered,
            buried=dict(self.buried),
            erased=self.erased,
            discarded=self.discarded,
            pending=pending,
            size_bytes=size_bytes,
            oldest_accepted_at_ms=oldest_accepted_at_ms,
            damaged_bindings=damaged_bindings,
            kept=kept,
        )


def left(totals: Mapping[str, int]) -> int:
    """How many of the accepted ones have left."""
    return sum([count for name, count in totals.items() if name not in ("accepted", DISCARDED)])


def totals_of(stats: SpoolStats) -> dict[str, int]:
    """The other way round: figures as they are kept."""
    return {
        "accepted": stats.accepted,
        "delivered": stats.delivered,
        "erased": stats.erased,
        DISCARDED: stats.discarded,
        **{BURIED_PREFIX + reason: count for reason, count in stats.buried.items()},
    }
