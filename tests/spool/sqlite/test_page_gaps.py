"""Which bytes of a page may be overwritten: those between pointers and rows of a table's leaf, and no others."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.spool.sqlite.write.page_gaps import AT_ONCE, PageGaps, gap_of

SIZE = 512


def leaf(*, kind: int = 0x0D, rows: int = 1, end: int = 500, pointers: tuple[int, ...] = (500,), gap: bytes) -> bytes:
    head = bytes([kind, 0, 0, *rows.to_bytes(2, "big"), *end.to_bytes(2, "big"), 0])
    page = head + b"".join(one.to_bytes(2, "big") for one in pointers) + gap
    return page.ljust(end, b"\0") + b"r" * (SIZE - end)


def test_what_is_between_pointers_and_rows_is_the_gap() -> None:
    assert gap_of(leaf(gap=b"old")) == (10, 500)
    assert gap_of(leaf(rows=0, end=SIZE, pointers=(), gap=b"old")) == (8, SIZE)


@pytest.mark.parametrize(
    "page",
    [
        leaf(gap=b""),
        leaf(kind=0x05, gap=b"old"),
        leaf(kind=0x0A, gap=b"old"),
        leaf(kind=0x00, gap=b"old"),
        leaf(rows=400, gap=b"old"),
        leaf(pointers=(499,), gap=b"old"),
        leaf(pointers=(SIZE,), gap=b"old"),
        leaf(gap=b"old")[:8],
        b"",
    ],
)
def test_a_page_without_anything_in_it_or_that_is_none_of_these_is_left_alone(page: bytes) -> None:
    assert gap_of(page) is None


def test_a_file_of_many_steps_says_the_same_before_and_after_and_others_write_in_between(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as sql, closing(sqlite3.connect(path)) as other:
        sql.executescript("PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA secure_delete = FAST")
        sql.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)")
        rows = [(n, (b"secret-%d" % n) * (1 + n % 90)) for n in range(4000)]
        sql.executemany("INSERT INTO t VALUES (?, ?)", rows)
        sql.execute("DELETE FROM t WHERE n % 7")
        gaps, steps = PageGaps(path), 0
        for steps, _ in enumerate(gaps.overwrite(sql), 1):
            other.execute("INSERT INTO t VALUES (?, x'00')", (-steps,))
            other.commit()
        assert steps >= path.stat().st_size // 512 // AT_ONCE - 1 > 0
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = path.read_bytes()
        assert all(gap_of(pages[at : at + 512]) is None for at in range(512, len(pages), 512))
        assert sql.execute("SELECT * FROM t WHERE n >= 0 ORDER BY n").fetchall() == rows[::7]
        assert sql.execute("SELECT count(*) FROM t WHERE n < 0").fetchone() == (steps,)
        assert sql.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    gaps.close()
