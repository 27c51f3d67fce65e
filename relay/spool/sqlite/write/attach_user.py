"""Giving a bound session's user to what still waits for it."""

import sqlite3
from collections.abc import Sequence

from relay.spool.schedule.pieces import may_be_bound
from relay.spool.sqlite.file.rows import COLUMNS, Row, decode_head
from relay.spool.sqlite.write.write_ops import Append

_CHUNK = 500


def give_user(sql: sqlite3.Connection, job: Append) -> list[int]:
    """Give the binding's user to the anonymous records that wait for it; which ones."""
    binding = job.binding
    if binding is None:
        return []
    seqs = [*job.anonymous]
    for append in (*job.earlier, job):
        seqs += [
            record.seq
            for record in append.stored  # empty where a commit failed
            if record is not None and may_be_bound(record) and binding.covers(record.key)
        ]
    given: list[int] = []
    for start in range(0, len(seqs), _CHUNK):
        for row in _anonymous_rows(sql, seqs[start : start + _CHUNK]):
            if not row.is_intact():
                continue  # found and counted when it is leased
            came = decode_head(row.head).came
            if came is None or not came.never_bound:
                crc = row.changed(user_id=binding.user_id).crc
                sql.execute("UPDATE records SET user_id = ?, crc = ? WHERE seq = ?", (binding.user_id, crc, row.seq))
                given.append(row.seq)
    return given


def _anonymous_rows(sql: sqlite3.Connection, seqs: Sequence[int]) -> list[Row]:
    marks = ",".join("?" * len(seqs))
    found = sql.execute(
        f"SELECT {COLUMNS} FROM records WHERE user_id IS NULL AND seq IN ({marks})",  # noqa: S608  constants and marks
        seqs,
    )
    return [Row(*row) for row in found]
