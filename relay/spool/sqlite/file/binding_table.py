"""The table of bindings: each with its checksum, in the order of saves, and no more of them than a bound.

Guarantees:

1. A binding that is not what was once written is never read.
2. A save adds a row behind the last, and removes those it is told to: of the same session, and of sessions that the
   relay has forgotten. A place of its own for each session would change a page of the file for each login. Should a
   session have several rows all the same, that counts which lasts longest; an erasure removes all of them.
3. No more than `MOST_BINDINGS` rows stay on disk: past it those saved longest ago go.
4. Bindings go a week after they have ended: until then the session is nobody else's.
"""

import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Final

import msgspec

from relay.core.model import KEPT_MS, Binding, Operation, SessionKey
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.sqlite.file.connection import lenient_text
from relay.spool.sqlite.file.rows import crc_of

MOST_BINDINGS: Final = 500_000
"""Sessions bound on disk, about 75 MB: two and a half times what a relay remembers."""
_AT_ONCE: Final = 64
"""Rows a statement writes."""
_GO_AT_ONCE: Final = 2
"""Rows that may go for each that comes: so no commit is long."""
_LOOKED_AT_ONCE: Final = 20_000
"""Rows a reader looks at, before another gets its turn."""
_ENDED_AT_ONCE: Final = 20_000
"""Bindings that have ended which a start removes; the rest goes later."""
_BITS_PAST_START: Final = 20
"""Slots count on from the time of the start, in milliseconds times 2 to the power of this. So none is used again,
though the last may have been erased, and salvage takes no old copy of a row for a later one's."""
_BEFORE_ALL: Final = -(1 << 63)
_logger = logging.getLogger(__name__)


class ReadBindings(msgspec.Struct, frozen=True):
    """What a look at the table found."""

    bindings: list[Binding]
    """One a session."""
    slots: list[int]
    """Of each of them."""
    damaged: list[int]
    """Slots of those that are not what was once written."""


class BindingTable:
    """Bindings as the committing thread writes them."""

    def __init__(self, most: int = MOST_BINDINGS) -> None:
        self._most = most
        self._unwritten: dict[tuple[str, str], tuple[int, Binding]] = {}
        self._replaced: list[int] = []
        self._oldest_until_ms: int | None = None  # of the first row, while it is known
        self._before = (0, 0)
        self.count = 0
        """Rows on disk."""
        self.last = 0
        """The slot of the latest save."""

    def open(self, sql: sqlite3.Connection, *, now_ms: int) -> None:
        """Inside a transaction: forget a bounded number of those that have ended, and count the rest.

        A derived session stays until somebody else is bound: what waits in it is a repeat to its page's session.
        """
        ended = f"SELECT slot FROM bindings WHERE kept_until_ms <= ? AND page_session IS NULL LIMIT {_ENDED_AT_ONCE}"  # noqa: S608  constants
        sql.execute(f"DELETE FROM bindings WHERE slot IN ({ended})", (now_ms,))  # noqa: S608  a constant
        self.count, last = sql.execute("SELECT count(*), ifnull(max(slot), 0) FROM bindings").fetchone()
        self.last = max(last, now_ms << _BITS_PAST_START)

    def begin(self) -> None:
        """A transaction begins."""
        self._unwritten, self._replaced = {}, []
        self._before = (self.count, self.last)

    def undo(self) -> None:
        """It failed: what was saved in it is not."""
        self.count, self.last = self._before
        self._oldest_until_ms = None

    def save(self, binding: Binding, *, replaces: Sequence[int] = ()) -> int:
        """Inside a transaction: remember it, see `write`; its slot.

        Args:
            binding: Of a session.
            replaces: Slots of what goes for it: the session's row until now, for one.
        """
        session = (binding.target, binding.session_id)
        self._replaced += replaces
        if session in self._unwritten:
            slot, _ = self._unwritten[session]
        else:
            slot = self.last = self.last + 1
        self._unwritten[session] = (slot, binding)
        return slot

    def write(self, sql: sqlite3.Connection, now_ms: int) -> None:
        """Inside a transaction: write what was saved, and let some go where that is due."""
        if not self._unwritten:
            return
        rows: list[tuple[object, ...]] = []
        for slot, binding in self._unwritten.values():
            columns = columns_of(binding)
            rows.append((slot, crc_of(slot, *columns), *columns))
        replaced, self._unwritten, self._replaced = self._replaced, {}, []
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            sql.execute(_insert(len(some)), [*chain.from_iterable(some)])
        self.count += len(rows)
        self.forget(sql, replaced)
        self._tidy(sql, now_ms, most=_GO_AT_ONCE * len(rows))

    def forget(self, sql: sqlite3.Connection, slots: Sequence[int]) -> None:
        """Inside a transaction: remove these."""
        if slots:
            gone = sql.executemany("DELETE FROM bindings WHERE slot = ?", [(slot,) for slot in slots])
            self.count -= gone.rowcount
            self._oldest_until_ms = None

    def forget_damaged(self, sql: sqlite3.Connection, slots: Sequence[int]) -> None:
        """Inside a transaction: remove these, which are not what was once written."""
        _logger.error("spool damaged: %d bindings do not match their checksum, and are forgotten", len(slots))
        self.forget(sql, slots)

    def erase(self, sql: sqlite3.Connection, column: str, value: str, *, since: int) -> None:
        """Inside a transaction: forget the sessions whose `column` (`user_id` or `session_id`) has that value.

        Only what was saved after the slot `since` is looked at.
        """
        also = " OR page_session = :value" if column == "session_id" else ""
        theirs = f"DELETE FROM bindings WHERE ({column} = :value{also}) AND slot > :since"  # noqa: S608  one of two constants
        self.count -= sql.execute(theirs, {"value": value, "since": since}).rowcount
        self._oldest_until_ms = None

    def _tidy(self, sql: sqlite3.Connection, now_ms: int, *, most: int) -> None:
        """The first rows go, those saved longest ago, if they have ended or there are too many."""
        too_many = self.count - self._most
        if too_many <= 0 and self._oldest_until_ms is not None and now_ms < self._oldest_until_ms:
            return
        first = sql.execute("SELECT slot, kept_until_ms FROM bindings ORDER BY slot LIMIT ?", (most,)).fetchall()
        self.forget(sql, [slot for n, (slot, until_ms) in enumerate(first) if n < too_many or until_ms <= now_ms])
        oldest = sql.execute("SELECT kept_until_ms FROM bindings ORDER BY slot LIMIT 1").fetchone()
        self._oldest_until_ms = oldest and oldest[0]


@cache
def _insert(rows: int) -> str:
    """One statement for many rows."""
    marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO bindings VALUES {marks}"  # noqa: S608  marks


def keep_binding(sql: sqlite3.Connection, binding: Binding) -> None:
    """Inside a transaction: keep it, behind those that are there."""
    (slot,) = sql.execute("SELECT ifnull(max(slot), 0) + 1 FROM bindings").fetchone()
    columns = columns_of(binding)
    sql.execute(_insert(1), (slot, crc_of(slot, *columns), *columns))


def columns_of(binding: Binding) -> tuple[str, str, str, str | None, int, int]:
    """Of its row, but for slot and checksum."""
    until_ms = binding.expires_at_ms
    return (
        binding.target, binding.session_id, binding.user_id, binding.page_session, until_ms, until_ms + KEPT_MS,
    )  # fmt: skip


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


def others_of_sessions(sql: sqlite3.Connection, slots: Sequence[int]) -> list[int]:
    """Slots of all rows of the sessions that have these: of an earlier user, if the relay did not know of that one."""
    sessions = "SELECT target, session_id FROM bindings WHERE slot IN (SELECT value FROM json_each(?))"
    found = sql.execute(f"SELECT slot FROM bindings WHERE (target, session_id) IN ({sessions})", (json.dumps(slots),))  # noqa: S608  constants
    return [slot for (slot,) in found]


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
        " WHERE kept_until_ms > ? ORDER BY expires_at_ms DESC, slot DESC LIMIT ?",
        (now_ms, most),
    )
    found: dict[tuple[str, str], tuple[int, Binding]] = {}
    damaged: list[int] = []
    for slot, crc, *columns in rows:
        if crc == crc_of(slot, *columns):
            target, session_id, user_id, page_session, expires_at_ms, _ = columns
            found.setdefault(
                (target, session_id), (slot, Binding(target, session_id, user_id, expires_at_ms, page_session))
            )
        else:
            damaged.append(slot)
    return ReadBindings([binding for _, binding in found.values()], [slot for slot, _ in found.values()], damaged)
