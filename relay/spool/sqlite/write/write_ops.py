"""What the committing thread is asked to do. Made on the loop, filled in on the thread, read on the loop again."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from relay.core.model import Binding, NewRecord, SessionKey
from relay.spool.contract import Burial
from relay.spool.receipt import Receipt
from relay.spool.sqlite.file.rows import fingerprint

if TYPE_CHECKING:
    from relay.spool.sqlite.write.database import Database

T = TypeVar("T")


class Run(NamedTuple):
    """Records of one append, next to each other, of one session; mostly all of them."""

    session: int
    """The fingerprint of `key`."""
    key: SessionKey
    start: int
    end: int


def runs_of(records: Sequence[NewRecord], salt: bytes) -> list[Run]:
    """The runs of an append; records of a session that are not next to each other are several."""
    runs: list[Run] = []
    start = 0
    for end in range(1, len(records) + 1):
        key = records[start].key
        if end == len(records) or records[end].key is not key:
            runs.append(Run(fingerprint(key, salt), key, start, end))
            start = end
    return runs


class Append:
    """Records to store and perhaps a session to bind, all or nothing."""

    __slots__ = (
        "accepted_at_ms", "accepted_s", "anonymous", "binding", "earlier", "error", "given",
        "inherited", "older", "records", "runs", "seqs", "size", "stored",
    )  # fmt: skip

    def __init__(
        self,
        records: Sequence[NewRecord],
        *,
        runs: Sequence[Run],
        accepted_at_ms: int,
        accepted_s: float,
        size: int,
        binding: Binding | None = None,
    ) -> None:
        self.records = records
        self.runs = runs
        self.accepted_at_ms = accepted_at_ms
        self.accepted_s = accepted_s
        self.size = size
        """Bytes, about."""
        self.binding = binding
        self.anonymous: Sequence[int] = ()
        """Seqs of waiting records that may get the binding's user."""
        self.earlier: Sequence[Append] = ()
        """Appends before this one whose seqs were not known yet, and which may hold records for the binding."""
        self.inherited: Sequence[int] = ()
        """Seqs of these sessions from before the start, whose ids are not known yet; see `DedupBackfill`."""
        self.older: Sequence[int] = ()
        """Seqs of these sessions too old for the memory of dedup event ids, to be compared on disk."""
        self.stored = Receipt()
        self.seqs: Sequence[int] = ()
        """After the commit: one for each record, 0 for a duplicate."""
        self.given: Sequence[int] = ()
        """After the commit: seqs of anonymous records that got the binding's user."""
        self.error: Exception | None = None


class Settled:
    """Records that have left: folded into the next commit, waited for by nobody."""

    __slots__ = ("buried", "buried_at_ms", "delivered", "lost", "missed")

    def __init__(
        self, *, delivered: Sequence[int], buried: Sequence[Burial], buried_at_ms: int, lost: Sequence[Burial] = ()
    ) -> None:
        self.delivered = delivered
        self.buried = buried
        self.buried_at_ms = buried_at_ms
        self.lost = lost
        """Counted as buried though there is nothing left to keep."""
        self.missed: list[str | None] = []
        """After the commit: what was no longer there, having been erased; the burial's reason, None for a delivery."""


class Work(Generic[T]):
    """Anything else that writes, in its place among the others."""

    __slots__ = ("done", "error", "result", "run", "then")

    def __init__(
        self, run: "Callable[[Database], T]", *, done: asyncio.Future[T], then: Callable[[T], object] | None = None
    ) -> None:
        self.run = run
        self.then = then
        """Called on the loop with the result, whether or not somebody still waits for it."""
        self.done = done
        self.result: T | None = None
        self.error: Exception | None = None


Job = Append | Settled | Work[Any]
