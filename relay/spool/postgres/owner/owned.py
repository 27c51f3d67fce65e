"""What this relay delivers, as far as it knows: an index of records by session. A hint: the truth is read at lease.

All that is remembered of a shard belongs to one epoch of it and is thrown away whole. What was sent and may not be
deleted yet is a set, never a mark: of two beacons of a session that are under way at two relays the lower may commit
later.

The index numbers records by when this relay heard of them, not by `seq`, since one may be heard of after a later one.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from relay.core.clock import Clock
from relay.core.errors import SpoolFullError
from relay.spool.postgres.rows import shard_of
from relay.spool.schedule.claims import Claim
from relay.spool.schedule.lease_waiter import LeaseWaiter
from relay.spool.schedule.pending_index import PendingIndex

_NOTHING: Final[Mapping[int, int]] = {}
_LEAVING_S: Final = 0.2
"""Sessions of a shard that is about to be given back take nobody's turn for so long."""
_logger = logging.getLogger(__name__)


class Heard(NamedTuple):
    """A record as it is heard of."""

    seq: int
    session: int
    target: str
    accepted_at_ms: int
    places: int
    """A bit for each event that waits."""


class Owned:
    """Sessions of the shards that are this relay's."""

    def __init__(self, *, clock: Clock, call_events: int) -> None:
        self._clock = clock
        self.index = PendingIndex(call_events=call_events)
        self.waiter = LeaseWaiter(self.index, clock)
        self.forgotten = 0
        """How often something was erased: what was read before is not to be sent."""
        self._last_number = 0
        self._numbers: dict[int, dict[int, int]] = {}
        """By session: seq → number."""
        self._gone: dict[int, dict[int, int]] = {}
        """By session: seq → events that were settled and may still be in the database."""
        self._out: dict[int, Claim] = {}
        self._open: set[int] = set()
        """Shards that are leased from."""

    # ── shards ──────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, shard: int) -> None:
        """All that waits of it is known."""
        self._open.add(shard)
        self.waiter.ring()

    def is_open(self, shard: int) -> bool:
        """Whether it is leased from."""
        return shard in self._open

    def leave(self, shards: Collection[int]) -> None:
        """See `Holder`; what waits of them takes nobody's turn."""
        self._open -= set(shards)
        waiting = self._numbers.keys() - self._out.keys()
        for session in [session for session in waiting if shard_of(session) in shards]:
            self.index.discard(session, self._numbers.pop(session).values())

    def busy(self) -> set[int]:
        """See `Holder`."""
        return {shard_of(session) for sessions in (self._out, self._gone) for session in sessions}

    def drop(self, shards: Collection[int]) -> None:
        """See `Holder`."""
        for sessions in (self._gone, self._out):
            for session in [session for session in sessions if shard_of(session) in shards]:
                del sessions[session]
        self.leave(shards)

    # ── what waits ──────────────────────────────────────────────────────────────────────────────────────────

    def add(self, records: Iterable[Heard]) -> None:
        """These wait, as far as they were not known."""
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        for seq, session, target, accepted_at_ms, places in records:
            numbers = self._numbers.setdefault(session, {})
            left = places & ~self._gone.get(session, _NOTHING).get(seq, 0)
            if left and seq not in numbers:
                arrived_s = now_s - max(0, now_ms - accepted_at_ms) / 1000
                try:
                    self.index.add(session, target, self._last_number + 1, left, arrived_s)
                except SpoolFullError as error:  # it waits in the database, and is looked for again
                    _logger.warning("%s", error)
                else:
                    self._last_number += 1
                    numbers[seq] = self._last_number
            if not numbers:
                del self._numbers[session]
        self.waiter.ring()

    def gone(self, sessions: Iterable[int]) -> dict[int, int]:
        """Of these sessions: seq → events that were settled and may still be in the database."""
        return {seq: places for session in sessions for seq, places in self._gone.get(session, _NOTHING).items()}

    def left(self, session: int, seq: int, places: int) -> None:
        """These events are not to be sent, and will leave the database soon."""
        settled = self._gone.setdefault(session, {})
        settled[seq] = settled.get(seq, 0) | places

    def deleted(self, session: int, seq: int, places: int) -> None:
        """The database has let go of these; of others of the record perhaps not yet."""
        gone = self._gone.get(session)
        if gone is None or seq not in gone:
            return
        gone[seq] &= ~places
        if not gone[seq]:
            del gone[seq]
        if not gone:
            del self._gone[session]

    def erased(self, records: Iterable[tuple[int, int]]) -> None:
        """Records, by session and seq, that the database has let go of for good."""
        self.forgotten += 1
        for session, seq in records:
            numbers = self._numbers.get(session, {})
            if seq in numbers:
                self.index.discard(session, (numbers.pop(seq),))
            if not numbers:
                self._numbers.pop(session, None)
                self._out.pop(session, None)

    # ── leases ──────────────────────────────────────────────────────────────────────────────────────────────

    def may_take_out(self, claim: Claim) -> bool:
        """Whether a claim that was read still holds, of a shard that is leased from; its time begins."""
        is_open = self.is_open(shard_of(claim.session))
        if is_open and self.index.renew(claim, self._clock.monotonic_s()):
            return True
        self.put_back(claim, 0.0 if is_open else _LEAVING_S)
        return False

    def take_out(self, claim: Claim) -> None:
        """A claim is handed out."""
        self._out[claim.session] = claim

    def is_out(self, claim: Claim) -> bool:
        """Whether it may still be settled."""
        return self._out.get(claim.session) is claim

    def missing(self, claim: Claim, found: set[int], *, all_up_to: int | None) -> None:
        """The database was asked for a session, and has what was `found`, perhaps more behind `all_up_to`.

        What is missing was erased, or delivered by an owner before.
        """
        numbers = self._numbers.get(claim.session, {})
        claimed = set(claim.seqs)
        ghosts = [
            seq
            for seq, number in numbers.items()
            if number in claimed and seq not in found and (all_up_to is None or seq <= all_up_to)
        ]
        if ghosts:
            self.index.discard(claim.session, [numbers.pop(seq) for seq in ghosts])
            if not numbers:
                del self._numbers[claim.session]

    def put_back(self, claim: Claim, retry_after_s: float = 0.0) -> None:
        """Nothing of a claim was sent."""
        self.index.put_back(claim, now_s=self._clock.monotonic_s(), retry_after_s=retry_after_s)
        self.waiter.ring()

    def settle(self, claim: Claim, gone: Mapping[int, int], *, retry_after_s: float) -> bool:
        """End a claim: these events (a bit for each) have left their records; whether it still was the newest."""
        session = claim.session
        if not self.is_out(claim):
            return False
        numbers = self._numbers.get(session, {})
        removed = self.index.settle(
            session,
            head=claim.seqs[0],
            attempt=claim.attempt,
            gone={numbers[seq]: places for seq, places in gone.items() if seq in numbers},
            now_s=self._clock.monotonic_s(),
            retry_after_s=retry_after_s,
        )
        del self._out[session]
        if removed is None:  # it ran out, and its shard may go
            return False
        ended = {one.seq for one in removed if not one.left}
        for seq in [seq for seq in gone if numbers.get(seq) in ended]:
            del numbers[seq]
        if not numbers:
            self._numbers.pop(session, None)
        for seq, places in gone.items():
            self.left(session, seq, places)
        self.waiter.ring()
        return True
