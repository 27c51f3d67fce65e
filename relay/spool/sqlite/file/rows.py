"""A record as a row: columns, header, fingerprint, checksum."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from relay.core.model import MOST_EVENTS, Operation, Record, SessionKey
from relay.spool.header import decode_header, encode_header

Flows = Mapping[int, tuple[Operation, str]]

COLUMNS: Final = "seq, session, flow, accepted_at_ms, crc, waiting, session_id, user_id, head, body"
"""Of `records`."""


class RecordRow(NamedTuple):
    """One row of `records`, in the order of `COLUMNS`."""

    seq: int
    session: int
    flow: int
    accepted_at_ms: int
    crc: int
    waiting: int
    session_id: str
    user_id: str | None
    head: bytes
    body: bytes

    def is_intact(self) -> bool:
        """Whether the row is what was once written."""
        try:
            return self.crc == self._checksum()
        except (TypeError, AttributeError, UnicodeError):  # damage may change a column's type
            return False

    def as_record(self, flows: Flows) -> Record:
        """The record, once `is_intact` was asked. Raises `msgspec.DecodeError` for what no version wrote."""
        head = decode_header(self.head)
        key = SessionKey(*flows[self.flow], self.session_id)
        return Record(
            self.seq, key, self.user_id, self.body, head.ends, self.accepted_at_ms, self.waiting, head.without_item,
            head.came,
        )  # fmt: skip

    def changed(
        self, *, session: int | None = None, waiting: int | None = None, user_id: str | None = None
    ) -> "RecordRow":
        """The same with these, where they are given, and the checksum that fits."""
        row = self._replace(
            session=self.session if session is None else session,
            waiting=self.waiting if waiting is None else waiting,
            user_id=self.user_id if user_id is None else user_id,
        )
        return row._replace(crc=row._checksum())

    def _checksum(self) -> int:
        seq, session, flow, at_ms, _, waiting, session_id, user_id, head, body = self
        return checksum(seq, session, flow, at_ms, waiting, session_id, user_id, head, body)


def row_of(record: Record, *, session: int, flow: int) -> tuple[object, ...]:
    """The row of a record. Every beacon pays for this, so that it calls as little as possible.

    Its blobs are bytearrays: of `bytes` the module asks each time whether they know how to become something else.
    """
    seq, at_ms, waiting, sid = record.seq, record.accepted_at_ms, record.waiting, record.key.session_id
    user, body = record.user_id, record.body
    head = encode_header((record.ends, record.without_item, record.came))  # as `Header` is written
    text = f"{seq} {session} {flow} {at_ms} {waiting} {sid}\0{'-' if user is None else '+' + user}\0"
    crc = crc32(body, crc32(head, crc32(text.encode())))  # as `checksum` does
    return (seq, session, flow, at_ms, crc, waiting, sid, user, bytearray(head), bytearray(body))


def checksum(  # noqa: PLR0917  the columns, in their order
    seq: int,
    session: int,
    flow: int,
    accepted_at_ms: int,
    waiting: int,
    session_id: str,
    user_id: str | None,
    head: bytes,
    body: bytes,
) -> int:
    """CRC-32 over every other column of a row."""
    user = "-" if user_id is None else "+" + user_id
    text = f"{seq} {session} {flow} {accepted_at_ms} {waiting} {session_id}\0{user}\0"
    return crc32(body, crc32(head, crc32(text.encode())))


def pending_events(sql: sqlite3.Connection) -> int:
    """Events that wait."""
    masks = sql.execute("SELECT waiting, count(*) FROM records GROUP BY waiting")
    return sum([mask.bit_count() * count for mask, count in masks])


def last_number(sql: sqlite3.Connection) -> int:
    """Of the last event of the last record; 0 if there is none. Of a damaged one, as far as can be told."""
    columns = sql.execute(f"SELECT {COLUMNS} FROM records ORDER BY seq DESC LIMIT 1").fetchone()  # noqa: S608  a constant
    if columns is None:
        return 0
    row = RecordRow(*columns)
    if row.is_intact():
        return row.seq + len(decode_header(row.head).ends) - 1
    waiting = columns[5] if isinstance(columns[5], int) else 1  # damage may change a column's type
    return row.seq + min(max(waiting.bit_length(), 1), MOST_EVENTS) - 1


def read_totals(sql: sqlite3.Connection) -> dict[str, int]:
    """The ledger; a commit that only stores leaves its table alone, so the last record says how many were accepted."""
    totals: dict[str, int] = dict(sql.execute("SELECT name, count FROM ledger"))
    if (last := last_number(sql)) > totals.get("accepted", 0):
        totals["accepted"] = last
    return totals


def crc_of(*columns: object) -> int:
    """CRC-32 over the columns of a row of another table than `records`, all but the checksum itself."""
    return crc32("\0".join(["\1" if column is None else str(column) for column in columns]).encode())


def statement(name: str) -> str:
    """A statement from the folder `sql`."""
    return (Path(__file__).parent.parent / "sql" / f"{name}.sql").read_text()
