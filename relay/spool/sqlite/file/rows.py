"""A record as a row: columns, fingerprint, checksum."""

import hashlib
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from relay.core.model import Operation, Record, SessionKey

Flows = Mapping[int, tuple[Operation, str]]

COLUMNS: Final = "seq, session, flow, accepted_at_ms, crc, session_id, user_id, event_id, body"


class Row(NamedTuple):
    """One row of `records`, in the order of `COLUMNS`."""

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
            return self.crc == checksum(*self[:4], *self[5:])
        except (TypeError, AttributeError, UnicodeError):  # damage may change a column's type
            return False

    def as_record(self, flows: Flows) -> Record:
        """The record, once `is_intact` was asked."""
        operation, target = flows[self.flow]
        key = SessionKey(operation, target, self.session_id)
        return Record(self.seq, key, self.user_id, self.event_id, self.body, self.accepted_at_ms)


def checksum(  # noqa: PLR0917  the columns, in their order
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


def crc_of(*columns: object) -> int:
    """CRC-32 over the columns of a row of another table than `records` and `buried`, all but the checksum itself."""
    return zlib.crc32("\0".join(["\1" if column is None else str(column) for column in columns]).encode())


@lru_cache(maxsize=1)
def _keyed(salt: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=8, key=salt)


@lru_cache(maxsize=4096)  # asked again when it is settled, and when the visitor clicks again; a megabyte
def fingerprint(key: SessionKey, salt: bytes) -> int:
    """60 bits that stand for a session; the same over restarts.

    Two sessions with one fingerprint (by chance once in 10^12 with a million of them) would only share a queue:
    a lease ends where the session id changes.
    """
    digest = _keyed(salt).copy()  # its first block, the key, is done
    digest.update(f"{key.operation}\0{key.target}\0{key.session_id}".encode(errors="surrogatepass"))
    return int.from_bytes(digest.digest(), "little") >> 4


def statement(name: str) -> str:
    """A statement from the folder `sql`."""
    return (Path(__file__).parent.parent / "sql" / f"{name}.sql").read_text()
