"""The one place that is told what happens, and asked why.

Told costs a few counts, and a tuple on a list where there is more to it: a moment later, between other work, it is
looked at and kept. Past the ring's sample an ordinary beacon leaves its counts alone. What is asked is answered as of
now: what was told is looked at first.
"""

import asyncio
from collections import Counter, deque
from types import TracebackType
from typing import Final

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.model import Batch, Binding, Operation
from relay.core.telemetry import Metrics
from relay.identity.decision import IdentityResult
from relay.insight.delivered import DeliveredCounts, entries_of
from relay.insight.event_ring import EventRing, Happened
from relay.insight.minute_rows import HOUR_S, MINUTE_S, CountKey, Coverage, InsightStore, RefusalRow, merged
from relay.insight.refusals import MOST_CAUSES, Refusals
from relay.insight.told import (
    ENTRY_BYTES,
    CallMade,
    RefusedBeacon,
    TakenBeacon,
    lean_bytes,
    outcome_word,
    sessions_of,
    user_of,
)
from relay.intake.from_browser import Begun, Taken
from relay.sink.base import Delivered, Outcome
from relay.spool.contract import Numbered, Spool

DIGEST_S: Final = 0.005
"""How late something is looked at. What gathers in a quarter of a second would take ten milliseconds at a time."""
AT_ONCE: Final = 20
"""Things looked at before others have their turn; or a quarter of what waits, if that is more."""
MOST_WAITING: Final = 20_000
"""Things told and not yet looked at; past it they are not counted, which is counted."""
FLUSH_EVERY: Final = 5
"""Seconds after which counts go to the store: what a crash costs."""
SAMPLES: Final = 121
AGAIN_S: Final = 15.0
"""After an erasure: longer than a call lasts."""
MOST_LOST: Final = 10_000
"""Of one reason in one beacon."""
_NONE: Final = IdentityResult.NONE
_NOTHING_WRONG: Final = (_NONE, IdentityResult.OK)


_Told = tuple[int, bool, TakenBeacon | RefusedBeacon | Batch, Outcome | None]
"""When, whether the ring gets it, what, and what came of it."""


class Insight(Background):
    """See the module. Enter it to have it count and keep."""

    def __init__(self, *, store: InsightStore, clock: Clock, metrics: Metrics, spool: Spool) -> None:
        """Take what it works with.

        Args:
            store: Where counts are kept; open.
            clock: What time it is.
            metrics: Gets what became of numbered beacons.
            spool: Whose ledger is followed; open.
        """
        self._store = store
        self._clock = clock
        self._numbered = metrics.beacons_numbered
        self._taken = 0
        """Beacons whose events, or some of them, were taken."""
        self._stats = spool.stats
        self._told: deque[_Told] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._counts: Counter[CountKey] = Counter()
        self._delivered = DeliveredCounts(self._counts)
        self._numbers = spool.numbers
        self._numbers.tell(self._count_numbered)
        self._flushing = asyncio.Lock()
        self.ring = EventRing()
        self.refusals = Refusals(clock)
        self.not_looked_at = 0
        """Things that came faster than they could be counted."""
        self.samples: deque[tuple[int, int, int]] = deque(maxlen=SAMPLES)
        """Time, accepted and delivered events, every second of the last two minutes."""
        self.started_ms = clock.now_ms()
        self.at_start = self._ledger()
        self._followed: dict[CountKey, int] = {("ledger", name): count for name, count in self.at_start.items()}
        """What of others' counts is in ours."""
        self._hour = self._now_s() // HOUR_S

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self.flush()

    # ── told ────────────────────────────────────────────────────────────────────────────────────────────────

    def took(self, begun: Begun, taken: Taken) -> None:
        """Events of a beacon were taken, some of them perhaps not."""
        came = begun.came
        self._taken += 1
        if came.seq is not None:
            self._numbers.took(begun.key, begun.session_id, came.seq, came.browser, stored=taken.accepted > 0)
        identity = taken.identity
        if identity is not _NONE:
            self._counts["identity", identity] += 1
        kept = self.ring.admits(begun.at_ms, begun.session_id, len(begun.events))
        if kept or identity not in _NOTHING_WRONG or taken.rejected or taken.dropped or came.unknown or came.lost:
            self._tell((begun.at_ms, kept, TakenBeacon(begun, taken), None))

    def _count_numbered(self, browser: str, numbered: Numbered) -> None:
        self._numbered[numbered.state, browser] += 1
        if numbered.missing:
            self._numbered["missing", browser] += numbered.missing

    def refused(self, beacon: RefusedBeacon) -> None:
        """Something was not taken at all."""
        at_ms = self._clock.now_ms()
        self._tell((at_ms, self.ring.admits(at_ms, beacon.session_id, 1), beacon, None))

    def called(self, batch: Batch, outcome: Outcome) -> None:
        """A call was made, and this came of it."""
        at_ms = self._clock.now_ms()
        self._tell((at_ms, self.ring.admits(at_ms, batch.key.session_id, batch.size), batch, outcome))

    def _tell(self, told: _Told) -> None:
        if len(self._told) >= MOST_WAITING:
            self.not_looked_at += 1
            return
        self._told.append(told)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DIGEST_S, self._digest)

    # ── looked at ───────────────────────────────────────────────────────────────────────────────────────────

    def _digest(self) -> None:
        self._timer = None
        self._look_at(max(AT_ONCE, len(self._told) // 4))
        if self._told:
            self._timer = asyncio.get_running_loop().call_later(0.001, self._digest)

    def _look_at(self, most: int) -> None:
        for _ in range(min(most, len(self._told))):
            at_ms, kept, what, outcome = self._told.popleft()
            if isinstance(what, TakenBeacon):
                self._look_at_taken(at_ms, what, kept=kept)
            elif isinstance(what, RefusedBeacon):
                self._look_at_refused(at_ms, what, kept=kept)
            elif outcome is not None:
                self._look_at_call(at_ms, what, outcome, kept=kept)

    def _look_at_taken(self, at_ms: int, beacon: TakenBeacon, *, kept: bool) -> None:
        begun, taken = beacon
        came, site = begun.came, begun.decision.identity.site
        if taken.identity not in _NOTHING_WRONG:
            self.refusals.add("identity", taken.identity, "identity", came.origin, site, trusted=True, at_ms=at_ms)
        for rejection in taken.rejected:
            event_type = getattr(begun.events[rejection.index], "event_type", "")
            self.refusals.add(
                "event", rejection.reason, rejection.field, came.origin, site, event_type, trusted=True, at_ms=at_ms
            )
        for drop in taken.dropped or ():
            event = begun.events[drop.index] if isinstance(drop.index, int) else None
            event_type = getattr(event, "event_type", "")
            self.refusals.add(
                "field", drop.reason, drop.field, came.origin, site, event_type, trusted=True, at_ms=at_ms
            )
        for name, count in came.unknown.items() if came.unknown else ():
            self.refusals.add(
                "unknown", "unknown_field", name, came.origin, site, trusted=True, at_ms=at_ms, count=count
            )
        for reason, count in came.lost.items() if came.lost else ():
            self._counts["lost", reason, came.browser] += min(count, MOST_LOST)
        if kept:
            self.ring.add(at_ms, begun.session_id, lean_bytes(beacon), beacon)

    def _look_at_refused(self, at_ms: int, beacon: RefusedBeacon, *, kept: bool) -> None:
        self._counts[beacon.kind, str(beacon.status), beacon.error] += 1
        self.refusals.add(
            beacon.kind,
            beacon.error,
            beacon.field,
            beacon.origin,
            beacon.site,
            trusted=beacon.trusted,
            at_ms=at_ms,
        )
        if kept:
            self.ring.add(at_ms, beacon.session_id, ENTRY_BYTES, beacon)

    def _look_at_call(self, at_ms: int, batch: Batch, outcome: Outcome, *, kept: bool) -> None:
        if batch.key.operation is Operation.PUT_EVENTS:
            self._counts["call", outcome_word(outcome), getattr(outcome, "code", "")] += 1
            if isinstance(outcome, Delivered):
                self._delivered.add(batch)
        if kept:
            ids = tuple([one.eventId for one in entries_of(batch)])
            operation, target, session_id = batch.key
            call = CallMade(operation, target, session_id, batch.user_id, ids, outcome)
            self.ring.add(at_ms, session_id, ENTRY_BYTES + 100 * len(ids), call)

    # ── asked ───────────────────────────────────────────────────────────────────────────────────────────────

    def caught_up(self) -> EventRing:
        """The ring with all that was told."""
        self._look_at(len(self._told))
        return self.ring

    async def last_hour(self) -> Counter[CountKey]:
        """Counts of the last sixty minutes, give or take the one that has begun."""
        await self.flush()
        return await self._store.since(MINUTE_S, self._now_s() - HOUR_S)

    async def last_day(self) -> Counter[CountKey]:
        """Counts of the last 24 hours, in whole hours."""
        await self.flush()
        return await self._store.since(HOUR_S, self._now_s() - 24 * HOUR_S)

    async def causes(self) -> list[RefusalRow]:
        """Distinct refusals, the latest first."""
        await self.flush()
        return sorted(await self._store.refusals(MOST_CAUSES // 2), key=lambda one: -one.last_ms)

    async def coverage(self) -> Coverage:
        """Whose counts those are."""
        return await self._store.coverage()

    def count_of(self, user_id: str) -> int:
        """How many beacons and calls of a user are remembered."""
        return sum(1 for one in self.caught_up().newest_first() if user_of(one.what) == user_id)

    def bound(self, binding: Binding) -> None:
        """See `SessionWatcher.bound`: the beacon has told of it."""

    def forget(self, *, user_id: str | None = None, session_id: str | None = None) -> None:
        """See `SessionWatcher.forget`: once now, and once what was under way has left its trace."""
        self._forget(user_id, session_id)
        asyncio.get_running_loop().call_later(AGAIN_S, self._forget, user_id, session_id)

    def _forget(self, user_id: str | None, session_id: str | None) -> None:
        self.caught_up()
        sessions = {session_id} if session_id is not None else self._sessions_of(user_id)

        def is_theirs(one: Happened) -> bool:
            return one.session_id in sessions or bool(sessions & sessions_of(one.what))

        self.ring.forget(is_theirs)

    async def flush(self) -> None:
        """Look at everything, and put the counts into the store."""
        self.caught_up()
        async with self._flushing:
            self._follow_what_others_count()
            self._delivered.write_out()
            counts = Counter(self._counts)
            self._counts.clear()
            causes: dict[CountKey, RefusalRow] = {}
            for row in self.refusals.taken_away():
                causes[row.key] = merged(causes.get(row.key), row)
            hour = self._now_s() // HOUR_S
            if hour != self._hour:
                self._hour = hour
                self._delivered.new_hour()
            if counts or causes:
                await self._store.add(self._now_s(), counts, causes.values())

    def _sessions_of(self, user_id: str | None) -> set[str]:
        found: set[str] = set()
        for one in self.ring.newest_first():
            if user_id is not None and user_of(one.what) == user_id:
                found |= {one.session_id} | sessions_of(one.what)
        return found

    def _follow_what_others_count(self) -> None:
        """What came since the last time to counts that are kept for another reason."""
        now: dict[CountKey, int] = {("ledger", name): count for name, count in self._ledger().items()}
        now |= {("numbered", *labels): count for labels, count in self._numbered.by_labels()}
        now["beacon", "202", ""] = self._taken
        for key, count in now.items():
            if (more := count - self._followed.get(key, 0)) > 0:
                self._counts[key] += more
        self._followed = now

    def _ledger(self) -> dict[str, int]:
        stats = self._stats()
        return {
            "accepted": stats.accepted,
            "delivered": stats.delivered,
            "buried": sum(stats.buried.values()),
            "erased": stats.erased,
        }

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000

    async def _run(self) -> None:
        while True:
            for _ in range(FLUSH_EVERY):
                stats = self._stats()
                self.samples.append((self._clock.now_ms(), stats.accepted, stats.delivered))
                await asyncio.sleep(1)
            await self.flush()
