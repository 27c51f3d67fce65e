"""The order in which waiting sessions are served: oldest first, with a share kept for what has just come.

A site (`Flow`) has two lanes. What waits longer than `LIVE_S` is the backlog; the rest is live. While both hold due
sessions, the backlog gets `BACKLOG_PICKS` of `ALL_PICKS` turns, so that an outage's backlog drains fast and yet
nobody's click of this second waits behind it. Sites take turns, so that one site's flood is not another's delay.

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

ALL_PICKS: Final = 3
BACKLOG_PICKS: Final = 1
"""Turns the backlog gets while both lanes hold something due: one of three."""

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
        self._turn = 0

    def pick(self, valid: Valid, is_due: Valid, is_live: Valid, is_full: Valid) -> int | None:
        """Take the entry whose turn it is, or None when none is due.

        Args:
            valid: whether an entry still stands for a waiting session.
            is_due: whether it has waited long enough.
            is_live: whether it is younger than `LIVE_S`.
            is_full: whether it is valid and its session still holds a whole call's worth.
        """
        self.sort_by_age(valid, is_live)
        backlog_first = self._turn < BACKLOG_PICKS
        for lane in (self.backlog, self.live) if backlog_first else (self.live, self.backlog):
            entry = lane.peek(valid)
            if entry is not None and is_due(entry):
                lane.pop()
                self._turn = (self._turn + 1) % ALL_PICKS
                return entry
        while self.full:
            entry = self.full.popleft()
            if is_full(entry):
                return entry
        return None

    def oldest(self, valid: Valid) -> int | None:
        """The entry of the session that has waited longest."""
        entries = [entry for lane in (self.live, self.backlog) if (entry := lane.peek(valid)) is not None]
        return min(entries, default=None)

    def sort_by_age(self, valid: Valid, is_live: Valid) -> None:
        """Move to the backlog what has grown old. Each entry moves once."""
        while (entry := self.live.peek(valid)) is not None and not is_live(entry):
            self.live.pop()
            self.backlog.push(entry)

    def forget_stale_full(self, is_full: Valid) -> None:
        """Keep `full` from growing while nobody lingers and so nobody reads it."""
        while self.full and not is_full(self.full[0]):
            self.full.popleft()
