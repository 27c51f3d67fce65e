"""The seam to durable storage: all that the relay, and a person with a command line, ask of a spool.

`Spool` is what a running relay uses, `relay.spool.administration` what is done to a spool from outside. Nobody above
asks which backend it is. Every implementation passes the same suite, tests/spool.

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
11. A session has one user. Who claims it first has it, whichever relay of this spool is asked, until `KEPT_MS` after
    the binding has ended, or until it is erased; everybody else is told who it is. A binding that came with an append
    is known after a restart, too; all of it within a bound of sessions.
12. An erasure reaches all there is: what waits or is buried, the archive, bindings, and what every relay of this spool
    holds in memory, its watcher told. From the first moment on no event is taken under the erased user's name. Only a
    call that is under way cannot be taken back.
13. The archive keeps copies of what was delivered, the newest within its bound, and never holds anything up: what came
    in the last half second before a crash may be missing.
14. A snippet that was kept is there for every relay that opens this spool later, the `MOST_SNIPPETS` used last.
"""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from relay.core.model import Batch, Binding, NewRecord, Piece, Record, SessionKey, SpoolStats
from relay.spool.receipt import Receipt

MOST_BINDINGS_READ: Final = 200_000
"""Sessions a relay remembers at once; about 80 MB, with SQLite 25 more for where each is in the file."""
BINDING_TTL_S: Final = 86_400.0
"""How long a session stays its user's after its last use, where nobody says otherwise."""
MOST_SNIPPETS: Final = 20
"""Of those that ran on a spool, the last so many are kept."""


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


class SessionWatcher(Protocol):
    """Somebody who has to know of sessions what happens to them at whichever relay."""

    def bound(self, binding: Binding) -> None:
        """A session is a user's, and that is durable; at the relay that delivers its events."""
        ...

    def forget(self, *, user_id: str | None = None, session_id: str | None = None) -> None:
        """A user, or a session, is being erased, whoever asked for it: drop what is held of them."""
        ...


class Sessions(Protocol):
    """Which session belongs to which user. Asked of every beacon, so that what is known here is said at once."""

    def user(self, target: str, session_id: str) -> str | None:
        """The session's user now; None where it has none, or another relay alone knows of it.

        Nothing is lost by that: records without a user are leased with the user of their session.
        """
        ...

    def claim(
        self, target: str, session_id: str, user_id: str, *, page_session: str | None = None
    ) -> str | Awaitable[str]:
        """Whose the session is, also after its binding has ended; if it was nobody's, it is this user's from now on.

        A name where this process knows, and to be awaited where the other relays have to be asked: then it is durable
        when it has ended. Else it is with the append that brings what is `due`, and holds in this process at once.

        Args:
            target: The tracking id.
            session_id: The session.
            user_id: Who showed a token for it.
            page_session: The session the page named, where this is one derived from it.

        Raises:
            SpoolError: when awaited: nobody can be asked now, and nothing was claimed.
        """
        ...

    def due(self, target: str, session_id: str) -> Binding | None:
        """The session's binding if the next append has to bring it: to keep it at all, or to make it last.

        A binding in use lives on with few writes in its time (`RELAY_BINDING_TTL_S`).
        """
        ...


class Numbered(NamedTuple):
    """What one beacon's number says."""

    state: str
    """`arrived`, `late` (it had been counted as missing) or `repeated`."""
    missing: int = 0
    """Numbers skipped before it, which may still come."""


class Numbers(Protocol):
    """What became of the beacons of a session by the numbers their page gave them, at whichever relay they arrived."""

    def took(self, key: SessionKey, page_session: str, number: int, browser: str, *, stored: bool) -> None:
        """A numbered beacon was taken here.

        Args:
            key: Of its records, if it had any.
            page_session: The session the page named.
            number: The page's.
            browser: A family of browsers.
            stored: Whether the spool holds a record of it; then its `Provenance` says the rest.
        """
        ...

    def tell(self, told: Callable[[str, Numbered], None]) -> None:
        """From now on `told` gets, once for each beacon that is this relay's to count, the browser and what it was."""
        ...


class Spool(Protocol):
    """The durable queue between accepting an event and delivering it."""

    @property
    def numbers(self) -> Numbers:
        """Follows the numbers of beacons."""
        ...

    @property
    def sessions(self) -> Sessions:
        """Which session belongs to which user."""
        ...

    def watch(self, watcher: SessionWatcher) -> None:
        """From now on this, too, is told of bindings and erasures."""
        ...

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        """Store the records, and bind the session, in one step that either happens or does not.

        To be awaited, which ends once all of it is on disk. A `binding` is one that `sessions` said is due. It also
        gives its user to the records of that session (same `session_id`, no user yet) that still wait, leased ones
        excepted until they are retried.

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

    def is_ours(self, lease: Lease, /) -> bool:
        """Whether a further call may be made with a lease: its session is still this relay's."""
        ...

    @property
    def erased(self) -> Container[str]:
        """Users who were erased and are refused since; asked of each token, so it is at hand."""
        ...

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """Remove every event and binding of a user or a session; how many events went, pending, buried and archived.

        A session takes along those that were derived from it. A user is one of `erased` from the first moment on; a
        session is not refused afterwards: it is nobody's, until it shows an identity token again. Durable on return.

        Raises:
            SpoolError: the disk refused, or another relay did not answer: erase again.
        """
        ...

    async def allow(self, user_id: str) -> bool:
        """Let a user who was erased come back; whether there was one. Durable on return.

        Raises:
            SpoolError: the disk refused; the user stays refused.
        """
        ...

    async def bindings(self, most: int = MOST_BINDINGS_READ) -> list[Binding]:
        """Sessions that are nobody else's as they are kept: the `most` that were used last.

        Some of the bindings may have ended, up to `KEPT_MS` ago. Damaged ones are forgotten, counted and logged.
        """
        ...

    def archive(self, batch: Batch) -> None:
        """Keep a copy of a batch of PutEvents that was delivered. Some microseconds; never raises, never waits."""
        ...

    async def keep_snippet(self, hash_: str, source: bytes) -> Mapping[str, bytes]:
        """Keep a snippet that pages may have pinned for whatever version runs on this spool next; all that are kept.

        By hash, at most `MOST_SNIPPETS`. Where nothing can be kept that is logged: no reason not to serve.
        """
        ...

    def step_aside(self) -> None:
        """This process is about to end: what others can deliver is theirs as soon as nothing of it is in flight here.

        Returns at once; appends go on. Nothing, where one process has the spool, or no other is alive.
        """
        ...

    def stranded(self) -> int:
        """Events that nobody delivers once this process has ended, until it is started again; at shutdown.

        Those that wait, where one process has the spool; where relays share it, those that cannot be handed over.
        """
        ...

    def share(self) -> float:
        """How much of all there is to deliver is this process's, of 1: so much of each quota is, too."""
        ...

    async def until_broken(self) -> str:
        """Wait until storage fails so that only opening the spool anew helps; why. For ever, mostly."""
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
