"""Over how much that is buried a person should look at it."""

import msgspec

from relay.core.model import BuriedKept


class BuriedBounds(msgspec.Struct, frozen=True, kw_only=True):
    """Over which of these a person should look at what is buried."""

    records: int = 10_000
    bytes: int = 64 << 20
    """Of bodies."""
    age_s: float = 7 * 86_400.0
    """Since it was buried."""
    max_bytes: int | None = None
    """Past it events are discarded; None for no bound."""

    def exceeded(self, kept: BuriedKept, now_ms: int) -> str | None:
        """One line for a person; None while nothing is over its bound."""
        age_s = 0.0 if kept.oldest_at_ms is None else max(0.0, (now_ms - kept.oldest_at_ms) / 1000)
        over = [
            name
            for name, much, bound in (
                ("RELAY_BURIED_WARN_RECORDS", kept.records, self.records),
                ("RELAY_BURIED_WARN_BYTES", kept.bytes, self.bytes),
                ("RELAY_BURIED_WARN_AGE_S", age_s, self.age_s),
            )
            if much > bound
        ]
        if not over:
            return None
        what = f"{kept.records} records of {kept.bytes} bytes, the oldest for {age_s / 86_400:.1f} days"
        return f"buried: {what}; over {' and '.join(over)}: see `spool buried`"
