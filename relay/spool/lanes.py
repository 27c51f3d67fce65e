"""The order in which waiting sessions are served: oldest first, with a share kept for what has just come.

A site (`Flow`) has two lanes. What waits longer than `LIVE_S` is the backlog; the rest is live. When the backlog waits
longer than it should, live sessions are held back no longer than `LIVE_HOLD_S` and get all turns they need but for
`BACKLOG_PICKS` of `ALL_PICKS`; so do old sessions whose visitor is here again. Nobody's click of this second waits
behind an outage, and what these leave drains the backlog, ten to a call. Sites take turns, so that one site's flood is
not another's delay.

Entries are single integers, `seq << SLOT_BITS | slot`: the session's oldest seq, then where the index keeps it.
They sort by age, cost 32 bytes, and are never removed from the middle: an entry whose session has moved on is stale,
recognised when it surfaces.
"""

import heapq
from collections import deque
from collections.abc import Callable
from typing import Final

SLOT_BITS: Final = 24
MAX_SESSIONS: Final = 1 << SLOT_BITS
"""Sessions that can wait at once."""

LIVE_S: Final = 5.0
"""Older than this, a session's oldest record belongs to the backlog."""

LIVE_HOLD_S: Final = 3.0
"""How long live sessions collect at most while a backlog drains."""

ALL_PICKS: Final = 5
BACKLOG_PICKS: Final = 1
"""Turns the backlog gets at least, while both lanes hold something due: one of five."""

Valid = Callable[[int], bool]


class Lane:
    """Entries, smallest first. Appending in order is O(1), out of order O(log n)."""

    def __init__(self) -> None:
        self._in_order: deque[int] = deque()
        self._late: list[int] = []

    def push(self, entry: int) -> None:
        """Add an entry anywhere in the order."""
        if not self._in_order or entry > self._in_order[-1]:
            self._in_order.append(entry)
        else:
            heapq.heappush(self._late, entry)

    def peek(self, valid: Valid) -> int | None:
        """The smallest valid entry; stale ones before it are forgotten."""
        while self._in_order and not valid(self._in_order[0]):
            self._in_order.popleft()
        while self._late and not valid(self._late[0]):
            heapq.heappop(self._late)
        if self._late and (not self._in_order or self._late[0] < self._in_order[0]):
            return self._late[0]
        return self._in_order[0] if self._in_order else None

    def pop(self) -> None:
        """Remove what `peek` has just shown."""
        if self._late and (not self._in_order or self._late[0] < self._in_order[0]):
            heapq.heappop(self._late)
        else:
            self._in_order.popleft()


class Flow:
    """The waiting sessions of one target."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.live = Lane()
        self.backlog = Lane()
        self.full: deque[int] = deque()
        """Sessions that hold a whole call's worth, in the order they came to it."""
        self._awake: deque[tuple[float, int]] = deque()
        self._turn = 0

    def awaken(self, entry: int, now_s: float) -> None:
        """A session of the backlog has got a new record."""
        while self._awake and now_s - self._awake[0][0] > LIVE_S:
            self._awake.popleft()
        self._awake.append((now_s, entry))

    def _awakened(self, valid: Valid, now_s: float) -> int | None:
        """The session that awoke `LIVE_HOLD_S` ago."""
        while self._awake and (now_s - self._awake[0][0] > LIVE_S or not valid(self._awake[0][1])):
            self._awake.popleft()
        return self._awake[0][1] if self._awake and now_s - self._awake[0][0] >= LIVE_HOLD_S else None

    def pick(
        self,
        valid: Valid,
        is_full: Valid,
        age_s: Callable[[int], float],
        *,
        now_s: float,
        least_s: float,
        hold_s: float,
    ) -> int | None:
        """Take the entry whose turn it is, or None when none is due.

        Args:
            valid: whether an entry still stands for a waiting session.
            is_full: whether it is valid and its session still holds a whole call's worth.
            age_s: how long the entry's session has waited.
            now_s: monotonic time.
            least_s: how long every session waits for company.
            hold_s: how long sessions are held back at present; at least `least_s`.
        """
        self.sort_by_age(valid, age_s)
        old, live = self.backlog.peek(valid), self.live.peek(valid)
        old_s = -1.0 if old is None else age_s(old)
        is_late = old_s >= hold_s + LIVE_S
        live_hold_s = max(least_s, min(hold_s, LIVE_HOLD_S)) if is_late else hold_s
        old_is_due = old is not None and old_s >= hold_s
        live_is_due = live is not None and age_s(live) >= live_hold_s
        awake = self._awakened(valid, now_s) if is_late else None
        if old_is_due or live_is_due:
            turn, self._turn = self._turn, (self._turn + 1) % ALL_PICKS
            if old_is_due and (turn < BACKLOG_PICKS or not (live_is_due or awake is not None)):
                self.backlog.pop()
                return old
            if awake is not None and (turn % 2 or not live_is_due):
                self._awake.popleft()
                return awake  # what is left of it in the backlog is stale
            self.live.pop()
            return live
        while self.full:
            entry = self.full.popleft()
            if is_full(entry):
                return entry
        return None

    def oldest(self, valid: Valid) -> int | None:
        """The entry of the session that has waited longest."""
        entries = [entry for lane in (self.live, self.backlog) if (entry := lane.peek(valid)) is not None]
        return min(entries, default=None)

    def sort_by_age(self, valid: Valid, age_s: Callable[[int], float]) -> None:
        """Move to the backlog what has grown old. Each entry moves once."""
        while (entry := self.live.peek(valid)) is not None and age_s(entry) >= LIVE_S:
            self.live.pop()
            self.backlog.push(entry)

    def forget_stale_full(self, is_full: Valid) -> None:
        """Keep `full` from growing while nobody lingers and so nobody reads it."""
        while self.full and not is_full(self.full[0]):
            self.full.popleft()
