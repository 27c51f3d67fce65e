"""A record as columns of a group, a row of the database as a record. Text from clients is stored as UTF-8 bytes."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import asyncpg

from relay.core.model import NewRecord, Operation, Provenance, Record, SessionKey
from relay.spool.header import decode_header, encode_header
from relay.spool.schedule.erased_users import fingerprint_of
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.schedule.pieces import page_key

SHARDS: Final = 64
_SHARD_BITS: Final = 54
"""A fingerprint has 60 bits; the first six are its shard, so that a shard is a range of sessions."""


class Arriving(NamedTuple):
    """A record on its way, with what stands for its session."""

    record: NewRecord
    session: int


class Arguments(NamedTuple):
    """A group, column by column: events (record, from 1; place; session of the page; hash of the id), and records."""

    events: tuple[list[int], list[int], list[int], list[int]]
    repeated: set[tuple[int, int]]
    """Events whose id is in the group before them: record from 0, place."""
    records: tuple[list[object], ...]


def shard_of(session: int) -> int:
    """Of 0 to 63."""
    return session >> _SHARD_BITS


def sessions_of(shard: int) -> tuple[int, int]:
    """First and last fingerprint of a shard."""
    return shard << _SHARD_BITS, (shard + 1 << _SHARD_BITS) - 1


def text(value: str) -> bytes:
    """As stored; lone surrogates survive."""
    return value.encode("utf-8", "surrogatepass")


def untext(value: bytes) -> str:
    """As it came."""
    return value.decode("utf-8", "surrogatepass")


def arguments_of(group: Sequence[Arriving], flows: Sequence[int], salt: bytes, nonce: Callable[[], int]) -> Arguments:
    """The arguments of an append.

    Args:
        group: What is to be stored.
        flows: The number of each one's operation and target.
        salt: Keys what stands for sessions.
        nonce: 63 random bits: what stands for an event that has no id, and so repeats nothing.
    """
    numbers: list[int] = []
    places: list[int] = []
    sessions: list[int] = []
    ids: list[int] = []
    seen: set[tuple[int, int]] = set()
    repeated: set[tuple[int, int]] = set()
    rows: list[tuple[object, ...]] = []
    offset = 0
    for number, ((record, session), flow) in enumerate(zip(group, flows, strict=True)):
        came, user = record.came, record.user_id
        page = session if came is None or came.page_session is None else fingerprint(page_key(record.key, came), salt)
        for place in range(len(record.ends)):
            event_id = record.event_ids[place] if record.event_ids else ""
            event = _hash(event_id) if event_id else nonce()
            if (page, event) in seen:
                repeated.add((number, place))
                continue
            seen.add((page, event))
            numbers.append(number + 1)
            places.append(place)
            sessions.append(page)
            ids.append(event)
        rows.append((
            offset, session, None if page == session else page, flow, came is not None and came.never_bound,
            text(record.key.session_id), None if user is None else text(user),
            None if user is None else erased_key(user),
            encode_header((record.ends, record.without_item, came)), record.body,
        ))  # fmt: skip
        offset += len(record.ends)
    records = tuple([list(column) for column in zip(*rows, strict=True)])
    return Arguments((numbers, places, sessions, ids), repeated, records)


def erased_key(user_id: str) -> bytes:
    """What stands for a user among those that were erased."""
    return bytes.fromhex(fingerprint_of(user_id))


def alone(entry: bytes, came: Provenance | None) -> bytes:
    """The header of one event by itself."""
    return encode_header(((len(entry),), 0, came))


def _hash(event_id: str) -> int:
    """63 bits for an event's id within its session. No secret: who finds two alike has them in no other session."""
    return int.from_bytes(hashlib.blake2b(text(event_id), digest_size=8).digest(), "little") >> 1


def ends_of(header: bytes) -> tuple[int, ...]:
    """Where its entries end."""
    return decode_header(header).ends


def came_of(header: bytes) -> Provenance | None:
    """What came with it."""
    return decode_header(header).came


def record_of(row: asyncpg.Record) -> Record:
    """A row of `lease.sql` as a record, with the user of whoever has logged in."""
    header = decode_header(row["header"])
    user: bytes | None = row["user_id"] if row["user_id"] is not None else row["bound_user"]
    key = SessionKey(Operation(row["operation"]), untext(row["target"]), untext(row["session_id"]))
    return Record(
        row["seq"], key, None if user is None else untext(user), row["body"], header.ends, row["accepted_at_ms"],
        row["waiting"], header.without_item, header.came,
    )  # fmt: skip
