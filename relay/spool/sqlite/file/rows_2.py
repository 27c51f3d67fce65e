"""Rows of version 2 of the spool, and what becomes of them in version 3."""

import sqlite3
import zlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from relay.core.model import Binding
from relay.spool.header import Header, encode_header
from relay.spool.sqlite.file.binding_table import keep_binding
from relay.spool.sqlite.file.buried_rows import BuriedRow, buried_row
from relay.spool.sqlite.file.erasure_table import note_erasure
from relay.spool.sqlite.file.rows import RecordRow, crc_of

BINDING_COLUMNS_2: Final = "slot, crc, site, session_id, user_id, target, expires_at_ms"
_TEN_YEARS_MS: Final = 10 * 365 * 86_400_000
"""How long version 2 meant to refuse who was erased."""
COLUMNS_2: Final = "seq, session, flow, accepted_at_ms, crc, session_id, user_id, event_id, body"


class Row2(NamedTuple):
    """One row of `records`, or the first columns of one of `buried`."""

    seq: int
    session: int
    flow: int
    accepted_at_ms: int
    crc: int
    session_id: str
    user_id: str | None
    event_id: str
    body: bytes

    def is_intact(self) -> bool:
        """Whether the row is what was once written."""
        try:
            seq, session, flow, at_ms, crc, session_id, user_id, event_id, body = self
            return crc == checksum_2(seq, session, flow, at_ms, session_id, user_id, event_id, body)
        except (TypeError, AttributeError, UnicodeError):  # damage may change a column's type
            return False

    def as_row(self) -> RecordRow:
        """A record of one event; a damaged row stays one that does not match its checksum."""
        head = encode_header(Header((len(self.body),)))
        row = RecordRow(
            self.seq, self.session, self.flow, self.accepted_at_ms, 0, 1, self.session_id, self.user_id, head, self.body
        ).changed()
        return row if self.is_intact() else row._replace(crc=row.crc ^ 1)

    def as_buried(self, reason: str, message: str, buried_at_ms: int) -> BuriedRow:
        """The same of one that is buried."""
        event = buried_row(
            BuriedRow(*self[:4], 0, self.session_id, self.user_id, None, 0, self.body, reason, message, buried_at_ms)
        )
        return event if self.is_intact() else event._replace(crc=event.crc ^ 1)


def checksum_2(  # noqa: PLR0917  the columns, in their order
    seq: int,
    session: int,
    flow: int,
    accepted_at_ms: int,
    session_id: str,
    user_id: str | None,
    event_id: str,
    body: bytes,
) -> int:
    """CRC-32 over every other column of a row."""
    user = "-" if user_id is None else "+" + user_id
    head = f"{seq} {session} {flow} {accepted_at_ms} {session_id}\0{user}\0{event_id}\0"
    return zlib.crc32(body, zlib.crc32(head.encode()))


def keep_binding_2(sql: sqlite3.Connection, row: Sequence[Any], *, salt: bytes) -> None:
    """Inside a transaction: keep a binding, or whom the relay erased: that was one of a site of its own."""
    slot, crc, site, session_id, user_id, target, expires_at_ms = row
    if crc != crc_of(slot, site, session_id, user_id, target, expires_at_ms):
        return
    if site == "~erased":
        note_erasure(sql, session_id, at_ms=expires_at_ms - _TEN_YEARS_MS)
    elif target is not None:
        keep_binding(sql, Binding(target, session_id, user_id, expires_at_ms), salt=salt)
