"""Who waits, slot by slot: the sessions of the pending index in flat arrays, their records, and the queues they are in.

Beside what a session is (its name, the first and last of its records, how many events wait), a slot says in which state
it is and by which record it queues. Nothing here knows of leases or retry times: that is `PendingIndex`.
"""

from array import array
from collections import deque
from collections.abc import Mapping
from typing import Final

from relay.core.errors import SpoolFullError
from relay.spool.schedule.chains import Chains, Loaded
from relay.spool.schedule.claims import Removed
from relay.spool.schedule.fair_queue import LIVE_S, MAX_SESSIONS, SLOT_BITS, SLOT_MASK, FairQueue

FREE, WAITING, LEASED, RETRYING = range(4)
"""States of a slot."""

MAX_TARGETS: Final = 10_000
"""Tracking ids and datasets one spool may serve; they come from settings and trusted backends."""

_SLOTS_AT_ONCE: Final = 256


class SessionTable:
    """Sessions and their records."""

    def __init__(self, call_events: int) -> None:
        self._call_events = call_events
        self.pending: int = 0
        """Events here: waiting or leased."""
        self._flows: dict[str, int] = {}
        self._flow: list[FairQueue] = []
        self._turns: deque[FairQueue] = deque()
        """Targets with sessions that wait, in the order of their turns."""
        self._slot_of: dict[int, int] = {}
        # One entry a session, by slot.
        self._session, self._head, self._tail = array("q"), array("i"), array("i")
        self._count, self._attempt, self._flow_of = array("I"), array("I"), array("H")
        self._state, self._retry_ms = bytearray(), array("q")
        self._wake_seq, self._woken_s, self._shelved = array("q"), array("d"), bytearray()
        self._free_slots: list[int] = []
        self._chains = Chains()

    @property
    def has_room(self) -> bool:
        """Whether more sessions can wait."""
        return len(self._slot_of) < MAX_SESSIONS // 2

    def load(self, loaded: Loaded, targets: Mapping[int, str], *, now_s: float) -> int:
        """Fill an empty index with what was read from a file; the last seq, or 0.

        What `add` does, without its calls. `targets` are by number of the flow.
        """
        self._chains, self._slot_of, self._session, flows, self._head, self._tail, self._count = loaded
        seqs, arrivals, slots = self._chains.seq, self._chains.arrived_s, len(flows)
        numbers = {flow: self._flow_number(targets.get(flow, "")) for flow in dict.fromkeys(flows)}
        self._flow_of = array("H", [numbers[flow] for flow in flows])
        self._wake_seq = array("q", [seqs[head] for head in self._head])
        self._woken_s = array("d", [arrivals[head] for head in self._head])
        self._attempt, self._retry_ms = array("I", bytes(4 * slots)), array("q", bytes(8 * slots))
        self._state = bytearray([WAITING]) * slots
        self._shelved = bytearray([now_s - woken_s >= LIVE_S for woken_s in self._woken_s])  # as `tidy` would find
        self.pending = sum(self._count)
        self._turns.extend(self._flow)
        for queue in self._flow:
            queue.has_turns = True
        queues = [(flow.live.push, flow.backlog.push) for flow in self._flow]
        for slot, (seq, flow, shelved, count) in enumerate(
            zip(self._wake_seq, self._flow_of, self._shelved, self._count, strict=True)
        ):
            entry = seq << SLOT_BITS | slot
            queues[flow][shelved](entry)
            if count >= self._call_events:
                self._flow[flow].full.append(entry)
        return seqs[-1] if seqs else 0

    def _flow_number(self, target: str) -> int:
        flow = self._flows.get(target)
        if flow is None:
            if len(self._flow) == MAX_TARGETS:
                raise SpoolFullError("too many tracking ids and datasets")
            flow = self._flows[target] = len(self._flow)
            self._flow.append(FairQueue(target, self))
        return flow

    def _open(self, session: int, target: str) -> int:
        flow = self._flow_number(target)
        if not self._free_slots:
            self._grow()
        slot = self._free_slots.pop()
        self._slot_of[session] = slot
        self._session[slot] = session
        self._flow_of[slot] = flow
        self._attempt[slot] = 0
        return slot

    def _grow(self) -> None:
        """More slots, some at once: a backlog opens one for nearly every beacon."""
        first = len(self._session)
        more = min(_SLOTS_AT_ONCE, MAX_SESSIONS - first)
        if not more:
            raise SpoolFullError("too many sessions wait at once")
        for numbers in (
            self._session, self._head, self._tail, self._count, self._attempt, self._flow_of,
            self._retry_ms, self._wake_seq, self._woken_s,
        ):  # fmt: skip
            numbers.frombytes(bytes(more * numbers.itemsize))
        for flags in (self._state, self._shelved):
            flags.extend(bytes(more))
        self._free_slots.extend(reversed(range(first, first + more)))

    def _close(self, slot: int) -> None:
        del self._slot_of[self._session[slot]]
        self._state[slot] = FREE
        self._free_slots.append(slot)

    def _cut(self, slot: int, gone: Mapping[int, int], reach: int) -> list[Removed]:
        """Remove events from the first `reach` records of the chain; -1: from all."""
        head, tail, removed = self._chains.cut(self._head[slot], self._tail[slot], gone, reach)
        self._head[slot], self._tail[slot] = head, tail
        count = sum([one.places.bit_count() for one in removed])
        self._count[slot] -= count
        self.pending -= count
        return removed

    def _wake(self, slot: int, seq: int, arrived_s: float) -> None:
        self._wake_seq[slot], self._woken_s[slot] = seq, arrived_s

    def _wait(self, slot: int) -> None:
        """The session queues: by when it awoke, and by its oldest record if that is another."""
        head = self._head[slot]
        seq = self._chains.seq[head]
        if self._wake_seq[slot] < seq:  # what awoke it is gone
            self._wake(slot, seq, self._chains.arrived_s[head])
        self._queue(slot, self._wake_seq[slot])
        if self._wake_seq[slot] != seq:
            self.shelve(slot)

    def _queue(self, slot: int, wake_seq: int) -> FairQueue:
        """It queues, as of the record that awoke it; in which queue."""
        self._state[slot], self._shelved[slot] = WAITING, 0
        flow = self._flow[self._flow_of[slot]]
        flow.live.push(wake_seq << SLOT_BITS | slot)
        if self._count[slot] >= self._call_events:
            flow.full.append(self._entry(slot))
        if not flow.has_turns:
            flow.has_turns = True
            self._turns.append(flow)
        return flow

    def _entry(self, slot: int) -> int:
        return self._chains.seq[self._head[slot]] << SLOT_BITS | slot

    # ── what queues ask ──────────────────────────────────────────────────────────────────────────────────────

    def is_awake(self, entry: int) -> bool:
        """See `QueuedSessions`."""
        slot = entry & SLOT_MASK
        return self._state[slot] == WAITING and self._wake_seq[slot] == entry >> SLOT_BITS

    def is_oldest(self, entry: int) -> bool:
        """See `QueuedSessions`."""
        slot = entry & SLOT_MASK
        return self._state[slot] == WAITING and self._chains.seq[self._head[slot]] == entry >> SLOT_BITS

    def is_full(self, entry: int) -> bool:
        """See `QueuedSessions`."""
        return self.is_oldest(entry) and self._count[entry & SLOT_MASK] >= self._call_events

    def woken_s(self, slot: int) -> float:
        """See `QueuedSessions`."""
        return self._woken_s[slot]

    def arrived_s(self, slot: int) -> float:
        """See `QueuedSessions`."""
        return self._chains.arrived_s[self._head[slot]]

    def shelve(self, slot: int) -> None:
        """See `QueuedSessions`."""
        if not self._shelved[slot]:
            self._shelved[slot] = 1
            self._flow[self._flow_of[slot]].backlog.push(self._entry(slot))
