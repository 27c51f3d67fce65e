"""Reading a spool file from another process, in short steps, so that a relay at work is not kept from anything."""

import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal

from relay.core.errors import SpoolError, SpoolOlderError, SpoolVersionError
from relay.core.model import Operation, bits, event_id_of
from relay.spool.administration import Kept, Waiting
from relay.spool.sqlite.file.binding_table import read_bindings
from relay.spool.sqlite.file.buried_rows import BURIED_COLUMNS, BuriedRow
from relay.spool.sqlite.file.connection import connect, lenient_text
from relay.spool.sqlite.file.former_places import superseded
from relay.spool.sqlite.file.opening import APPLICATION_ID, VERSION, read_flows
from relay.spool.sqlite.file.rows import COLUMNS, Flows, RecordRow

_AT_ONCE: Final = 1000
Table = Literal["records", "buried"]


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Raises `SpoolError` in place of what SQLite raises, with what to do about it."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            message = f"the spool {path} is damaged ({error}): keep a copy of it; docs/operations.md says how to go on"
        elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            message = f"the spool {path} is locked by another process ({error}): try again"
        elif code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
            message = f"the spool {path} cannot be opened ({error}): run this as the relay's user"
        else:
            message = f"the spool {path}: {error}"
        raise SpoolError(message) from error


@contextmanager
def reading(path: Path, *, of_any_version: bool = False) -> Generator[sqlite3.Connection]:
    """A connection that only reads; damaged text comes with replacement characters.

    Raises:
        SpoolVersionError: a newer version wrote the file.
        SpoolOlderError: an older one did, and it is not to be read as it is.
        SpoolError: it is not there, is not a spool, or cannot be read.
    """
    if not path.exists():
        raise SpoolError(f"there is no spool at {path}")
    with explained(path), closing(connect(path, read_only=True)) as sql:
        sql.text_factory = lenient_text
        version = sql.execute("PRAGMA user_version").fetchone()[0]
        if sql.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise SpoolError(f"{path} is not a spool")
        if version > VERSION:
            raise SpoolVersionError(f"the spool {path} has version {version}, this command knows up to {VERSION}")
        if version < VERSION and not of_any_version:
            message = f"the spool {path} has version {version}: `personalize-relay serve` brings it up to {VERSION}"
            raise SpoolOlderError(message)
        yield sql


def used_bytes(sql: sqlite3.Connection) -> int:
    """What the spool takes, as its bound counts it: pages in use, those that are only in the WAL as yet among them."""
    pages, free, size = (
        sql.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def waiting(sql: sqlite3.Connection) -> list[Waiting]:
    """What waits, by operation and target, the fullest first."""
    rows = sql.execute(
        "SELECT operation, target, waiting, count(*), min(accepted_at_ms) FROM records JOIN flows USING (flow)"
        " GROUP BY flow, waiting"
    )
    found: dict[tuple[str, str], Waiting] = {}
    for operation, target, mask, count, oldest_ms in rows:
        before = found.get((operation, target), Waiting(operation, target, 0, oldest_ms))
        pending = before.pending + mask.bit_count() * count
        found[operation, target] = Waiting(operation, target, pending, min(before.oldest_accepted_at_ms, oldest_ms))
    return sorted(found.values(), key=lambda one: -one.pending)


def buried_now(sql: sqlite3.Connection) -> Mapping[str, int]:
    """Buried events that are kept now, by reason, the most frequent first."""
    return dict(sql.execute("SELECT reason, count(*) FROM buried GROUP BY reason ORDER BY count(*) DESC"))


def targets_of_events(path: Path, tables: Sequence[Table]) -> list[str]:
    """Tracking ids that have events in these tables."""
    flow = " UNION ".join([f"SELECT flow FROM {table}" for table in tables])  # noqa: S608  constants
    with reading(path) as sql:
        rows = sql.execute(
            f"SELECT target FROM flows WHERE operation = ? AND flow IN ({flow}) ORDER BY target",  # noqa: S608  a constant
            (Operation.PUT_EVENTS,),
        ).fetchall()
    return [target for (target,) in rows]


def events(path: Path, target: str, table: Table) -> Iterator[list[Kept]]:
    """Events of one tracking id, pending ones or buried ones, in order of acceptance.

    A thousand rows at a time: what comes or goes meanwhile may or may not be among them.
    """
    columns, key = (COLUMNS, "seq") if table == "records" else (BURIED_COLUMNS, "number")
    some = (
        f"SELECT {columns} FROM {table} WHERE {key} > ? AND flow ="  # noqa: S608  constants
        f" (SELECT flow FROM flows WHERE operation = ? AND target = ?) ORDER BY {key} LIMIT ?"
    )
    after = 0
    with reading(path) as sql:
        flows = {number: (operation, name) for number, operation, name in read_flows(sql)}
        while rows := sql.execute(some, (after, Operation.PUT_EVENTS, target, _AT_ONCE)).fetchall():
            after = rows[-1][0]
            found: list[Kept] = []
            for row in rows:
                if table == "records":
                    found += waiting_events(RecordRow(*row), flows)
                else:
                    event = BuriedRow(*row)
                    found.append(Kept(target, event.session_id, event.user_id, event_id_of(event.body), event.body))
            yield found


def waiting_events(row: RecordRow, flows: Flows) -> Iterator[Kept]:
    """Of one record; of a damaged one all there is."""
    if not row.is_intact() or row.flow not in flows:
        yield Kept("", str(row.session_id), row.user_id, "", row.body)
        return
    record = row.as_record(flows)
    for place in bits(record.waiting):
        entry = record.entry(place)
        yield Kept(record.key.target, record.key.session_id, record.user_id, event_id_of(entry), entry)


def users_of_sessions(path: Path, target: str, now_ms: int) -> Mapping[str, str]:
    """Sessions bound to a user, of this tracking id."""
    with reading(path) as sql:
        found = read_bindings(sql, now_ms, -1, but={*superseded(sql)}).bindings
    return {
        binding.session_id: binding.user_id
        for binding in found
        if binding.target == target and binding.expires_at_ms > now_ms
    }
