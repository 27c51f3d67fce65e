"""The table of bindings: each with its checksum, and no more of them than a bound.

Guarantees:

1. A binding that is not what was once written is never read.
2. No more than `MOST_BINDINGS` sessions stay bound on disk. Past it every new one costs some old ones: of
   sixteen taken in turn those that have not been used longest, so that no commit is long and no index is needed.
   What a transaction binds is written together, before anything reads the table: a statement each costs more.
3. Bindings go in the same small steps a week after they have ended: until then the session is nobody else's.
"""

import logging
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, islice
from typing import Final

import msgspec

from relay.core.model import KEPT_MS, Binding, Operation, SessionKey
from relay.spool.schedule.fingerprint import fingerprint, number_of
from relay.spool.sqlite.file.connection import lenient_text
from relay.spool.sqlite.file.rows import crc_of, statement

MOST_BINDINGS: Final = 500_000
"""Sessions bound on disk, about 75 MB: two and a half times what a relay remembers."""
_BIND: Final = statement("bind")
_AT_ONCE: Final = 64
"""Rows a statement writes."""
_LOOKED_AT: Final = 16
"""Rows a save looks at while there are too many."""
_LOOKED_AT_ELSE: Final = 4
"""And while there are not: for those alone that have ended. To look at sixteen was a third of what a save took."""
_NEXT: Final = "SELECT slot, expires_at_ms, kept_until_ms FROM bindings WHERE slot > ? ORDER BY slot LIMIT ?"
_LOOKED_AT_ONCE: Final = 20_000
"""Rows a reader looks at, before another gets its turn."""
_ENDED_AT_ONCE: Final = 20_000
"""Bindings that have ended which a start removes; the rest goes later."""
_LATEST: Final = 20_000
"""Saves that are remembered, for erasures under way."""
_BEFORE_ALL: Final = -(1 << 63)
_logger = logging.getLogger(__name__)


class ReadBindings(msgspec.Struct, frozen=True):
    """What a look at the table found."""

    bindings: list[Binding]
    damaged: list[int]
    """Slots of those that are not what was once written."""


class BindingTable:
    """Bindings as the committing thread writes them."""

    def __init__(self, most: int = MOST_BINDINGS) -> None:
        self._most = most
        self._salt = b""
        self._hand = _BEFORE_ALL
        self._latest: deque[int] = deque(maxlen=_LATEST)
        self._unwritten: dict[int, Binding] = {}
        self.saves = 0
        """How often one was saved."""
        self.count = 0
        """Sessions bound on disk; to be set back by whoever rolls a transaction back."""

    def open(self, sql: sqlite3.Connection, *, salt: bytes, now_ms: int) -> None:
        """Inside a transaction: forget a bounded number of those that have ended, and count the rest.

        A derived session stays until somebody else is bound: what waits in it is a repeat to its page's session.
        """
        self._salt = salt
        ended = f"SELECT slot FROM bindings WHERE kept_until_ms <= ? AND page_session IS NULL LIMIT {_ENDED_AT_ONCE}"  # noqa: S608  constants
        sql.execute(f"DELETE FROM bindings WHERE slot IN ({ended})", (now_ms,))  # noqa: S608  a constant
        self.count = sql.execute("SELECT count(*) FROM bindings").fetchone()[0]

    def begin(self) -> None:
        """A transaction begins; what was saved in one that failed is not."""
        self._unwritten = {}

    def save(self, binding: Binding) -> None:
        """Inside a transaction: remember it in place of an earlier one of the same session. See `write`."""
        self._unwritten[slot_of(binding.target, binding.session_id, salt=self._salt)] = binding

    def write(self, sql: sqlite3.Connection, now_ms: int) -> None:
        """Inside a transaction: write what was saved, and tidy up a little for each."""
        if not self._unwritten:
            return
        slots = [*self._unwritten]
        rows: list[tuple[object, ...]] = []
        for slot, binding in self._unwritten.items():
            columns = columns_of(binding)
            rows.append((slot, crc_of(slot, *columns), *columns))
        self._unwritten = {}
        for start in range(0, len(slots), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            new = sql.execute(_bind_new(len(some)), [*chain.from_iterable(some)]).rowcount
            self.count += new
            if new < len(some):
                sql.executemany(_BIND, some)
            self._tidy(sql, now_ms, many=len(some), but=set(slots[start : start + _AT_ONCE]))
        self.saves += len(slots)
        self._latest.extend(slots)

    def forget(self, sql: sqlite3.Connection, slots: Sequence[int]) -> None:
        """Inside a transaction: remove these."""
        for slot in slots:
            self.count -= sql.execute("DELETE FROM bindings WHERE slot = ?", (slot,)).rowcount

    def forget_damaged(self, sql: sqlite3.Connection, slots: Sequence[int]) -> None:
        """Inside a transaction: remove these, which are not what was once written."""
        _logger.error("spool damaged: %d bindings do not match their checksum, and are forgotten", len(slots))
        self.forget(sql, slots)

    def erase(
        self, sql: sqlite3.Connection, column: str, value: str, *, slots: Sequence[int] = (), since: int = 0
    ) -> None:
        """Inside a transaction: forget the sessions whose `column` (`user_id` or `session_id`) has that value.

        Only these `slots` are looked at, and those saved `since` that many were; all, where that is too long ago.
        """
        also = " OR page_session = :value" if column == "session_id" else ""
        theirs = f"DELETE FROM bindings WHERE ({column} = :value{also})"  # noqa: S608  one of two constants
        newer = self.saves - since
        if newer > len(self._latest):
            self.count -= sql.execute(theirs, {"value": value}).rowcount
            return
        for slot in {*slots, *islice(reversed(self._latest), newer)}:
            self.count -= sql.execute(f"{theirs} AND slot = :slot", {"value": value, "slot": slot}).rowcount

    def _tidy(self, sql: sqlite3.Connection, now_ms: int, *, many: int, but: set[int]) -> None:
        """Look at the next rows: slots are as good as random, so those are as good as any."""
        limit = many * (_LOOKED_AT if self.count > self._most else _LOOKED_AT_ELSE)
        last, seen, ended = sql.execute(
            f"SELECT max(slot), count(*), coalesce(sum(kept_until_ms <= ?), 0) FROM ({_NEXT})",  # noqa: S608  a constant
            (now_ms, self._hand, limit),
        ).fetchone()
        if ended or self.count > self._most:
            rows = [row for row in sql.execute(_NEXT, (self._hand, limit)) if row[0] not in but]
            gone = [slot for slot, _, kept_until_ms in rows if kept_until_ms <= now_ms]
            if self.count - len(gone) > self._most:
                there = set(gone)
                sessions = sorted((expires_at_ms, slot) for slot, expires_at_ms, _ in rows)
                gone += [slot for _, slot in sessions if slot not in there][: 2 * many]
            self.forget(sql, gone)
        self._hand = last if seen == limit else _BEFORE_ALL


@cache
def _bind_new(rows: int) -> str:
    """Of so many rows those are written whose session has none; `rowcount` says how many."""
    marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO bindings VALUES {marks} ON CONFLICT (slot) DO NOTHING"  # noqa: S608  marks


def keep_binding(sql: sqlite3.Connection, binding: Binding, *, salt: bytes) -> None:
    """Inside a transaction: keep it, unless one of the session lasts longer."""
    slot = slot_of(binding.target, binding.session_id, salt=salt)
    known = sql.execute("SELECT expires_at_ms FROM bindings WHERE slot = ?", (slot,)).fetchone()
    if known is None or known[0] <= binding.expires_at_ms:
        columns = columns_of(binding)
        sql.execute(_BIND, (slot, crc_of(slot, *columns), *columns))


def columns_of(binding: Binding) -> tuple[str, str, str, str | None, int, int]:
    """Of its row, but for slot and checksum."""
    until_ms = binding.expires_at_ms
    return (
        binding.target, binding.session_id, binding.user_id, binding.page_session, until_ms, until_ms + KEPT_MS,
    )  # fmt: skip


def slot_of(target: object, session_id: object, *, salt: bytes) -> int:
    """60 bits that stand for a session of a tracker; of two with the same slot one would be forgotten."""
    return number_of(f"binding\0{target}\0{session_id}", salt)


def derived_sessions(sql: sqlite3.Connection, *, salt: bytes) -> Iterator[tuple[int, int]]:
    """Fingerprints of a session that a page named and of one derived from it, of PutEvents; of damaged rows others."""
    for columns in sql.execute("SELECT target, page_session, session_id FROM bindings WHERE page_session IS NOT NULL"):
        target, page, session = map(str, columns)
        yield (
            fingerprint(SessionKey(Operation.PUT_EVENTS, target, page), salt),
            fingerprint(SessionKey(Operation.PUT_EVENTS, target, session), salt),
        )


def look_for(sql: sqlite3.Connection, *, column: str, value: str, after: int | None) -> tuple[int | None, list[int]]:
    """The last slot of the next rows, None when there are no more; and those with that value in `column`.

    `after` is the last slot of the rows before, None at first.
    """
    start = _BEFORE_ALL if after is None else after
    theirs = f"{column} = :value" + (" OR page_session = :value" if column == "session_id" else "")
    some = f"SELECT slot, {theirs} FROM bindings WHERE slot > :start ORDER BY slot LIMIT :most"  # noqa: S608  constants
    rows = sql.execute(some, {"value": value, "start": start, "most": _LOOKED_AT_ONCE}).fetchall()
    return (rows[-1][0] if rows else None), [slot for slot, is_theirs in rows if is_theirs]


def read_bindings(sql: sqlite3.Connection, now_ms: int, most: int) -> ReadBindings:
    """The `most` sessions used last, of those that are nobody else's; damaged ones apart."""
    try:
        return _read(sql, now_ms, most)
    except sqlite3.OperationalError:  # some text is not UTF-8; looking at each would take twice as long
        as_text, sql.text_factory = sql.text_factory, lenient_text
        try:
            return _read(sql, now_ms, most)
        finally:
            sql.text_factory = as_text


def _read(sql: sqlite3.Connection, now_ms: int, most: int) -> ReadBindings:
    rows = sql.execute(
        "SELECT slot, crc, target, session_id, user_id, page_session, expires_at_ms, kept_until_ms FROM bindings"
        " WHERE kept_until_ms > ? ORDER BY expires_at_ms DESC LIMIT ?",
        (now_ms, most),
    )
    bindings: list[Binding] = []
    damaged: list[int] = []
    for slot, crc, *columns in rows:
        if crc == crc_of(slot, *columns):
            target, session_id, user_id, page_session, expires_at_ms, _ = columns
            bindings.append(Binding(target, session_id, user_id, expires_at_ms, page_session))
        else:
            damaged.append(slot)
    return ReadBindings(bindings, damaged)
