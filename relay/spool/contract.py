"""The seam to durable storage. Every implementation passes the same suite, tests/spool.

Guarantees of every implementation; 1, 8 and 9 of those that last:

1. What `append` returned for is on disk: kill -9 or power loss after it loses nothing.
2. An append happens, records and binding, or does not.
3. An event leaves only by `settle` (delivered or buried) or `erase`; at every quiet moment
   `accepted = delivered + buried + erased + pending`, all of them events.
4. At most one lease a session at a time; a session's events are leased in order of acceptance.
5. A lease never mixes sessions, targets or users.
6. A settle with a lease that is no longer the session's newest changes nothing: its head and `attempt` are the fence.
7. What is erased is not leased any more, what is bound is leased with its user, even if it was claimed before for
   somebody who gave up waiting.
8. After a restart everything not settled is leased again; repeats carry the same event id.
9. A seq is never used again.
10. An event id is taken once a session: while its event waits, and for ten minutes, within a bound.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from relay.core.model import Binding, NewRecord, Piece, Record, SessionKey, SpoolStats
from relay.spool.receipt import Receipt

MOST_BINDINGS_READ: Final = 200_000
"""Sessions a relay remembers at once; about 80 MB."""


class Lease(msgspec.Struct, frozen=True, gc=False):
    """A time-bounded claim on the oldest events of one session."""

    key: SessionKey
    records: tuple[Record, ...]
    """Oldest first; all of one user; at least one. Of the last one only as many events wait as a call takes."""
    attempt: int
    """1 on the first try of this session's head, then counting; with the head it is the fence of `settle`."""


class Burial(msgspec.Struct, frozen=True):
    """An event that is kept but no longer tried."""

    seq: int
    """Of its record."""
    place: int
    """In it."""
    reason: str
    """The service's error code, or one of ours; a metric label, so from a short list."""
    message: str
    """What the service said, for the person who looks."""


class Eraser(Protocol):
    """Erases as `Spool.erase` does, and perhaps more than what the spool holds."""

    async def __call__(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """Remove everything of a user or a session; how many events."""
        ...


class Spool(Protocol):
    """The durable queue between accepting an event and delivering it."""

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        """Store the records, and bind the session, in one step that either happens or does not.

        To be awaited, which ends once all of it is on disk. A `binding` also gives its user to the records of that
        session (same `session_id`, no user yet) that still wait, leased ones excepted until they are retried.

        Returns:
            Events that were not stored because their session holds, or lately held (10 minutes, bounded), the same
            event id: index of the record and place in it.

        Raises:
            SpoolFullError: past `RELAY_SPOOL_MAX_BYTES`; by the call itself or when awaited, as the next.
            SpoolError: the disk refused; nothing was stored.
        """
        ...

    async def lease(
        self, *, max_sessions: int, linger_s: float = 0.0, holds: Mapping[str, float] | None = None
    ) -> list[Lease]:
        """Claim up to `max_sessions` sessions that are due, the longest waiting first; wait until there is one.

        A session is due when no lease is out on it, its retry time has come, and it either holds a full
        call's worth of events or its oldest is at least `linger_s` seconds old. A lease carries a call's worth at
        most: a record that does not fit whole is leased in part, and its rest the next time.

        Targets take turns, and where one has a backlog, what came in the last seconds keeps a share of the turns.
        A lease not settled within a minute is taken back.

        Args:
            max_sessions: how many leases at most.
            linger_s: least age of a session's oldest record.
            holds: the same for single targets, where it is more; `math.inf` leaves a target alone altogether.
        """
        ...

    def settle(
        self,
        lease: Lease,
        *,
        delivered: Sequence[Piece] = (),
        buried: Sequence[Burial] = (),
        retry_after_s: float = 0.0,
    ) -> bool:
        """End a lease: what is not `delivered` or `buried` waits again, for `retry_after_s` seconds.

        Takes effect at once; reaches the disk with the next commit (at most 50 ms later), so that a crash in
        between repeats a delivery, which the service leaves out by its event id.

        Returns:
            False when the lease had been taken over, and nothing was changed.
        """
        ...

    @property
    def erased(self) -> Container[str]:
        """Users who were erased and are refused since; asked of each token, so it is at hand."""
        ...

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """Remove every event and binding of a user or a session, pending and buried; how many events went.

        A session takes along those that were derived from it. A user is one of `erased` from the first moment on.
        Durable on return. A call in flight cannot be taken back.
        """
        ...

    async def allow(self, user_id: str) -> bool:
        """Let a user who was erased come back; whether there was one. Durable on return."""
        ...

    def erase_with(self, eraser: Eraser) -> None:
        """From now on what another process asks to erase is erased with this."""
        ...

    async def until_broken(self) -> str:
        """Wait until storage fails so that only opening the spool anew helps; why. For ever, mostly."""
        ...

    async def bindings(self, most: int = MOST_BINDINGS_READ) -> list[Binding]:
        """Sessions that are nobody else's, for the start of the process: the `most` that were used last.

        Some of the bindings may have ended, up to `KEPT_MS` ago. Damaged ones are forgotten, counted and logged.
        """
        ...

    def stats(self) -> SpoolStats:
        """Figures as of now, without touching the disk."""
        ...

    def warnings(self) -> list[str]:
        """What a person should look at although the spool works, one line each."""
        ...

    def problems(self) -> list[str]:
        """What keeps the spool from taking more, one line each; empty when all is well."""
        ...
