"""What the table of bindings holds, as another process sees it, or puts there."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from relay.core.model import Binding
from relay.spool.sqlite.file.binding_table import columns_of
from relay.spool.sqlite.file.connection import connect
from relay.spool.sqlite.file.former_places import slot_of
from relay.spool.sqlite.file.rows import crc_of, statement


class Row(NamedTuple):
    """One row."""

    slot: int
    session: tuple[str, str]
    user_id: str
    page_session: str | None
    expires_at_ms: int


def rows_of(path: Path) -> list[Row]:
    """All, in the order of their slots; each has to be what was once written."""
    found: list[Row] = []
    with closing(connect(path)) as sql:
        for slot, crc, *columns in sql.execute("SELECT * FROM bindings ORDER BY slot"):
            assert crc == crc_of(slot, *columns)
            target, session_id, user_id, page_session, expires_at_ms, _ = columns
            found.append(Row(slot, (target, session_id), user_id, page_session, expires_at_ms))
    return found


def users(path: Path) -> list[str]:
    """Whose the rows are, in the order of their slots."""
    return [row.user_id for row in rows_of(path)]


def put(path: Path, bindings: Sequence[Binding], *, slots: Sequence[int] | None = None) -> None:
    """Rows that nobody's save has made: in these slots, or each where a build before had its session."""
    with closing(connect(path)) as sql:
        salt = sql.execute("SELECT salt FROM salt").fetchone()[0]
        for number, binding in enumerate(bindings):
            slot = slot_of(binding.target, binding.session_id, salt=salt) if slots is None else slots[number]
            columns = columns_of(binding)
            sql.execute(statement("bind"), (slot, crc_of(slot, *columns), *columns))


def frames(path: Path) -> int:
    """Pages in the WAL."""
    with closing(connect(path)) as sql:
        page_bytes: int = sql.execute("PRAGMA page_size").fetchone()[0]
    return (path.with_name(path.name + "-wal").stat().st_size - 32) // (page_bytes + 24)
