"""Whose turn it is: the oldest first, but visitors who are here now do not wait behind a backlog.

A target has a live queue and a backlog. The live one holds sessions by when they awoke: the first record that came
after they were last served, or after `LIVE_S` of silence. A session that has not been served for `LIVE_S` since then
is in the backlog, by its oldest record. So a session with a backlog whose visitor clicks again is in both, and when its
turn comes in the live queue, all of it goes: its order is kept, and its backlog rides along in calls due anyway.

While the backlog is late, live sessions collect for `LIVE_HOLD_S` at most and get every turn they need but for one in
`ALL_PICKS`; what they leave drains the backlog, ten to a call. Sites take turns, so that one site's flood is not
another's delay.

Entries are single integers, `seq << SLOT_BITS | slot`: the seq the session is queued by, then where the index keeps it.
They sort by age, cost 40 bytes, and are never removed from the middle: an entry whose session has moved on is stale,
recognised when it surfaces.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

SLOT_BITS: Final = 24
MAX_SESSIONS: Final = 1 << SLOT_BITS
"""Sessions that can wait at once."""
SLOT_MASK: Final = MAX_SESSIONS - 1

LIVE_S: Final = 4.9
"""A session that awoke longer ago belongs to the backlog."""

LIVE_HOLD_S: Final = 4.3
"""How long live sessions collect at most while a backlog drains, so that nobody waits for more than `LIVE_S`."""

ALL_PICKS: Final = 20
"""Of so many turns the backlog gets one at least, while both queues hold something due."""

CALM_S: Final = 300.0
"""How long after the backlog was last late the hold of live sessions stays that short, unless it has shrunk before."""

Valid = Callable[[int], bool]


class QueuedSessions(Protocol):
    """What queues ask of whoever keeps the sessions. Entries as above; ages in seconds of monotonic time."""

    def is_awake(self, entry: int) -> bool:
        """Whether an entry of the live queue still stands for a waiting session."""
        ...

    def is_oldest(self, entry: int) -> bool:
        """Whether an entry of the backlog still stands for a waiting session."""
        ...

    def is_full(self, entry: int) -> bool:
        """The same, and it holds a whole call's worth."""
        ...

    def woken_s(self, slot: int) -> float:
        """When it awoke."""
        ...

    def arrived_s(self, slot: int) -> float:
        """When its oldest record arrived."""
        ...

    def shelve(self, slot: int) -> None:
        """Put it in the backlog, unless it is there."""
        ...


class EntryQueue:
    """Entries, smallest first. Appending in order is O(1), out of order O(log n)."""

    def __init__(self) -> None:
        self._in_order: deque[int] = deque()
        self._late: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._in_order or self._late)

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


class FairQueue:
    """The waiting sessions of one target."""

    def __init__(self, target: str, sessions: QueuedSessions) -> None:
        self.target = target
        self._sessions = sessions
        self.live = EntryQueue()
        self.backlog = EntryQueue()
        self.full: deque[int] = deque()
        """Sessions that hold a whole call's worth, in the order they came to it."""
        self.has_turns = False
        """Whether it is among those who take turns; of the index."""
        self.untidy_at_s = -math.inf
        """Before that nobody in the live queue has waited for too long, but perhaps who comes back to it."""
        self._turn = 0
        self._late_s = -math.inf

    def pick(self, *, now_s: float, least_s: float, hold_s: float) -> int | None:
        """Take the session whose turn it is: its slot, or None when none is due.

        Args:
            now_s: monotonic time.
            least_s: how long every session waits for company.
            hold_s: how long sessions are held back at present; at least `least_s`.
        """
        sessions = self._sessions
        while self.full and not sessions.is_full(self.full[0]):
            self.full.popleft()
        live = self.tidy(now_s)
        old = self.backlog.peek(sessions.is_oldest)
        old_s = -1.0 if old is None else now_s - sessions.arrived_s(old & SLOT_MASK)
        if old_s >= hold_s + LIVE_S:
            self._late_s = now_s
        elif hold_s <= LIVE_HOLD_S:
            self._late_s = -math.inf
        live_hold_s = hold_s if now_s - self._late_s > CALM_S else max(least_s, min(hold_s, LIVE_HOLD_S))
        live_is_due = live is not None and now_s - sessions.woken_s(live & SLOT_MASK) >= live_hold_s
        if old is not None and old_s >= hold_s:
            turn, self._turn = self._turn, (self._turn + 1) % ALL_PICKS
            if turn == 0 or not live_is_due:
                self.backlog.pop()
                return old & SLOT_MASK
        if live is not None and live_is_due:
            self.live.pop()
            return live & SLOT_MASK
        if self.full:  # its first entry has just been found valid
            return self.full.popleft() & SLOT_MASK
        return None

    def tidy(self, now_s: float) -> int | None:
        """Move to the backlog who awoke too long ago, each entry once; the first of the live queue that is left."""
        sessions = self._sessions
        while (entry := self.live.peek(sessions.is_awake)) is not None:
            slot = entry & SLOT_MASK
            self.untidy_at_s = sessions.woken_s(slot) + LIVE_S
            if now_s < self.untidy_at_s:
                break
            self.live.pop()
            sessions.shelve(slot)
        return entry

    def is_empty(self) -> bool:
        """Whether no session waits."""
        if not self.live and not self.backlog:
            return True
        return self.backlog.peek(self._sessions.is_oldest) is None and self.live.peek(self._sessions.is_awake) is None

    def oldest(self) -> int | None:
        """The slot of the session that has waited longest."""
        entries = (self.backlog.peek(self._sessions.is_oldest), self.live.peek(self._sessions.is_awake))
        slots = [entry & SLOT_MASK for entry in entries if entry is not None]
        return min(slots, key=self._sessions.arrived_s, default=None)
