"""What the committing thread is asked to do. Made on the loop, filled in on the thread, read on the loop again."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from relay.core.model import Binding, NewRecord, Record
from relay.spool.contract import Burial
from relay.spool.receipt import NOTHING_REPEATED, Receipt, Repeated
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.pieces import page_key

T = TypeVar("T")


class Append(msgspec.Struct, eq=False):
    """Records to store and perhaps a session to bind, all or nothing."""

    records: Sequence[NewRecord]
    sessions: Sequence[int]
    """Fingerprint of each record's key."""
    pages: Sequence[int]
    """The same of the session that the page named."""
    accepted_at_ms: int
    accepted_s: float
    size: int
    """Bytes, about."""
    binding: Binding | None
    receipt: Receipt
    anonymous: Sequence[int] = ()
    """Seqs of waiting records that may get the binding's user."""
    earlier: Sequence["Append"] = ()
    """Appends before this one whose seqs were not known yet, and which may hold records for the binding."""
    inherited: Sequence[int] = ()
    """Seqs of these sessions from before the start, whose ids are not known yet; see `DedupBackfill`."""
    older: Sequence[int] = ()
    """Seqs of these sessions too old for the memory of recent event ids, to be compared on disk."""
    forgotten: Sequence[tuple[str, str]] = ()
    """Sessions whose bindings go with the binding that comes: targets and ids."""
    held: object | None = None
    """What is remembered of the binding's session; see `Bindings.saved`."""
    stored: Sequence[Record | None] = ()
    """After the commit: each record as it is now; None where all of it was there already."""
    repeated: Repeated = NOTHING_REPEATED
    """After the commit: events that were there already, by record and place."""
    given: Sequence[int] = ()
    """After the commit: seqs of anonymous records that got the binding's user."""
    error: Exception | None = None


def append_of(
    records: Sequence[NewRecord], binding: Binding | None, *, salt: bytes, size: int, now_s: float, now_ms: int
) -> Append:
    """An append of these, accepted now."""
    sessions = [fingerprint(record.key, salt) for record in records]
    pages = sessions
    if records and (came := records[0].came) is not None and came.page_session is not None:
        pages = [fingerprint(page_key(record.key, record.came), salt) for record in records]
    return Append(records, sessions, pages, now_ms, now_s, size, binding, Receipt())


class Gone(NamedTuple):
    """Events of a record that have left."""

    seq: int
    numbers: int
    """How many the record has: of events it was made of."""
    places: int
    """A bit for each event that has left now."""
    left: int
    """The same of those that still wait."""


class Settled:
    """Events that have left: folded into the next commit, waited for by nobody."""

    __slots__ = ("buried", "buried_at_ms", "delivered", "lost", "missed")

    def __init__(self) -> None:
        self.delivered: list[Gone] = []
        self.buried: list[tuple[Gone, Sequence[Burial]]] = []
        """What of each record is buried, and why."""
        self.lost: list[tuple[Gone, str]] = []
        """Counted as buried, for that reason, though there is nothing left to keep."""
        self.buried_at_ms = 0
        self.missed: dict[str | None, int] = {}
        """After the commit: events that were no longer there, having been erased, by reason; None: delivered ones."""


class Work(Generic[T]):
    """Anything else that writes, in its place among the others."""

    __slots__ = ("alone", "done", "error", "result", "run", "then")

    def __init__(
        self,
        run: Callable[[Any], T],
        *,
        done: asyncio.Future[T],
        then: Callable[[T], object] | None = None,
        alone: bool = False,
    ) -> None:
        self.alone = alone
        """Whether it is run between two transactions instead of inside one."""
        self.run = run
        """Called on the thread with its `Database`."""
        self.then = then
        """Called on the loop with the result, whether or not somebody still waits for it."""
        self.done = done
        self.result: T | None = None
        self.error: Exception | None = None


Job = Append | Settled | Work[Any]
