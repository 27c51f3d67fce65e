"""A row of more than a page ends in the middle of one: what lay behind its end is overwritten, and nothing else is."""

import random
import sqlite3
from pathlib import Path

import pytest

from relay.core.model import Binding
from relay.spool.sqlite.file import opening
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.page_gaps import PageGaps
from relay.spool.sqlite.write.wiping import Wiping
from tests.spool.leases import burial, lease_first, pieces
from tests.spool.sqlite.files import sql
from tests.spool.sqlite.wiping.plain_file import plain_file
from tests.support.clock import FakeClock
from tests.support.records import new_record

SECRET = "secret-of-the-person"
GONE = b"text-of-what-has-left,"
HERE = b"text-of-what-is-here,"


async def live(spool: SqliteSpool, clock: FakeClock, seed: int) -> None:
    """Theirs among long records of others; in one commit some leave and others come."""
    rng = random.Random(seed)
    sessions, most_others, logins = rng.choice([7, 50, 300]), rng.choice([1, 3]), rng.choice([1, 3, 10])
    until_ms = clock.now_ms() + 60_000
    for number in range(300):
        session, item = f"{SECRET}-session-{number % sessions}", SECRET * rng.choice([1, 1, 5, 40, 250])
        mine = new_record(f"{SECRET}-{number}", session, user_id=f"user-{SECRET}", item_id=item)
        others = [
            new_record(f"o{number}-{n}", f"other-session-{n:04}", item_id="y" * rng.randint(2500, 6000))
            for n in range(rng.randint(0, most_others))
        ]
        bound = Binding("tracker-1", session, f"user-{SECRET}", until_ms)
        await spool.append([mine, *others], bound if number % logins == 0 else None)
        if number % 5 == 0:
            lease = await lease_first(spool)
            each = pieces(lease)
            spool.settle(lease, delivered=each[1:], buried=[burial(each[0], message="no")])


@pytest.mark.parametrize(("page_bytes", "seed"), [(2048, 0), (2048, 9), (2048, 10), (4096, 7), (4096, 9), (4096, 11)])
async def test_when_an_erasure_answers_nothing_is_behind_the_end_of_others_long_records(
    page_bytes: int, seed: int, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PAGE_BYTES", page_bytes)
    async with SqliteSpool(path, clock=clock, max_bytes=10_000_000) as spool:
        await live(spool, clock, seed)
        await spool.erase(user_id=f"user-{SECRET}")
        assert SECRET.encode() not in path.read_bytes()  # noqa: ASYNC240  nobody else is waiting
        assert spool.stats().pending > 10
    assert sql(path, "PRAGMA page_size") == [(page_bytes,)]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def change(one: sqlite3.Connection, rng: random.Random, kept: dict[int, bytes], first: int) -> None:
    """In one transaction some rows leave and others come, of every length from a few bytes to many pages."""
    one.execute("BEGIN")
    for n in rng.sample(sorted(kept), len(kept) // 3):
        one.execute("UPDATE t SET body = ? WHERE n = ?", (GONE * (len(kept[n]) // len(GONE)), n))
        one.execute("DELETE FROM t WHERE n = ?", (n,))
        del kept[n]
    for n in range(first, first + rng.randint(1, 60)):
        kept[n] = (HERE * rng.choice([1, 5, 18, 40, 40, 200]))[rng.randint(0, 511) :]
        one.execute("INSERT INTO t VALUES (?, ?)", (n, kept[n]))
    one.execute("COMMIT")


@pytest.mark.parametrize("seed", range(3, 15))
def test_whatever_has_left_is_nowhere_and_all_else_is_as_it_was(seed: int, path: Path, clock: FakeClock) -> None:
    rng, kept = random.Random(seed), dict[int, bytes]()
    with plain_file(path) as one:
        for first in range(0, 30_000, 1000):
            change(one, rng, kept, first)
            one.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert GONE in path.read_bytes()
        wiping = Wiping(path, clock)
        wiping.all_of_it(one)
        assert GONE not in path.read_bytes()
        assert dict(one.execute("SELECT * FROM t")) == kept
        assert one.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    wiping.close()


@pytest.mark.parametrize("seed", range(12))
def test_a_free_page_that_was_a_leaf_costs_nobody_anything(seed: int, path: Path) -> None:
    """It still says which pages its rows went on in, and those are others' by now."""
    rng, kept, gaps = random.Random(seed), dict[int, bytes](), PageGaps(path)
    free = 0
    with plain_file(path) as one:
        for first in range(0, 30_000, 1000):
            change(one, rng, kept, first)
            free += one.execute("PRAGMA freelist_count").fetchone()[0]
            for _ in gaps.overwrite(one):
                pass
            assert dict(one.execute("SELECT * FROM t")) == kept
    assert free > 100
    gaps.close()
