"""A login names the events that wait: all of that rule, for a spool on disk.

When a session is bound, its records that wait without a user get it, in the transaction that keeps the binding. Which
those are the loop says (`AttachUser`): what the index holds of the session, and what is on its way to the disk. Each
row is then written anew (`give_user`, on the committing thread). A record that may never be bound stays as it is; one
that is leased goes out as it was, and gets the user for its next try.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from relay.core.model import Binding, Operation, SessionKey
from relay.spool.header import decode_header
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.schedule.pieces import may_be_bound
from relay.spool.sqlite.file.rows import COLUMNS, RecordRow
from relay.spool.sqlite.write.write_ops import Append

MAX_SEQS_TO_BIND: Final = 100_000
"""Records of one session that a login looks at."""
_OF_SESSIONS: Final = (Operation.PUT_EVENTS, Operation.PUT_ACTION_INTERACTIONS)
_CHUNK: Final = 500


class AttachUser:
    """Knows what is on its way to the disk, by session."""

    def __init__(self, index: PendingIndex, *, has_flow: Callable[[Operation, str], bool]) -> None:
        """Take what it asks.

        Args:
            index: What is on disk and waits.
            has_flow: Whether anything of an operation and a target was ever stored: a session's name in it is a digest.
        """
        self._index = index
        self._has_flow = has_flow
        self._uncommitted: dict[int, Append | list[Append]] = {}
        """By session; of most sessions one append is on its way."""
        self._came: set[Operation] = set()
        """Of records that came without a user, stored or not."""

    def find(self, job: Append, binding: Binding, salt: bytes) -> None:
        """Note in the append that binds a session what may get the user."""
        seqs: list[int] = []
        earlier: list[Append] = []
        for operation in _OF_SESSIONS:
            if operation not in self._came and not self._has_flow(operation, binding.target):
                continue
            session = fingerprint(SessionKey(operation, binding.target, binding.session_id), salt)
            seqs += self._index.seqs(session, MAX_SEQS_TO_BIND)
            there = self._uncommitted.get(session, [])
            earlier += there if isinstance(there, list) else [there]
        job.anonymous, job.earlier = seqs, earlier

    def put(self, job: Append) -> None:
        """An append goes to the thread."""
        uncommitted = self._uncommitted
        for index, record in enumerate(job.records):
            if record.user_id is None:
                session = job.sessions[index]
                self._came.add(record.key.operation)
                there = uncommitted.setdefault(session, job)
                if there is not job:
                    uncommitted[session] = [*there, job] if isinstance(there, list) else [there, job]

    def done(self, job: Append) -> None:
        """It is back; what is on disk of it the index will hold."""
        uncommitted = self._uncommitted
        for index, record in enumerate(job.records):
            if record.user_id is not None:
                continue
            session = job.sessions[index]
            there = uncommitted.pop(session, None)
            if there is not job and isinstance(there, list) and (left := [one for one in there if one is not job]):
                uncommitted[session] = left


def waiting_for(job: Append, binding: Binding) -> list[int]:
    """Seqs of the records that may get the user of the binding which this append brings. On the thread."""
    seqs = [*job.anonymous]
    for append in (*job.earlier, job):
        if append.error is None:  # else its numbers are others' by now
            stored = [record for record in append.stored if record is not None and may_be_bound(record)]
            seqs += [record.seq for record in stored if binding.covers(record.key)]
    return seqs


def give_user(sql: sqlite3.Connection, binding: Binding, seqs: Sequence[int]) -> list[int]:
    """Give the binding's user to the anonymous ones of these records; which ones."""
    given: list[int] = []
    for start in range(0, len(seqs), _CHUNK):
        for row in _anonymous_rows(sql, seqs[start : start + _CHUNK]):
            if not row.is_intact():
                continue  # found and counted when it is leased
            came = decode_header(row.head).came
            if came is None or not came.never_bound:
                crc = row.changed(user_id=binding.user_id).crc
                sql.execute("UPDATE records SET user_id = ?, crc = ? WHERE seq = ?", (binding.user_id, crc, row.seq))
                given.append(row.seq)
    return given


def _anonymous_rows(sql: sqlite3.Connection, seqs: Sequence[int]) -> list[RecordRow]:
    marks = ",".join("?" * len(seqs))
    found = sql.execute(
        f"SELECT {COLUMNS} FROM records WHERE user_id IS NULL AND seq IN ({marks})",  # noqa: S608  constants and marks
        seqs,
    )
    return [RecordRow(*row) for row in found]
