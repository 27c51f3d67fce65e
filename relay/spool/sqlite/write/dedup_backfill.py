"""Event ids that the memory of dedup ones does not hold, though their records are on the disk.

Of two kinds are records: those that wait for longer than ids are remembered, and those found at the start. A relay that
dies between fsync and answer is sent the same event again. So for ten minutes from the start:

1. As long as such a record waits or is leased, its id is known: the first append of its session reads the ids of all
   that the session inherited.
2. When it leaves (delivered, buried, damaged or erased), its id is read in the transaction that removes it.

Either way it goes to `DedupWindow` before anything behind it in the queue is looked at. Looked for is in every session
that is one to the page: its own, and those derived from it for a second user. To read all ids at the start
would take longer than everything else there. What had left before the start is not known.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from relay.core.model import event_id_of
from relay.spool.schedule.dedup_window import REMEMBERED_S, DedupWindow
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.schedule.pieces import page_key
from relay.spool.sqlite.file.rows import COLUMNS, Flows, RecordRow
from relay.spool.sqlite.write.write_ops import Append

COMPARED: Final = 256
"""Of records that wait for too long, so many ids are compared at each append, the oldest of the session."""
MOST_INHERITED: Final = 10_000
"""Ids read for one session, the oldest: some ten milliseconds, once."""
MOST_LEAVING: Final = 150_000
"""Of so many records, the newest before the start, the id is kept when they leave; more would drive out live ones."""
MOST_APART: Final = 50_000
"""Pages' sessions with others derived from them, before those are left out in which nothing waits."""


class DedupBackfill:
    """Which ids are to be read.

    Args:
        index: What waits.
        last_seq: Of the last record before the start.
        now_s: The start, monotonic.
    """

    def __init__(self, index: PendingIndex, *, last_seq: int, now_s: float) -> None:
        self._index = index
        self._last_seq = last_seq
        self._until_s = now_s + REMEMBERED_S if index.pending else now_s
        self._known: set[int] = set()
        self._apart: dict[int, set[int]] = {}
        """Sessions derived from one that a page names, by that one."""

    def derived(self, page: int, session: int) -> None:
        """Something of the session `page` may wait in `session`. On the loop, or before it."""
        there = self._apart.setdefault(page, set())
        there.add(session)
        if len(self._apart) > MOST_APART:
            busy = {one: {at for at in derived if self._index.seqs(at, 1)} for one, derived in self._apart.items()}
            self._apart = {one: derived for one, derived in busy.items() if derived} | {page: there}

    def find(self, job: Append, now_s: float) -> None:
        """Note in an append which ids are to be read. On the loop; for most sessions nothing waits."""
        here: Iterable[int] = job.sessions
        if job.pages is not job.sessions:
            for page, session in zip(job.pages, job.sessions, strict=True):
                self.derived(page, session)
            here = {*job.sessions, *job.pages}
        if len(job.records) > 1:
            here = set(here)
        if self._apart:
            here = self._with_derived(here)
        job.older = self.older(here, now_s)
        if now_s <= self._until_s:
            job.inherited = self.inherited(here, now_s)

    def older(self, sessions: Iterable[int], now_s: float) -> list[int]:
        """Seqs in these sessions, if they have waited for too long. On the loop."""
        older: list[int] = []
        for session in sessions:
            oldest_s = self._index.oldest_of(session)
            if oldest_s is not None and now_s - oldest_s >= REMEMBERED_S:
                older += self._index.seqs(session, COMPARED)
        return older[:COMPARED]

    def inherited(self, sessions: Iterable[int], now_s: float) -> list[int]:
        """Seqs from before the start in those of the sessions whose ids are not known yet. On the loop."""
        if now_s > self._until_s:
            return []
        found: list[int] = []
        for session in set(sessions) - self._known:
            head = self._index.seqs(session, 1)
            if head and head[0] <= self._last_seq:
                found += [seq for seq in self._index.seqs(session, MOST_INHERITED) if seq <= self._last_seq]
        return found

    def are_known(self, sessions: Iterable[int]) -> None:
        """The ids these sessions inherited have been read. On the loop."""
        self._known.update(self._with_derived(sessions))

    def _with_derived(self, sessions: Iterable[int]) -> set[int]:
        found = set(sessions)
        return found.union(*[self._apart[one] for one in found if one in self._apart])

    def leaving(self, seqs: Iterable[int], now_s: float) -> Sequence[int]:
        """Those of the records leaving now whose ids are to be kept. On any thread."""
        if now_s > self._until_s:
            return ()
        return [seq for seq in seqs if self._last_seq - MOST_LEAVING < seq <= self._last_seq]


def keys_of(sql: sqlite3.Connection, seqs: Sequence[int], *, flows: Flows, salt: bytes) -> set[int]:
    """What stands in the dedup window for the event ids of these records; of damaged ones nothing."""
    found = f"SELECT {COLUMNS} FROM records WHERE seq IN (SELECT value FROM json_each(?))"  # noqa: S608  a constant
    keys: set[int] = set()
    try:
        for columns in sql.execute(found, (json.dumps(seqs),)):
            row = RecordRow(*columns)
            if row.flow not in flows or not row.is_intact():
                continue
            record = row.as_record(flows)
            page = fingerprint(page_key(record.key, record.came), salt)
            entries = [record.entry(place) for place in range(len(record.ends))]
            keys |= {DedupWindow.key(page, event_id) for entry in entries if (event_id := event_id_of(entry))}
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise  # what is damaged is found, counted and told of when it is leased
    return keys
