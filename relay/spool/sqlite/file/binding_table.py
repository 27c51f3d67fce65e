"""The table of bindings: each with its checksum, in the order of saves, and no more of them than a bound.

Guarantees:

1. A binding that is not what was once written is never read.
2. A session has one row, whenever a transaction has ended: a save adds one behind the last, and removes the session's
   former one in the same transaction, whoever's it is. To know where that is costs memory; a place of its own for each
   session, by a hash, would change a page of the file for each login. So no row that goes uncovers an older one.
3. What a transaction binds is written together, before anything reads the table: a statement each costs more.
4. Sessions the relay has forgotten for want of room leave with the next saves. No more than `MOST_BINDINGS` stay on
   disk in any case: past it those saved longest ago go, two for each that comes, so that no commit is long.
5. Bindings go in the same small steps a week after they have ended: until then the session is nobody else's.
"""

import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Final

import msgspec

from relay.core.model import KEPT_MS, Binding, Operation, SessionKey
from relay.spool.schedule.dedup_window import ID_BITS
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.sqlite.file.connection import lenient_text
from relay.spool.sqlite.file.former_places import slot_of, superseded
from relay.spool.sqlite.file.rows import crc_of, statement

MOST_BINDINGS: Final = 500_000
"""Sessions bound on disk, about 75 MB: two and a half times what a relay remembers."""
_BIND: Final = statement("bind")
_AT_ONCE: Final = 64
"""Rows a statement writes."""
_LOOKED_AT: Final = 4
"""Rows a save looks at, for those that have ended. To look at sixteen was a third of what a save took."""
_GO_AT_ONCE: Final = 2
"""Rows that go for each that comes, while there are too many."""
_NEXT: Final = "SELECT slot, kept_until_ms FROM bindings WHERE slot > ? ORDER BY slot LIMIT ?"
_LOOKED_AT_ONCE: Final = 20_000
"""Rows a reader looks at, before another gets its turn."""
_ENDED_AT_ONCE: Final = 20_000
"""Bindings that have ended which a start removes; the rest goes later."""
_BITS_PAST_START: Final = 20
"""Slots count on from the time of the start, in milliseconds times 2 to the power of this. So none is used again,
though the last may have been erased, and all are past the places by a hash that a save had before."""
_LATEST_START_MS: Final = (1 << 42) - 1
"""In the year 2109; a clock that says more is wrong, and slots have 63 bits."""
_LAST_SLOT: Final = 1 << 62
"""Past all that are given; damage may say more."""
_BEFORE_ALL: Final = -(1 << 63)
_ROWS: Final = "SELECT slot, target, session_id FROM bindings"
_TELLING: Final = "RETURNING slot, target, session_id"
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
        self._hand = _BEFORE_ALL
        self._slots: dict[int, int] = {}
        """Where each session's row is, as of the transaction that is open."""
        self._changed: dict[int, int | None] = {}
        """What of that this transaction has changed: as it was before."""
        self._unwritten: dict[tuple[str, str], Binding] = {}
        self._forgotten: set[tuple[str, str]] = set()
        self.last = 0
        """The slot of the latest save."""

    @property
    def count(self) -> int:
        """Sessions on disk."""
        return len(self._slots)

    def open(self, sql: sqlite3.Connection, *, now_ms: int) -> None:
        """Inside a transaction: see to it that each session has one row, and forget a bounded number that have ended.

        A derived session stays until somebody else is bound: what waits in it is a repeat to its page's session.
        """
        self.begin()
        self._slots = {_name(target, session_id): slot for slot, target, session_id in sql.execute(_ROWS)}
        if sql.execute("SELECT count(*) FROM bindings").fetchone()[0] > len(self._slots):
            sql.executemany("DELETE FROM bindings WHERE slot = ?", [(slot,) for slot in superseded(sql)])
            self._slots = {_name(target, session_id): slot for slot, target, session_id in sql.execute(_ROWS)}
        started = min(now_ms, _LATEST_START_MS) << _BITS_PAST_START
        self.last = min(max(started, max(self._slots.values(), default=0)), _LAST_SLOT)
        ended = f"SELECT slot FROM bindings WHERE kept_until_ms <= ? AND page_session IS NULL LIMIT {_ENDED_AT_ONCE}"  # noqa: S608  constants
        self._left(sql.execute(f"DELETE FROM bindings WHERE slot IN ({ended}) {_TELLING}", (now_ms,)))  # noqa: S608  constants

    def begin(self) -> None:
        """A transaction begins."""
        self._unwritten, self._forgotten, self._changed = {}, set(), {}

    def undo(self) -> None:
        """It failed: what was saved in it is not, and what left is there. Its slots are not used again."""
        for name, slot in self._changed.items():
            if slot is None:
                self._slots.pop(name, None)
            else:
                self._slots[name] = slot

    def save(self, binding: Binding, *, forgotten: Sequence[tuple[str, str]] = ()) -> None:
        """Inside a transaction: remember it in place of an earlier one of the same session. See `write`.

        Args:
            binding: Of a session.
            forgotten: Targets and session ids the relay has forgotten before, for want of room.
        """
        for session in forgotten:
            self._unwritten.pop(session, None)
            self._forgotten.add(session)
        self._unwritten[binding.target, binding.session_id] = binding

    def write(self, sql: sqlite3.Connection, now_ms: int) -> bool:
        """Inside a transaction: write what was saved, and tidy up a little for each; whether anything has left."""
        if not self._unwritten:
            return False
        before, first = self.count, self.last + 1
        rows: list[tuple[object, ...]] = []
        gone: list[tuple[int]] = []
        for session, binding in self._unwritten.items():
            slot = self.last = self.last + 1
            columns = columns_of(binding)
            rows.append((slot, crc_of(slot, *columns), *columns))
            if (former := self._now_at(hash(session) & ID_BITS, slot)) is not None:
                gone.append((former,))
        for session in self._forgotten - self._unwritten.keys():
            former = self._now_at(hash(session) & ID_BITS, None)
            gone += [] if former is None else [(former,)]
        self._unwritten, self._forgotten = {}, set()
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            sql.execute(_insert(len(some)), [*chain.from_iterable(some)])
        if gone:
            sql.executemany("DELETE FROM bindings WHERE slot = ?", gone)
        self._tidy(sql, now_ms, many=len(rows), first=first)
        return self.count < before + len(rows)

    def of(self, sql: sqlite3.Connection, target: str, session_id: str) -> tuple[str, int] | None:
        """Inside a transaction: whose a session is, and until when its binding lasts."""
        if (binding := self._unwritten.get((target, session_id))) is not None:
            return binding.user_id, binding.expires_at_ms
        found: tuple[str, int] | None = sql.execute(
            "SELECT user_id, expires_at_ms FROM bindings WHERE slot = ? AND target = ? AND session_id = ?",
            (self._slots.get(_name(target, session_id)), target, session_id),
        ).fetchone()
        return found

    def forget(self, sql: sqlite3.Connection, slots: Sequence[int]) -> None:
        """Inside a transaction: remove these."""
        for slot in slots:
            self._left(sql.execute(f"DELETE FROM bindings WHERE slot = ? {_TELLING}", (slot,)))  # noqa: S608  a constant

    def forget_damaged(self, sql: sqlite3.Connection, slots: Sequence[int]) -> None:
        """Inside a transaction: remove these, which are not what was once written."""
        _logger.error("spool damaged: %d bindings do not match their checksum, and are forgotten", len(slots))
        self.forget(sql, slots)

    def erase(self, sql: sqlite3.Connection, column: str, value: str, *, slots: Sequence[int] = (), since: int) -> None:
        """Inside a transaction: forget the sessions whose `column` (`user_id` or `session_id`) has that value.

        Only these `slots` are looked at, and those saved after the slot `since`. What is another's by now stays.
        """
        also = " OR page_session = :value" if column == "session_id" else ""
        theirs = f"DELETE FROM bindings WHERE ({column} = :value{also})"  # noqa: S608  one of two constants
        self._left(sql.execute(f"{theirs} AND slot > :since {_TELLING}", {"value": value, "since": since}))
        for slot in slots:
            self._left(sql.execute(f"{theirs} AND slot = :slot {_TELLING}", {"value": value, "slot": slot}))

    def _tidy(self, sql: sqlite3.Connection, now_ms: int, *, many: int, first: int) -> None:
        """Of the next rows those that have ended go, of the oldest those that are too many.

        Args:
            sql: The connection.
            now_ms: What time it is.
            many: Rows that came.
            first: Slot of the first of them: they stay.
        """
        limit = many * _LOOKED_AT
        last, seen, ended = sql.execute(
            f"SELECT max(slot), count(*), coalesce(sum(kept_until_ms <= ?), 0) FROM ({_NEXT})",  # noqa: S608  a constant
            (now_ms, self._hand, limit),
        ).fetchone()
        if ended:
            rows = sql.execute(_NEXT, (self._hand, limit)).fetchall()
            self.forget(sql, [slot for slot, kept_until_ms in rows if kept_until_ms <= now_ms and slot < first])
        self._hand = last if seen == limit else _BEFORE_ALL
        if (over := self.count - self._most) > 0:
            oldest = sql.execute("SELECT slot FROM bindings ORDER BY slot LIMIT ?", (min(over, many * _GO_AT_ONCE),))
            self.forget(sql, [slot for (slot,) in oldest])

    def _now_at(self, name: int, slot: int | None) -> int | None:
        """Note where a session's row is now, None for nowhere; where it was."""
        former = self._slots.pop(name, None) if slot is None else self._slots.get(name)
        if slot is not None:
            self._slots[name] = slot
        self._changed.setdefault(name, former)
        return former

    def _left(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """These rows are being removed."""
        for slot, target, session_id in [*rows]:
            name = _name(target, session_id)
            if self._slots.get(name) == slot:
                self._now_at(name, None)


def _name(target: str, session_id: str) -> int:
    """What stands for a session while the process lives; of two with the same one would be forgotten."""
    return hash((target, session_id)) & ID_BITS


@cache
def _insert(rows: int) -> str:
    """One statement for so many rows."""
    marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO bindings VALUES {marks}"  # noqa: S608  marks


def keep_binding(sql: sqlite3.Connection, binding: Binding, *, salt: bytes) -> None:
    """Inside a transaction: keep one of an older file at its former place, unless one of the session lasts longer."""
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


def read_bindings(sql: sqlite3.Connection, now_ms: int, most: int, *, but: Collection[int] = ()) -> ReadBindings:
    """The sessions used last, of those that are nobody else's; damaged ones apart.

    Args:
        sql: The connection.
        now_ms: What time it is.
        most: So many of them; -1 for all.
        but: Slots that do not count: in a file that a relay has opened there are none, in another see `superseded`.
    """
    try:
        return _read(sql, now_ms, most, but)
    except sqlite3.OperationalError:  # some text is not UTF-8; looking at each would take twice as long
        as_text, sql.text_factory = sql.text_factory, lenient_text
        try:
            return _read(sql, now_ms, most, but)
        finally:
            sql.text_factory = as_text


def _read(sql: sqlite3.Connection, now_ms: int, most: int, but: Collection[int]) -> ReadBindings:
    rows = sql.execute(
        "SELECT slot, crc, target, session_id, user_id, page_session, expires_at_ms, kept_until_ms FROM bindings"
        " WHERE kept_until_ms > ? ORDER BY expires_at_ms DESC LIMIT ?",
        (now_ms, most if most < 0 else most + len(but)),
    )
    bindings: list[Binding] = []
    damaged: list[int] = []
    for slot, crc, *columns in rows:
        if slot in but:
            continue
        if crc == crc_of(slot, *columns):
            target, session_id, user_id, page_session, expires_at_ms, _ = columns
            bindings.append(Binding(target, session_id, user_id, expires_at_ms, page_session))
        else:
            damaged.append(slot)
    return ReadBindings(bindings, damaged)
