"""Which sessions may be leased: the in-memory index both spools share.

It holds numbers, never events: about 170 bytes a session and 22 a record, in flat arrays the garbage collector does
not walk, so that 1,000,000 waiting records cost some 50 MB. Every operation is O(1) or O(log n) in sessions, and in
targets that have work; those that have none cost nothing. No clock, no lock, no I/O: the caller passes the time and
stays on one thread.

Invariants:

1. A session is in one state: waiting (in a queue), leased (at most one lease), or retrying (until its time comes).
2. Its records form one chain in order of seq; a lease covers the first of their events, at most `call_events`.
3. A lease ends by `settle` with the same head and attempt, or is taken back `lease_s` seconds after it was given.
"""

import heapq
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from relay.core.model import first_bits
from relay.spool.schedule.chains import END
from relay.spool.schedule.claims import Claim, Out, Removed
from relay.spool.schedule.fair_queue import LIVE_S, SLOT_BITS, SLOT_MASK, FairQueue
from relay.spool.schedule.session_table import LEASED, RETRYING, WAITING, SessionTable

ALL_EVENTS: Final = (1 << 16) - 1
"""Every event of a record."""


class PendingIndex(SessionTable):
    """Waiting records by session, and whose turn it is. `session` is any 64-bit name of a `SessionKey`.

    Args:
        call_events: Events a call takes: what a lease holds at most.
        lease_s: How long a lease lasts.
    """

    def __init__(self, *, call_events: int, lease_s: float = 60.0) -> None:
        super().__init__(call_events)
        self._lease_s = lease_s
        self._out: dict[int, Out] = {}
        self._retrying: list[int] = []

    # ── records in and out ──────────────────────────────────────────────────────────────────────────────────

    def add(self, session: int, target: str, seq: int, waiting: int, arrived_s: float) -> None:
        """A record of a session now waits.

        Args:
            session: Whose it is.
            target: Of the session.
            seq: Above those before.
            waiting: A bit for each of its events, at least one.
            arrived_s: The monotonic time it was accepted.
        """
        slot = self._slot_of.get(session)
        if slot is None:
            slot = self._open(session, target)
        node = self._chains.new(seq, waiting, arrived_s)
        before, size = self._count[slot], waiting.bit_count()
        count = self._count[slot] = before + size
        self.pending += size
        if not before:
            self._head[slot] = self._tail[slot] = node
            self._wake_seq[slot], self._woken_s[slot] = seq, arrived_s
            flow = self._queue(slot, seq)
            if arrived_s >= flow.untidy_at_s:
                flow.tidy(arrived_s)
            return
        self._chains.next[self._tail[slot]] = node
        self._tail[slot] = node
        awakes = arrived_s - self._woken_s[slot] > LIVE_S
        if awakes:
            self._wake(slot, seq, arrived_s)
        if self._state[slot] != WAITING:
            return
        flow = self._flow[self._flow_of[slot]]
        if awakes:
            self.shelve(slot)
            flow.live.push(seq << SLOT_BITS | slot)
            flow.tidy(arrived_s)
        if before < self._call_events <= count:
            flow.full.append(self._entry(slot))

    def discard(self, session: int, seqs: Iterable[int]) -> list[Removed]:
        """Records of a session are gone for good (erased); what of them was here."""
        slot = self._slot_of.get(session)
        if slot is None:
            return []
        head = self._chains.seq[self._head[slot]]
        removed = self._cut(slot, dict.fromkeys(seqs, ALL_EVENTS), -1)
        out = self._out.get(slot)
        if out and (leased := sum(not one.left and one.seq <= out.last for one in removed)):
            self._out[slot] = out._replace(size=out.size - leased)
        if self._count[slot] == 0:
            self._out.pop(slot, None)
            self._close(slot)
        elif self._chains.seq[self._head[slot]] != head and self._state[slot] == WAITING:
            self._wait(slot)
        return removed

    def seqs(self, session: int, most: int) -> list[int]:
        """The oldest `most` records of a session, oldest first."""
        return list(self.waiting(session, most))

    def waiting(self, session: int, most: int) -> dict[int, int]:
        """The oldest `most` records of a session, oldest first: seq, and a bit for each event that waits."""
        slot = self._slot_of.get(session)
        if slot is None:
            return {}
        chains = self._chains
        return {chains.seq[node]: chains.waiting[node] for node in islice(chains.nodes(self._head[slot]), most)}

    def oldest_of(self, session: int) -> float | None:
        """When the oldest record of a session arrived."""
        slot = self._slot_of.get(session)
        return None if slot is None else self.arrived_s(slot)

    # ── leases ──────────────────────────────────────────────────────────────────────────────────────────────

    def take(
        self, *, max_sessions: int, now_s: float, linger_s: float = 0.0, holds: Mapping[str, float] | None = None
    ) -> list[Claim]:
        """Claim sessions that are due, see `Spool.lease`; an empty list when none is."""
        self._take_back(now_s)
        holds = holds or {}
        claims: list[Claim] = []
        passed: list[FairQueue] = []
        while self._turns and len(claims) < max_sessions:
            flow = self._turns.popleft()
            hold_s = max(linger_s, holds.get(flow.target, 0.0))
            claim = None if hold_s == math.inf else self._take_from(flow, now_s, linger_s, hold_s)
            if claim is not None:
                claims.append(claim)
                if flow.live or flow.backlog:
                    self._turns.append(flow)
                else:  # nearly always, where many targets have a session each
                    flow.has_turns = False
            elif flow.is_empty():
                flow.has_turns = False
            else:
                passed.append(flow)
        self._turns.extend(passed)
        return claims

    def _take_from(self, flow: FairQueue, now_s: float, least_s: float, hold_s: float) -> Claim | None:
        slot = flow.pick(now_s=now_s, least_s=least_s, hold_s=hold_s)
        if slot is None:
            return None
        attempt = self._attempt[slot] = self._attempt[slot] + 1
        chains, room = self._chains, self._call_events
        seqs: list[int] = []
        waiting: list[int] = []
        node = self._head[slot]
        while node != END and room > 0:
            mask = chains.waiting[node]
            size = mask.bit_count()
            seqs.append(chains.seq[node])
            waiting.append(mask if size <= room else first_bits(mask, room))
            room -= size
            node = chains.next[node]
        self._state[slot] = LEASED
        self._out[slot] = Out(seqs[0], seqs[-1], attempt, len(seqs), now_s + self._lease_s)
        return Claim(self._session[slot], attempt, tuple(seqs), tuple(waiting))

    def settle(
        self,
        session: int,
        *,
        head: int,
        attempt: int,
        gone: Mapping[int, int],
        now_s: float,
        retry_after_s: float = 0.0,
    ) -> list[Removed] | None:
        """End a claim. `gone` leaves, the rest of the session waits, `retry_after_s` seconds if that is given.

        Args:
            session: whose claim it is.
            head: the oldest record that was sent; with `attempt` it names the claim.
            attempt: of the claim.
            gone: By seq, a bit for each event delivered or buried.
            now_s: monotonic time.
            retry_after_s: seconds before the rest may be tried.

        Returns:
            What of `gone` was still here; None when the claim is not the session's newest: nothing changed.
        """
        slot = self._slot_of.get(session)
        out = None if slot is None else self._out.get(slot)
        if slot is None or out is None or out.attempt != attempt or not out.head <= head <= out.last:
            return None
        del self._out[slot]
        removed = self._cut(slot, gone, out.size)
        if self._count[slot] == 0:
            self._close(slot)
            return removed
        if removed and self._chains.seq[self._head[slot]] > head:
            self._attempt[slot] = 0  # a claim of the old head can no longer name this one
        if retry_after_s > 0:
            retry_ms = int((now_s + retry_after_s) * 1000)
            self._state[slot] = RETRYING
            self._retry_ms[slot] = retry_ms
            heapq.heappush(self._retrying, retry_ms << SLOT_BITS | slot)
        else:
            self._wait(slot)
        return removed

    def put_back(self, claim: Claim, *, now_s: float, retry_after_s: float = 0.0) -> None:
        """End a claim of which nothing was sent."""
        self.settle(
            claim.session,
            head=claim.seqs[0],
            attempt=claim.attempt,
            gone={},
            now_s=now_s,
            retry_after_s=retry_after_s,
        )

    def renew(self, claim: Claim, now_s: float) -> bool:
        """Let a claim last from now on; whether it still is the session's newest."""
        slot = self._slot_of.get(claim.session)
        out = None if slot is None else self._out.get(slot)
        if slot is None or out is None or out.attempt != claim.attempt or out.head != claim.seqs[0]:
            return False
        if out.until_s < now_s + self._lease_s - 1.0:
            self._out[slot] = self._out.pop(slot)._replace(until_s=now_s + self._lease_s)  # the last to run out
        return True

    def next_due_s(self, *, linger_s: float = 0.0, holds: Mapping[str, float] | None = None) -> float:
        """When, at the earliest, `take` could give something if nothing else happens; infinity for never."""
        due = next((out.until_s for out in self._out.values()), math.inf)  # in the order they run out
        if self._retrying:
            due = min(due, (self._retrying[0] >> SLOT_BITS) / 1000 + 0.001)
        for flow in self._turns:
            oldest = flow.oldest()
            if oldest is not None:
                hold_s = max(linger_s, (holds or {}).get(flow.target, 0.0))
                due = min(due, self.arrived_s(oldest) + hold_s)
        return due

    def oldest_arrival_s(self) -> float | None:
        """When the oldest record here arrived; waiting, leased or retrying."""
        slots = [oldest for flow in self._turns if (oldest := flow.oldest()) is not None]
        slots += self._out
        slots += [slot for entry in self._retrying if self._state[slot := entry & SLOT_MASK] == RETRYING]
        return min((self.arrived_s(slot) for slot in slots), default=None)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────

    def _take_back(self, now_s: float) -> None:
        """Leases that ran out and retries whose time has come wait again."""
        now_ms = int(now_s * 1000)
        while self._retrying and self._retrying[0] >> SLOT_BITS <= now_ms:
            entry = heapq.heappop(self._retrying)
            slot = entry & SLOT_MASK
            if self._state[slot] == RETRYING and self._retry_ms[slot] == entry >> SLOT_BITS:
                self._wait(slot)
        # Leases are given for one length of time, so the dict is in the order they run out.
        for slot, out in list(self._out.items()):
            if out.until_s > now_s:
                break
            del self._out[slot]
            self._wait(slot)
