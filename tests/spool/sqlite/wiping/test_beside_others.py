"""Who uses the spool's file beside the relay holds nobody up, and what has left leaves once they have ended."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import pytest

from relay.core.model import NewRecord
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write import page_gaps
from relay.spool.sqlite.write.database import Database
from relay.spool.sqlite.write.wiping import AGAIN_AFTER_S, TRIES, WIPE_AFTER_S, Wiping
from tests.spool.conftest import OpenSqlite
from tests.spool.leases import deliver_all
from tests.spool.sqlite.wiping.plain_file import plain_file
from tests.support.clock import FakeClock
from tests.support.records import new_record
from tests.support.relay import until

SECRET = "secret-of-the-person"
ENOUGH_S = 20.0
"""Longer than anything here takes, and shorter than to wait for the other process a few times."""
_READS = """
import sqlite3, sys
sql = sqlite3.connect(sys.argv[1], isolation_level=None)
sql.execute("BEGIN")
print(sql.execute("SELECT count(*) FROM records").fetchone()[0], flush=True)
sys.stdin.read()
"""


def theirs(number: int, *, size: int = 700) -> NewRecord:
    return new_record(f"{SECRET}-{number}", f"{SECRET}-session", user_id=f"user-{SECRET}", item_id="x" * size)


def is_readable(path: Path) -> bool:
    """Whether anything of the person is to be read in one of the files."""
    return any(SECRET.encode() in file.read_bytes() for file in path.parent.iterdir() if file.is_file())


@asynccontextmanager
async def another_process_reads(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """In one transaction, until the block ends."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _READS, str(path), stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    assert int(await process.stdout.readline()) > 0
    try:
        yield process
        assert process.returncode is None
    finally:
        process.stdin.close()
        await process.wait()


async def test_an_erasure_answers_and_appends_go_on_while_another_process_reads(
    open_sqlite: OpenSqlite, path: Path, clock: FakeClock
) -> None:
    async with open_sqlite() as spool:
        await spool.append([theirs(number) for number in range(50)])
        async with another_process_reads(path), asyncio.timeout(ENOUGH_S):
            erasing = asyncio.create_task(spool.erase(user_id=f"user-{SECRET}"))
            appended = 0
            while not erasing.done():
                await spool.append([new_record(f"o{appended}", "other-session-0000")])
                appended += 1
            assert await erasing == 50
            assert appended > TRIES / 10
            assert is_readable(path)
        clock.advance(AGAIN_AFTER_S)
        await spool.append([new_record("later", "later-session-0001")])  # it looks at the clock, and then it is quiet
        await until(lambda: not is_readable(path))


async def test_the_end_does_not_wait_for_who_reads_and_the_next_start_does_the_rest(
    open_sqlite: OpenSqlite, path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_sqlite() as spool:
        await spool.append([theirs(number) for number in range(50)])
    async with another_process_reads(path), asyncio.timeout(ENOUGH_S):
        async with open_sqlite() as spool:
            await deliver_all(spool)
        assert is_readable(path)
    assert "another process uses the file" in caplog.text
    async with open_sqlite() as spool:
        clock.advance(WIPE_AFTER_S)
        await spool.append([new_record("later", "later-session-0001")])
        await until(lambda: not is_readable(path))
    async with open_sqlite() as spool:
        assert await spool.work(lambda database: database.wiping.wait_s()) is not None  # the append is counted, now
        await spool.work(lambda database: database.wiping.all_of_it(database.sql), alone=True)
        assert await spool.work(lambda database: database.sql.execute("SELECT * FROM zeros").fetchall()) == []


@pytest.mark.parametrize("way", ["reads", "writes"])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_who_is_in_the_way_is_left_alone_after_some_tries_and_what_was_left_is_done_later(
    way: str, after: int, path: Path, clock: FakeClock
) -> None:
    with plain_file(path) as one, closing(sqlite3.connect(path, isolation_level=None)) as other:
        rows = [(n, f"{SECRET}-{n}".encode() * 40) for n in range(600)]
        one.executemany("INSERT INTO t VALUES (?, ?)", rows)
        one.execute("DELETE FROM t WHERE n % 7")
        wiping = Wiping(path, clock)
        wiping.begin_anew(one)
        for _ in range(after):
            assert wiping.go_on(one)
        other.execute("BEGIN" if way == "reads" else "BEGIN IMMEDIATE")
        assert other.execute("SELECT count(*) FROM t").fetchone() == (86,)
        if way == "reads":
            one.execute("INSERT INTO t VALUES (1000, x'00')")
        steps = 0
        while wiping.go_on(one):
            steps += 1
            assert steps < 20 * TRIES
        assert wiping.is_at_work
        assert wiping.wait_s() == AGAIN_AFTER_S
        clock.advance(AGAIN_AFTER_S)
        wiping.step(one)
        assert wiping.wait_s() == AGAIN_AFTER_S, "one try, and it is left alone again"
        other.execute("COMMIT")
        clock.advance(AGAIN_AFTER_S)
        while wiping.go_on(one):
            pass
        assert not wiping.is_at_work
        assert one.execute("SELECT * FROM t WHERE n < 1000").fetchall() == rows[::7]
        assert one.execute("SELECT * FROM zeros").fetchall() == []
        gone = [f"{SECRET}-{n}{SECRET}".encode() for n in range(600) if n % 7]
        files = path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()
        assert not any(text in file for text in gone for file in files)
        assert one.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    wiping.close()


async def test_no_page_moves_to_where_it_was_overwritten_already(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_gaps, "AT_ONCE", 100)

    def leave(database: Database, user_id: str) -> None:
        database.sql.execute("DELETE FROM records WHERE user_id = ?", (user_id,))

    def overwrite_and_shrink(database: Database) -> tuple[bool, int]:
        """As if others committed between two steps, and, when it is half through, nobody had anything to do."""
        looked = shrunk = 0
        database.wiping.begin_anew(database.sql)
        while database.wiping.go_on(database.sql):
            database.commit([])
            looked += not database.wiping.pages
            while looked > 15 and database.shrink():
                shrunk += 1
        stays = is_readable(path)
        while database.shrink():
            shrunk += 1
        return stays, shrunk

    async with SqliteSpool(path, clock=clock, max_bytes=100_000_000) as spool:
        await spool.append([new_record(f"f{n}", user_id="first", item_id="x" * 8000) for n in range(600)])
        await spool.append([new_record(f"s{n}", user_id="second", item_id=SECRET * 150) for n in range(300)])
        leaving = asyncio.ensure_future(spool.work(partial(leave, user_id="second")))
        await asyncio.sleep(0)  # in the same commit, so that who comes takes the pages of who leaves
        # The last page of most of these is not full; there the others stay readable.
        await spool.append([new_record(f"o{n}", item_id="y" * (3850 + n)) for n in range(300)])
        await leaving
        # Both at once, so that nothing shrinks in between.
        first = spool.work(partial(leave, user_id="first"))
        _, (stays, shrunk) = await asyncio.gather(first, spool.work(overwrite_and_shrink, alone=True))
        assert not stays
        assert shrunk > 5
