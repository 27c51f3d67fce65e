"""Counts by time: so many of a thing in a minute, and in an hour. Relays of a shared spool count together.

A row is (unit, start, key, count): the start of the minute or the hour in Unix seconds. A key is a tuple of texts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

MINUTE_S: Final = 60
HOUR_S: Final = 3600
KEPT_S: Final = {MINUTE_S: HOUR_S + 10 * MINUTE_S, HOUR_S: 26 * HOUR_S}
"""How long rows of a unit are kept."""
OTHER: Final = "(others)"

CountKey = tuple[str, ...]


class RefusalRow(NamedTuple):
    """A cause, and how often it was met."""

    key: CountKey
    trusted: bool
    """From an allowed origin, or with a valid token."""
    times: int
    first_ms: int
    last_ms: int


class Coverage(NamedTuple):
    """Whose counts a store gives."""

    relays: int = 1
    """That are alive, this one too, and whose counts are in the sums; those of relays that have ended are, too."""
    uncounted: int = 0
    """Relays that are alive, of an earlier version, whose counts nobody else gets."""
    away: str = ""
    """Why those of the others cannot be had now; empty if they can."""
    is_shared: bool = False
    """Whether there may be others at all."""


class InsightStore(Protocol):
    """Where counts are kept. Adding is additive, so that several relays may add to one."""

    async def add(self, at_s: int, counts: Mapping[CountKey, int], refusals: Iterable[RefusalRow]) -> None:
        """Add counts to the minute and the hour of `at_s`, and counts to causes; what is too old may go."""
        ...

    async def since(self, unit_s: int, start_s: int) -> Counter[CountKey]:
        """The sums over all rows of a unit (`MINUTE_S`, `HOUR_S`) that start at `start_s` or later."""
        ...

    async def refusals(self, most: int) -> list[RefusalRow]:
        """Causes, up to `most` of the trusted and as many of the others, those that came last first."""
        ...

    async def coverage(self) -> Coverage:
        """Whose counts these are, now."""
        ...


class MemoryStore:
    """For a spool in memory: what it counts ends with the process."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Counter[CountKey]]] = {MINUTE_S: {}, HOUR_S: {}}
        self._refusals: dict[CountKey, RefusalRow] = {}

    async def add(self, at_s: int, counts: Mapping[CountKey, int], refusals: Iterable[RefusalRow]) -> None:
        """See `InsightStore.add`."""
        for unit_s, by_start in self._rows.items():
            by_start.setdefault(at_s - at_s % unit_s, Counter()).update(counts)
            for start_s in [one for one in by_start if one < at_s - KEPT_S[unit_s]]:
                del by_start[start_s]
        for one in refusals:
            self._refusals[one.key] = merged(self._refusals.get(one.key), one)

    async def since(self, unit_s: int, start_s: int) -> Counter[CountKey]:
        """See `InsightStore.since`."""
        total: Counter[CountKey] = Counter()
        for at_s, counts in self._rows[unit_s].items():
            if at_s >= start_s:
                total.update(counts)
        return total

    def row(self, unit_s: int, start_s: int) -> Counter[CountKey]:
        """What was counted in one minute or hour."""
        return self._rows[unit_s][start_s]

    async def refusals(self, most: int) -> list[RefusalRow]:
        """See `InsightStore.refusals`."""
        kept = latest(self._refusals.values(), most)
        self._refusals = {one.key: one for one in kept}
        return kept

    async def coverage(self) -> Coverage:
        """See `InsightStore.coverage`."""
        return Coverage()


def latest(rows: Iterable[RefusalRow], most: int) -> list[RefusalRow]:
    """Up to `most` of the trusted and as many of the others, those that came last first."""
    ordered = sorted(rows, key=lambda one: -one.last_ms)
    return [one for one in ordered if one.trusted][:most] + [one for one in ordered if not one.trusted][:most]


def merged(before: RefusalRow | None, more: RefusalRow) -> RefusalRow:
    """Both together."""
    if before is None:
        return more
    return RefusalRow(
        before.key,
        before.trusted or more.trusted,
        before.times + more.times,
        min(before.first_ms, more.first_ms),
        max(before.last_ms, more.last_ms),
    )
