"""Who was erased, and what has left, is not to be read in the spool's files any more."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.core.model import Binding, NewRecord
from relay.spool.sqlite.admin.control_channel import Discard
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.page_gaps import AT_ONCE, PageGaps, gap_of, pointers_of
from relay.spool.sqlite.write.wiping import WIPE_AFTER_S
from tests.spool.conftest import OpenSqlite
from tests.spool.leases import burial, lease_first, pieces, whole
from tests.spool.sqlite.files import copy_as_after_a_crash, sql
from tests.support.clock import FakeClock
from tests.support.records import new_record
from tests.support.relay import until

SECRET = "secret-of-the-person"
"""What to look for: in ids and bodies."""


def found(path: Path) -> dict[str, int]:
    """How often the person is to be read in each of the files."""
    files = [file for file in path.parent.iterdir() if file.is_file()]
    counts = {file.name: file.read_bytes().count(SECRET.encode()) for file in files}
    return {name: count for name, count in counts.items() if count}


def theirs(number: int, *, size: int, sessions: int = 7) -> NewRecord:
    item, session = f"{SECRET}-{'x' * size}", f"{SECRET}-session-{number % sessions}"
    return new_record(f"{SECRET}-{number}", session, user_id=f"user-{SECRET}", item_id=item)


async def live(spool: SqliteSpool, clock: FakeClock, seed: int) -> None:
    """Theirs among those of others, of every size, as time goes by: rows move from page to page."""
    rng = random.Random(seed)
    sessions, most_others, logins = rng.choice([7, 50, 300]), rng.choice([1, 3]), rng.choice([1, 3, 10])
    until_ms = clock.now_ms() + 60_000
    for number in range(300):
        mine = theirs(number, size=rng.choice([0, 0, 100, 800, 5000]), sessions=sessions)
        others = [
            new_record(f"o{number}-{n}", f"other-session-{n:04}", item_id="y" * 300)
            for n in range(rng.randint(0, most_others))
        ]
        bound = Binding("tracker-1", mine.key.session_id, mine.user_id or "", until_ms)
        await spool.append([mine, *others], bound if number % logins == 0 else None)
        if rng.random() < 0.3:
            await spool.append([], Binding("tracker-1", f"other-session-{number:04}", "other", until_ms))
        if number % 5 == 0:
            lease = await lease_first(spool)
            each = pieces(lease)
            spool.settle(lease, delivered=each[1:], buried=[burial(each[0], message="no")])


@pytest.mark.parametrize("seed", range(12))
async def test_when_an_erasure_answers_nothing_of_theirs_is_in_the_file_or_its_wal(
    seed: int, open_sqlite: OpenSqlite, clock: FakeClock, path: Path, tmp_path: Path
) -> None:
    async with open_sqlite() as spool:
        await live(spool, clock, seed)
        assert found(path)
        assert await spool.erase(user_id=f"user-{SECRET}") > 20
        assert found(path) == {}
        backup = copy_as_after_a_crash(path, tmp_path / "backup")
        assert found(backup) == {}
    async with open_sqlite() as spool:
        assert spool.stats().pending > 10
    assert found(path) == {}
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("way", ["delivered", "discarded"])
async def test_what_has_left_is_gone_from_the_files_within_a_minute(
    way: str, open_sqlite: OpenSqlite, clock: FakeClock, path: Path
) -> None:
    async with open_sqlite() as spool:
        await spool.append([new_record(f"o{n}", f"other-session-{n:04}") for n in range(200)])
        await spool.append([theirs(number, size=700) for number in range(100)])
        while spool.stats().pending:
            for lease in await spool.lease(max_sessions=100):
                if way == "delivered":
                    spool.settle(lease, delivered=whole(lease))
                else:
                    spool.settle(lease, buried=[burial(one) for one in pieces(lease)])
        await spool.work(lambda _: None)
        if way == "discarded":
            await spool.commands.execute(Discard(range(1, 400)))
        assert found(path)
        clock.advance(WIPE_AFTER_S)
        assert WIPE_AFTER_S < 60
        await spool.append([new_record("later", "later-session-0001")])  # it looks at the clock, and then it is quiet
        await until(lambda: not found(path))


async def test_at_the_end_of_the_process_what_has_left_is_gone(open_sqlite: OpenSqlite, path: Path) -> None:
    async with open_sqlite() as spool:
        await spool.append([theirs(number, size=700) for number in range(20)])
        while spool.stats().pending:
            lease = await lease_first(spool)
            spool.settle(lease, delivered=whole(lease))
    assert found(path) == {}


async def test_an_append_does_not_wait_for_an_erasure_to_overwrite_a_large_file(path: Path, clock: FakeClock) -> None:
    async with SqliteSpool(path, clock=clock, max_bytes=100_000_000) as spool:
        await spool.append([theirs(number, size=8000) for number in range(4000)])
        erasing = asyncio.create_task(spool.erase(user_id=f"user-{SECRET}"))
        appended = 0
        while not erasing.done():
            await spool.append([new_record(f"o{appended}", "other-session-0000")])
            appended += 1
        assert await erasing == 4000
        assert appended > 25  # of some 60 steps of 128 pages; as one step there are about a dozen


PAGE_BYTES = 512


def leaf(*, kind: int = 0x0D, rows: int = 1, end: int = 500, pointers: tuple[int, ...] = (500,), gap: bytes) -> bytes:
    head = bytes([kind, 0, 0, *rows.to_bytes(2, "big"), *end.to_bytes(2, "big"), 0])
    page = head + b"".join(one.to_bytes(2, "big") for one in pointers) + gap
    return page.ljust(end, b"\0") + b"r" * (PAGE_BYTES - end)


def gap_in(page: bytes) -> tuple[int, int] | None:
    pointers = pointers_of(page)
    return None if pointers is None else gap_of(page, pointers)


def test_what_is_between_pointers_and_rows_is_the_gap() -> None:
    assert gap_in(leaf(gap=b"old")) == (10, 500)
    assert gap_in(leaf(rows=0, end=PAGE_BYTES, pointers=(), gap=b"old")) == (8, PAGE_BYTES)


@pytest.mark.parametrize(
    "page",
    [
        leaf(gap=b""),
        leaf(kind=0x05, gap=b"old"),
        leaf(kind=0x0A, gap=b"old"),
        leaf(kind=0x00, gap=b"old"),
        leaf(rows=400, gap=b"old"),
        leaf(pointers=(499,), gap=b"old"),
        leaf(pointers=(PAGE_BYTES,), gap=b"old"),
        leaf(gap=b"old")[:8],
        leaf(gap=b"old")[:7],
        b"",
    ],
)
def test_a_page_without_anything_in_it_or_that_is_none_of_these_is_left_alone(page: bytes) -> None:
    assert gap_in(page) is None


def test_a_file_of_many_steps_says_the_same_before_and_after_and_others_write_in_between(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as one, closing(sqlite3.connect(path)) as other:
        one.executescript("PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA secure_delete = FAST")
        one.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)")
        rows = [(n, (b"secret-%d" % n) * (1 + n % 90)) for n in range(4000)]
        one.executemany("INSERT INTO t VALUES (?, ?)", rows)
        one.execute("DELETE FROM t WHERE n % 7")
        gaps, steps = PageGaps(path), 0
        for steps, _ in enumerate(gaps.overwrite(one), 1):
            other.execute("INSERT INTO t VALUES (?, x'00')", (-steps,))
            other.commit()
        assert steps >= path.stat().st_size // 512 // AT_ONCE - 1 > 0
        one.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = path.read_bytes()
        assert all(gap_in(pages[at : at + 512]) is None for at in range(512, len(pages), 512))
        assert one.execute("SELECT * FROM t WHERE n >= 0 ORDER BY n").fetchall() == rows[::7]
        assert one.execute("SELECT count(*) FROM t WHERE n < 0").fetchone() == (steps,)
        assert one.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    gaps.close()
