"""Settled events leave their rows, inside a transaction: the row goes, or is written anew without them."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Final

from relay.spool.contract import Burial
from relay.spool.schedule.ledger import BURIED_PREFIX
from relay.spool.sqlite.file.buried_rows import insert_buried, insert_damaged
from relay.spool.sqlite.file.rows import COLUMNS, Flows, RecordRow
from relay.spool.sqlite.write.write_ops import Gone, Settled

CORRUPT: Final = "corrupt"
"""The reason under which damage is counted."""
_DELETE: Final = "DELETE FROM records WHERE seq BETWEEN ? AND ?"
_SEQS: Final = "SELECT seq FROM records WHERE seq IN (SELECT value FROM json_each(?))"
_ROW: Final = f"SELECT {COLUMNS} FROM records WHERE seq = ?"  # noqa: S608  a constant


class NotThereError(Exception):
    """Some of it has been erased since: it is to be done again, looking first."""


def settle(sql: sqlite3.Connection, job: Settled, *, flows: Flows, looks_first: bool) -> Counter[str]:
    """Remove what is settled; what to add to the ledger.

    Args:
        sql: Inside a transaction.
        job: What has left; notes in it what was not there any more.
        flows: Operation and target by number.
        looks_first: Whether to find out first what is there. Else it is taken for granted.

    Raises:
        NotThereError: it was taken for granted, and is not so.
    """
    job.missed = {}
    counts: Counter[str] = Counter()
    delivered, buried, lost = job.delivered, job.buried, job.lost
    if looks_first:
        seqs = [gone.seq for gone in delivered] + [gone.seq for gone, _ in (*buried, *lost)]
        here = {seq for (seq,) in sql.execute(_SEQS, (json.dumps(seqs),))}
        for gone in delivered:
            if gone.seq not in here:
                job.missed[None] = job.missed.get(None, 0) + gone.places.bit_count()
        for gone, burials in buried:
            for burial in burials if gone.seq not in here else ():
                job.missed[burial.reason] = job.missed.get(burial.reason, 0) + 1
        delivered = [gone for gone in delivered if gone.seq in here]
        buried = [(gone, burials) for gone, burials in buried if gone.seq in here]
    for gone, burials in buried:
        _bury(sql, gone, burials, flows=flows, now_ms=job.buried_at_ms)
        for burial in burials:
            counts[BURIED_PREFIX + burial.reason] += 1
    if delivered:
        counts["delivered"] += sum([gone.places.bit_count() for gone in delivered])
    _remove(sql, [*delivered, *[gone for gone, _ in buried]], looks_first=looks_first)
    for gone, reason in lost:
        sql.execute("DELETE FROM records WHERE seq = ?", (gone.seq,))
        counts[BURIED_PREFIX + reason] += gone.places.bit_count()
    return counts


def _remove(sql: sqlite3.Connection, leaving: Sequence[Gone], *, looks_first: bool) -> None:
    """The rows go, or are written anew; of a record that left in several steps as it is after the last of them."""
    last: dict[int, Gone] = {}
    for gone in leaving:
        before = last.get(gone.seq)
        last[gone.seq] = (
            gone
            if before is None
            else Gone(gone.seq, gone.numbers, gone.places | before.places, gone.left & before.left)
        )
    whole = [gone for gone in last.values() if not gone.left]
    if whole and sql.executemany(_DELETE, _ranges(whole)).rowcount != len(whole) and not looks_first:
        raise NotThereError
    for gone in last.values():
        if gone.left:
            _leave_in_part(sql, gone, _row(sql, gone.seq))


def _row(sql: sqlite3.Connection, seq: int) -> RecordRow:
    columns = sql.execute(_ROW, (seq,)).fetchone()
    if columns is None:
        raise NotThereError
    return RecordRow(*columns)


def _leave_in_part(sql: sqlite3.Connection, gone: Gone, row: RecordRow) -> None:
    """Write the row anew. A damaged one stays: it is found when the rest of it is leased."""
    if row.is_intact():
        row = row.changed(waiting=row.waiting & ~gone.places)
        sql.execute("UPDATE records SET waiting = ?, crc = ? WHERE seq = ?", (row.waiting, row.crc, row.seq))


def _bury(sql: sqlite3.Connection, gone: Gone, burials: Sequence[Burial], *, flows: Flows, now_ms: int) -> None:
    row = _row(sql, gone.seq)
    if row.is_intact() and row.flow in flows:
        record = row.as_record(flows)
        for burial in burials:
            insert_buried(sql, record, row, burial, now_ms=now_ms)
    else:
        insert_damaged(sql, row, burials[0], now_ms=now_ms)


def _ranges(whole: Sequence[Gone]) -> list[tuple[int, int]]:
    """First and last number of those that are next to each other: what came together mostly leaves together."""
    ranges: list[tuple[int, int]] = []
    for seq, numbers, _, _ in sorted(whole):
        if ranges and seq == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], seq + numbers - 1)
        else:
            ranges.append((seq, seq + numbers - 1))
    return ranges
