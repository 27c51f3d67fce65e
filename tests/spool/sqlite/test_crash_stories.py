"""What is on disk stays, whatever happens to the process; what is damaged is found, counted and does no more harm."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from relay.core.errors import SpoolError, SpoolLockedError, SpoolVersionError
from relay.core.model import Binding, SpoolStats
from relay.spool.sqlite.admin.administration import SqliteAdministration
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import MAX_BYTES, OpenSqlite
from tests.spool.leases import balances, burial, deliver_all, lease_first, pieces, whole
from tests.spool.sqlite.files import copy_as_after_a_crash, flip_byte, offset_of, sql
from tests.support.clock import FakeClock
from tests.support.records import SESSION, beacon, new_record, new_records

OTHER = "ffff1234567890ab"


async def test_everything_is_there_after_a_restart(open_sqlite: OpenSqlite, clock: FakeClock) -> None:
    binding = Binding("tracker-1", OTHER, "u9", clock.now_ms() + 10_000)
    async with open_sqlite() as spool:
        await spool.append(new_records(14))
        await spool.append([new_record("x", OTHER, user_id="u9")], binding)
        lease = await lease_first(spool)
        each = pieces(lease)
        spool.settle(lease, delivered=each[:3], buried=[burial(each[3])])
        before = spool.stats()
    async with open_sqlite() as spool:
        after = spool.stats()
        assert (after.accepted, after.delivered, after.buried) == (15, 3, {"InvalidInputException": 1})
        assert after.pending == before.pending == 11
        assert after.oldest_accepted_at_ms == before.oldest_accepted_at_ms
        assert await spool.bindings() == [binding]
        assert await spool.append([new_record("e13")]) == {(0, 0)}, "ids of what waits are remembered"
        assert await deliver_all(spool) == [*[f"e{n}" for n in range(4, 14)], "x"]


async def test_seqs_are_never_used_again(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        await spool.append(new_records(3))
        await deliver_all(spool)
    async with open_sqlite() as spool:
        await spool.append([new_record("new")])
        assert (await lease_first(spool)).records[0].seq == 4


def append_and_be_killed(path: Path, start: int) -> int:
    """A child appends as fast as it can, printing what was acknowledged, and is killed; the last number it told."""
    command = [sys.executable, "-m", "tests.spool.sqlite.appending_child", str(path), str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = start - 1
        for line in child.stdout:
            told = int(line)
            if told == start + 40:
                os.kill(child.pid, signal.SIGKILL)
        return told


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "spool.db", 0
    for _ in range(3):
        acknowledged = 1 + await asyncio.to_thread(append_and_be_killed, path, acknowledged)
    async with SqliteSpool(path, clock=FakeClock(), max_bytes=MAX_BYTES) as spool:
        delivered = await deliver_all(spool)
        assert delivered == sorted(delivered, key=lambda name: int(name[1:]))
        assert {f"e{n}" for n in range(acknowledged)} <= set(delivered)
        assert len(delivered) == len(set(delivered))


async def test_a_delivery_not_yet_on_disk_is_repeated_with_the_same_event_id(
    open_sqlite: OpenSqlite, path: Path, clock: FakeClock, tmp_path: Path
) -> None:
    async with open_sqlite() as spool:
        await spool.append(new_records(2))
        lease = await lease_first(spool)
        spool.settle(lease, delivered=whole(lease)[:1])
        copy = copy_as_after_a_crash(path, tmp_path / "crashed")
    async with SqliteSpool(copy, clock=clock, max_bytes=MAX_BYTES) as spool:
        assert await deliver_all(spool) == ["e0", "e1"]
        assert balances(spool)


async def test_a_settle_reaches_the_disk_by_itself(open_sqlite: OpenSqlite, path: Path, tmp_path: Path) -> None:
    async with open_sqlite() as spool:
        await spool.append(new_records(2))
        await deliver_all(spool)
        for number in range(200):
            if sql(copy_as_after_a_crash(path, tmp_path / str(number)), "SELECT count(*) FROM records") == [(0,)]:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("still not on disk")


async def test_a_second_opener_is_refused_until_the_first_has_gone(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite():
        with pytest.raises(SpoolLockedError):
            await open_sqlite().__aenter__()
    async with open_sqlite():
        pass


async def test_a_spool_of_a_newer_version_is_refused_and_left_alone(open_sqlite: OpenSqlite, path: Path) -> None:
    async with open_sqlite():
        pass
    sql(path, "PRAGMA user_version = 99")
    with pytest.raises(SpoolVersionError):
        await open_sqlite().__aenter__()
    assert sql(path, "PRAGMA user_version") == [(99,)]


async def test_somebody_elses_database_is_refused(open_sqlite: OpenSqlite, path: Path) -> None:
    sql(path, "CREATE TABLE mine (x)")
    with pytest.raises(SpoolError, match="not a spool"):
        await open_sqlite().__aenter__()


async def test_a_place_that_cannot_be_written_is_an_error_of_ours(clock: FakeClock, tmp_path: Path) -> None:
    with pytest.raises(SpoolError):
        await SqliteSpool(tmp_path / "no" / "such" / "spool.db", clock=clock, max_bytes=MAX_BYTES).__aenter__()


async def test_a_record_with_a_flipped_bit_is_buried_and_its_neighbours_are_delivered(
    open_sqlite: OpenSqlite, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_sqlite() as spool:
        await spool.append(new_records(3))
    flip_byte(path, offset_of(path, b'"eventId":"e1"') + 3)
    async with open_sqlite() as spool:
        with caplog.at_level(logging.ERROR):
            assert await deliver_all(spool) == ["e0", "e2"]
        assert spool.stats().buried == {"corrupt": 1}
        assert balances(spool)
    assert "checksum" in caplog.text
    async with open_sqlite() as spool:
        assert spool.stats().buried == {"corrupt": 1}
    assert sql(path, "SELECT reason FROM buried") == [("corrupt",)]


async def test_text_that_is_no_longer_utf8_is_buried_too(open_sqlite: OpenSqlite, path: Path) -> None:
    async with open_sqlite() as spool:
        await spool.append([new_record("first"), new_record("é" * 20), new_record("last")])
    flip_byte(path, offset_of(path, ("é" * 20).encode()) + 1)
    with path.open("r+b") as file:
        file.seek(offset_of(path, "é".encode()) - 1)
        file.write(b"\xff\xff")
    async with open_sqlite() as spool:
        assert await deliver_all(spool) == ["first", "last"]
        assert spool.stats().buried == {"corrupt": 1}


async def test_records_that_vanished_are_counted(
    open_sqlite: OpenSqlite, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_sqlite() as spool:
        await spool.append(new_records(5))
    sql(path, "DELETE FROM records WHERE seq IN (2, 3)")
    with caplog.at_level(logging.ERROR):
        async with open_sqlite() as spool:
            assert spool.stats().buried == {"corrupt": 2}
            assert balances(spool)
    assert "2 records" in caplog.text


async def test_what_is_only_stored_is_counted_by_its_records_and_what_vanishes_of_it_is_noticed(
    open_sqlite: OpenSqlite, path: Path, clock: FakeClock, tmp_path: Path
) -> None:
    """A commit that only stores does not write the ledger: 43 bytes an event less at groups of 32."""
    async with open_sqlite() as spool:
        await spool.append([beacon("a", "b"), beacon("c", "d", "e"), beacon("f", "g")])
        copy = copy_as_after_a_crash(path, tmp_path / "crashed")
    assert sql(copy, "SELECT * FROM ledger") == []
    overview = await SqliteAdministration(copy, clock=clock).status()
    assert (overview.stats.accepted, overview.stats.pending) == (7, 7)
    sql(copy, "DELETE FROM records WHERE seq = 3")
    async with SqliteSpool(copy, clock=clock, max_bytes=MAX_BYTES) as spool:
        assert (spool.stats().accepted, spool.stats().buried) == (7, {"corrupt": 3})
        assert await deliver_all(spool) == ["a", "b", "f", "g"]
        assert balances(spool)
    overview = await SqliteAdministration(copy, clock=clock).status()
    assert (overview.stats.accepted, overview.stats.delivered, overview.stats.buried) == (7, 4, {"corrupt": 3})


@pytest.fixture
async def crashed(open_sqlite: OpenSqlite, path: Path, tmp_path: Path) -> Path:
    """A spool with twenty commits of one record each, all of them only in its WAL."""
    async with open_sqlite() as spool:
        for number in range(20):
            await spool.append([new_record(f"e{number}", f"session-{number:016}")])
        return copy_as_after_a_crash(path, tmp_path / "crashed")


async def figures_once_opened(path: Path, clock: FakeClock) -> SpoolStats:
    """What a start finds; it takes and delivers events."""
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES) as spool:
        stats = spool.stats()
        await spool.append([new_record("new", SESSION)])
        assert sorted(await deliver_all(spool))[-1] == "new"
        return stats


async def test_commits_behind_a_damaged_frame_of_the_wal_are_brought_back(
    crashed: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite drops them all, and says nothing."""
    wal = crashed.with_name(crashed.name + "-wal")
    flip_byte(wal, offset_of(wal, b'"eventId":"e9"'))
    with caplog.at_level(logging.ERROR):
        stats = await figures_once_opened(crashed, clock)
    assert (stats.accepted, stats.pending, stats.buried) == (20, 20, {})
    assert "spool damaged" in caplog.text


async def test_commits_lost_with_the_wal_are_noticed(
    crashed: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    wal = crashed.with_name(crashed.name + "-wal")
    os.truncate(wal, offset_of(wal, b'"eventId":"e9"'))
    with caplog.at_level(logging.ERROR):
        stats = await figures_once_opened(crashed, clock)
    assert 0 < stats.pending < 20
    assert (stats.accepted, stats.buried) == (20, {"corrupt": 20 - stats.pending})
    assert "are gone" in caplog.text


@pytest.mark.parametrize("ending", ["cut off", "zeros", "zeros behind it"])
@pytest.mark.parametrize("suffix", ["", "-wal"])
async def test_a_file_whose_end_is_gone_or_zeros_costs_what_was_there_and_that_is_counted(
    crashed: Path, clock: FakeClock, suffix: str, ending: str
) -> None:
    """As after a loss of power: the file's length is on the disk, what was to be in it is not."""
    if not suffix:
        sql(crashed, "PRAGMA wal_checkpoint(TRUNCATE)")
    path = crashed.with_name(crashed.name + suffix)
    size = path.stat().st_size
    if ending != "zeros behind it":
        os.truncate(path, offset_of(path, b'"eventId":"e9"'))
    if ending != "cut off":
        os.truncate(path, size + 4096)
    stats = await figures_once_opened(crashed, clock)
    assert stats.accepted == 20
    assert stats.pending + stats.buried.get("corrupt", 0) == 20
    if ending == "zeros behind it":
        assert stats.pending == 20
    else:
        assert stats.pending < 20


async def test_a_disk_that_refuses_a_write_acknowledges_nothing_more_until_reopened(
    open_sqlite: OpenSqlite, path: Path
) -> None:
    """The child's limit on file size makes the WAL write fail with EFBIG, an I/O error to SQLite."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.spool.sqlite.failing_disk_child", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split("\n")[:4] == ["stored", "refused", "still refused", "problem"], done.stderr
    async with open_sqlite() as spool:
        assert (await deliver_all(spool))[0] == "before"
        assert await spool.append([new_record("after")]) == frozenset()
