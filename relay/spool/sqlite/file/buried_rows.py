"""A buried event as a row: one event each, with its number, its reason, and who it came from."""

import sqlite3
from typing import Any, Final, NamedTuple

import msgspec

from relay.core.model import Provenance, Record
from relay.spool.administration import Buried
from relay.spool.contract import Burial
from relay.spool.sqlite.file.rows import RecordRow, crc_of

BURIED_COLUMNS: Final = (
    "number, session, flow, accepted_at_ms, crc, session_id, user_id, came, source, body, reason, message, buried_at_ms"
)
_INSERT: Final = "INSERT OR REPLACE INTO buried VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Provenance).decode


class BuriedRow(NamedTuple):
    """One row of `buried`, in the order of `BURIED_COLUMNS`."""

    number: int
    session: int
    flow: int
    accepted_at_ms: int
    crc: int
    session_id: str
    user_id: str | None
    came: bytes | None
    source: int
    body: bytes
    reason: str
    message: str
    buried_at_ms: int

    def is_intact(self) -> bool:
        """Whether the event is what was once written."""
        try:
            return self.crc == crc_of(*self[:4], *self[5:10])
        except (TypeError, AttributeError, UnicodeError):  # damage may change a column's type
            return False

    def provenance(self) -> Provenance | None:
        """What came with its beacon."""
        return None if self.came is None else _decode(self.came)


def buried_row(event: BuriedRow) -> BuriedRow:
    """The same with the checksum that fits."""
    return event._replace(crc=crc_of(*event[:4], *event[5:10]))


def insert_buried(sql: sqlite3.Connection, record: Record, row: RecordRow, burial: Burial, *, now_ms: int) -> None:
    """Bury one event of a record whose row is intact."""
    came = None if record.came is None else _encode(record.came)
    source = 0 if record.came is None else record.came.source
    place = burial.place
    event = BuriedRow(
        row.seq + place, row.session, row.flow, row.accepted_at_ms, 0, row.session_id, row.user_id, came, source,
        record.entry(place), burial.reason, burial.message, now_ms,
    )  # fmt: skip
    insert(sql, buried_row(event))


def insert_damaged(sql: sqlite3.Connection, row: RecordRow, burial: Burial, *, now_ms: int) -> None:
    """Keep what there is of a record that is not what was written, as one row whose checksum does not fit."""
    kept: Any = row  # whatever types its columns have now: a buried row's are strict
    numbers = [one if isinstance(one, int) else 0 for one in kept[:4]]
    body = kept.body if isinstance(kept.body, bytes) else str(kept.body).encode(errors="replace")
    seq, session, flow, at_ms = numbers
    user_id = None if kept.user_id is None else str(kept.user_id)
    event = BuriedRow(
        seq,
        session,
        flow,
        at_ms,
        0,
        str(kept.session_id),
        user_id,
        None,
        0,
        body,
        burial.reason,
        burial.message,
        now_ms,
    )
    insert(sql, event._replace(crc=buried_row(event).crc ^ 1))


def insert(sql: sqlite3.Connection, event: BuriedRow) -> None:
    """Inside a transaction: keep it."""
    sql.execute(_INSERT, event)


def bury_again(sql: sqlite3.Connection, buried: Buried, *, number: int, flow: int, session: int) -> None:
    """Inside a transaction: keep what was buried in another spool."""
    came = None if buried.came is None else _encode(buried.came)
    source = 0 if buried.came is None else buried.came.source
    event = BuriedRow(
        number, session, flow, buried.accepted_at_ms, 0, buried.session_id, buried.user_id, came, source, buried.body,
        buried.reason, buried.message, buried.buried_at_ms,
    )  # fmt: skip
    insert(sql, buried_row(event))
