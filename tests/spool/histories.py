"""Spools with a history, and where in their files each row is, found by walking down from the roots as SQLite does."""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from relay.core.model import Binding, NewRecord
from relay.spool.sqlite.file.buried_rows import BuriedRow
from relay.spool.sqlite.file.connection import lenient_text
from relay.spool.sqlite.file.rows import RecordRow, crc_of
from relay.spool.sqlite.recovery.wal import FileView, views
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import MAX_BYTES
from tests.spool.leases import burial, pieces
from tests.spool.sqlite.files import copy_as_after_a_crash, sql
from tests.support.clock import FakeClock
from tests.support.records import new_record, single

TABLES = ("records", "buried", "bindings")

Kept = dict[str, dict[int, tuple[object, ...]]]
"""By table and number: the columns."""


class Span(NamedTuple):
    """Bytes of a file."""

    suffix: str
    start: int
    end: int

    def meets(self, other: "Span") -> bool:
        return self.suffix == other.suffix and self.start < other.end and other.start < self.end


class Made(NamedTuple):
    """A spool with a history, and what is where in it."""

    path: Path
    kept: Kept
    spans: dict[tuple[str, int], list[Span]]
    """Where the bytes of each row are: its cell, and the pages it overflows to."""
    mark: int
    page_bytes: int


async def live(path: Path, rng: random.Random, *, lives: int) -> Path:
    """Several lives of a spool in which everything happens; its files, as after a clean end or as after a crash."""
    clock = FakeClock()
    count = 0
    for life in range(lives):
        async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES) as spool:
            for _ in range(rng.randint(5, 25)):
                session = f"session-{rng.randrange(30):016}"
                await spool.append([record(rng, f"e{count + n}", session) for n in range(rng.randint(1, 20))])
                count += 20
                if rng.random() < 0.5:
                    binding = Binding("tracker-1", session, f"u{rng.randrange(99)}", clock.now_ms() + 10**6)
                    await spool.append([], binding)
                if rng.random() < 0.4:
                    for lease in await spool.lease(max_sessions=rng.randint(1, 8)):
                        each = pieces(lease)
                        cut = rng.randint(0, len(each))
                        burials = [burial(one) for one in each[cut : cut + 2]]
                        spool.settle(lease, delivered=each[:cut], buried=burials)
                if rng.random() < 0.1:
                    await spool.erase(session_id=session)
                if rng.random() < 0.2:  # the next commit uses the WAL anew, over what is in it
                    await spool.work(lambda _: None)
                    assert sql(path, "PRAGMA wal_checkpoint(PASSIVE)")[0][0] == 0
                clock.advance(1)
            await spool.work(lambda _: None)
            if life == lives - 1 and rng.random() < 0.7:
                return copy_as_after_a_crash(path, path.parent / "crashed")
    return path


def record(rng: random.Random, event_id: str, session: str) -> NewRecord:
    made = new_record(event_id, session, target=f"tracker-{rng.randint(1, 3)}")
    padding = rng.choice([0, 0, 0, 100, 700, 3700, 9000, 20_000])
    body = made.body[:-1] + b',"x":"' + rng.randbytes(padding // 2).hex().encode() + b'"}'
    if rng.random() < 0.5:
        return single(made.key, None, event_id, body)
    other = made.body.replace(event_id.encode(), event_id.encode() + b"-2")
    ends = (len(body), len(body) + 1 + len(other))
    return NewRecord(made.key, None, (event_id, f"{event_id}-2"), body + b"," + other, ends)


def content(path: Path) -> Kept:
    """Rows that are what was once written."""
    connection = sqlite3.connect(path)
    connection.text_factory = lenient_text
    with closing(connection) as found:
        kept: Kept = {
            table: {row[0]: row for row in found.execute(f"SELECT * FROM {table}") if kind(*row).is_intact()}  # noqa: S608
            for table, kind in (("records", RecordRow), ("buried", BuriedRow))
        }
        rows = found.execute("SELECT * FROM bindings").fetchall()
    return kept | {"bindings": {row[0]: row for row in rows if row[1] == crc_of(row[0], *row[2:])}}


def places(path: Path) -> dict[tuple[str, int], list[Span]]:
    """By walking down from the roots, as SQLite does."""
    with tempfile.TemporaryDirectory() as folder:  # for who looks with SQLite folds the WAL
        tables = sql(copy_of(path, Path(folder)), "SELECT name, rootpage FROM sqlite_schema")
    roots = {name: int(str(root)) for name, root in tables}
    view = views(path)[0]
    return {(table, rowid): spans for table in TABLES for rowid, spans in walk(view, roots[table])}


def walk(view: FileView, number: int) -> Iterator[tuple[int, list[Span]]]:
    page = view.page(number)
    leaf = page[0] == 13
    offsets = [short(page, (8 if leaf else 12) + 2 * n) for n in range(short(page, 3))]
    if not leaf:
        for child in [*(int.from_bytes(page[at : at + 4]) for at in offsets), int.from_bytes(page[8:12])]:
            yield from walk(view, child)
        return
    for n, offset in enumerate(offsets):
        length, at = varint(page, offset)
        rowid, at = varint(page, at)
        most, least = view.page_bytes - 35, (view.page_bytes - 12) * 32 // 255 - 23
        wished = least + (length - least) % (view.page_bytes - 4)
        local = length if length <= most else wished if wished <= most else least
        suffix, start = view.place(number)
        frame = [Span(suffix, start - 24, start)] if suffix else []
        end = at + local + (4 if local < length else 0)
        spans = [*frame, Span(suffix, start + offset, start + end), Span(suffix, start + 8 + 2 * n, start + 10 + 2 * n)]
        if local < length:
            following = int.from_bytes(page[at + local : at + local + 4])
            while following:
                suffix, start = view.place(following)
                spans.append(Span(suffix, start - 24 * bool(suffix), start + view.page_bytes))
                following = int.from_bytes(view.page(following)[:4])
        yield rowid, spans


def short(page: bytes, at: int) -> int:
    return int.from_bytes(page[at : at + 2])


def varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = page[at + n]
        value = value << 8 | byte if n == 8 else value << 7 | byte & 127
        if byte < 128 or n == 8:
            return value, at + n + 1
    raise AssertionError


def copy_of(path: Path, folder: Path) -> Path:
    for file in path.parent.glob(path.name + "*"):
        if file.is_file() and not file.name.endswith("-shm"):
            shutil.copy(file, folder)
    return folder / path.name


def page_of(cell: Span, page_bytes: int) -> Span:
    """The page a cell is on."""
    frame = 24 + page_bytes
    start = 32 + (cell.start - 32) // frame * frame + 24 if cell.suffix else cell.start // page_bytes * page_bytes
    return Span(cell.suffix, start, start + page_bytes)
