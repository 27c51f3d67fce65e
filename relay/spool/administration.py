"""What is done to a spool from outside: looking at it, repairing it, moving it into another.

`SpoolAdministration` is one spool by its URL, whether or not relays have it open; each verb opens what it needs. The
parts of a move are `MoveSource` and `MoveTarget`; `relay.spool.move` says in which order.

Guarantees of every implementation:

1. Nothing here disturbs relays at work: reads are short, changes are made by the relay that owns what is changed, or in
   transactions that every relay sees.
2. What a verb answered is durable.
3. A replayed event waits at the end of its session under a new number; one that is damaged stays buried.
4. A move stores each event, binding, erasure and total once, however often it is begun again and wherever it was
   killed: how far it is stands in the target, in the transaction that stores what it is about.
5. What is moved keeps its order within its session, its times, its user and what came with its beacon. Who is erased in
   the target stays erased, and whose session it is there, it stays.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

import msgspec

from relay.core.model import Binding, Provenance, Record, SpoolStats

Place = Literal["archived", "buried", "pending"]
"""Where an event lies."""


class Waiting(msgspec.Struct, frozen=True):
    """What waits for one target."""

    operation: str
    target: str
    pending: int
    oldest_accepted_at_ms: int


class Overview(msgspec.Struct, frozen=True):
    """A spool as it is now."""

    stats: SpoolStats
    waiting: Sequence[Waiting]
    """By operation and target, the fullest first."""
    buried: Mapping[str, int]
    """Events that are kept now, by reason, the most frequent first."""


class Buried(msgspec.Struct, frozen=True):
    """An event that is kept but no longer tried."""

    number: int
    operation: str
    target: str
    session_id: str
    user_id: str | None
    event_id: str
    body: bytes
    accepted_at_ms: int
    buried_at_ms: int
    reason: str
    message: str
    came: Provenance | None = None


class Kept(msgspec.Struct, frozen=True):
    """An event as it lies there."""

    target: str
    session_id: str
    user_id: str | None
    event_id: str
    body: bytes


class SpoolFindings(msgspec.Struct, frozen=True):
    """What can be told of a spool before a relay is started on it, one line each."""

    facts: Sequence[str] = ()
    warnings: Sequence[str] = ()
    """It works, but not as one would think."""
    problems: Sequence[str] = ()
    """It does not work."""


class SpoolAdministration(Protocol):
    """One spool, seen from outside. Every verb raises `SpoolError` where it cannot be read, or does not answer."""

    @property
    def name(self) -> str:
        """The file, or the URL without its password: for messages."""
        ...

    async def is_there(self) -> bool:
        """Whether there is a spool yet."""
        ...

    async def check(self) -> SpoolFindings:
        """Whether a relay could work with it. Raises nothing: that is found, too."""
        ...

    async def status(self) -> Overview:
        """What is in it, and what became of everything it ever took; of one moment."""
        ...

    async def buried(self, *, limit: int = 100, after: int = 0) -> list[Buried]:
        """Buried events in order, with a number above `after`."""
        ...

    async def replay(self, numbers: Sequence[int] | None = None) -> int:
        """Let buried events wait for delivery again, all without `numbers`; how many."""
        ...

    async def discard(self, numbers: Sequence[int]) -> int:
        """Forget buried events for good; how many."""
        ...

    async def discard_waiting(self, target: str) -> int:
        """Forget for good what waits for a tracking id or dataset; how many events, counted as erased."""
        ...

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """As `Spool.erase`."""
        ...

    async def targets(self, places: Sequence[Place]) -> set[str]:
        """Tracking ids that have events in these places."""
        ...

    def events(self, target: str, place: Place) -> AsyncIterator[Sequence[Kept]]:
        """Events of one tracking id, in order, some at a time: what comes or goes meanwhile may be among them or not.

        Of a damaged record all there is comes as one, of no target.
        """
        ...

    def events_of(
        self, place: Place, *, session_id: str | None = None, user_id: str | None = None
    ) -> AsyncIterator[Sequence[Kept]]:
        """Events of one session, or of one user, of every tracking id, in order, some at a time.

        Found where they lie and not here: other work of the process goes on meanwhile, however much there is to look
        through. What comes or goes meanwhile may be among them or not. A damaged record comes as in `events`.
        """
        ...

    async def sessions_of(self, user_id: str) -> Sequence[str]:
        """Sessions that are bound to a user now, in order, of every tracking id."""
        ...

    async def users_of_sessions(self, target: str) -> Mapping[str, str]:
        """Sessions that are bound to a user now, of one tracking id."""
        ...

    async def migrate(self) -> bool:
        """Make the spool, or bring it up to this version; whether there was anything to do."""
        ...

    async def retired(self) -> str | None:
        """Where what is left of it lies, if there is none any more, for all of it was moved into another one."""
        ...

    def source(self) -> "AbstractAsyncContextManager[MoveSource]":
        """To move it. Entering raises `SpoolLockedError` while a relay has it open."""
        ...

    def target(self) -> "AbstractAsyncContextManager[MoveTarget]":
        """To move others into it. Entering raises `SpoolLockedError` where a relay would not see what comes."""
        ...


class Moved(msgspec.Struct, frozen=True):
    """How much of a source a target has."""

    seq: int = 0
    """The last event number among its records."""
    buried: int = 0
    """The last number among what was buried."""
    totals: Mapping[str, int] = {}
    """See `MoveSource.totals`."""


class MoveSource(Protocol):
    """A spool that nobody else has open, and that changes by `retire` only."""

    @property
    def id(self) -> str:
        """Which spool this is, the same wherever its file lies."""
        ...

    @property
    def totals(self) -> Mapping[str, int]:
        """What has left for good, by the ledger's names: without events that `records` and `buried` give."""
        ...

    def erased(self) -> AsyncIterator[Sequence[str]]:
        """Fingerprints of the users who are refused."""
        ...

    def bindings(self) -> AsyncIterator[Sequence[Binding]]:
        """Sessions that are nobody else's, those used last at the end."""
        ...

    def records(self, after: int) -> AsyncIterator[Sequence[Record]]:
        """What waits, in order, with a seq above `after`. Damaged records are left out, and stay."""
        ...

    def buried(self, after: int) -> AsyncIterator[Sequence[Buried]]:
        """What is buried, in order, with a number above `after`. Damaged events are left out, and stay."""
        ...

    def retire(self) -> None:
        """All of it is elsewhere: on leaving it goes where no relay opens it again by mistake; see `retired`."""
        ...


class MoveTarget(Protocol):
    """A spool that takes what another one had. What a verb returned for is durable, and happened once."""

    async def moved(self, source: str) -> Moved:
        """How much of it is here."""
        ...

    async def refuse(self, fingerprints: Sequence[str]) -> None:
        """These users were erased."""
        ...

    async def bind(self, bindings: Sequence[Binding]) -> None:
        """Whose sessions these are; where a session is somebody's here, it stays theirs."""
        ...

    async def take(self, source: str, records: Sequence[Record]) -> int:
        """These wait from now on; how many of their events were left out, for their user is erased here.

        A record of a user whose session is somebody else's here goes on under a session of its own.
        """
        ...

    async def bury(self, source: str, buried: Sequence[Buried]) -> None:
        """These are buried from now on, under new numbers; they count as accepted and buried here."""
        ...

    async def count(self, source: str, totals: Mapping[str, int]) -> None:
        """So many more are in the ledger: each what it is more than when it was last told."""
        ...
