"""The archive of delivered events: kept within its bound, forgotten when asked, and never in the way."""

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from relay.archive import archive as archive_module
from relay.archive.archive import Archive
from relay.archive.segments import ToForget, events, events_of, folder_of, segments, targets
from relay.core.clock import SystemClock
from relay.core.errors import SpoolError
from relay.core.model import Batch, Operation, Piece, Record, SessionKey
from tests.support.records import SESSION
from tests.support.relay import until

TARGET = "tracker-1"
MIB = 1 << 20


def delivered(
    number: int,
    *,
    session: str = SESSION,
    user: str | None = None,
    target: str = TARGET,
    operation: Operation = Operation.PUT_EVENTS,
    size: int = 0,
) -> Batch:
    name = SessionKey(operation, target, session)
    body = json.dumps({"eventId": f"e{number}", "eventType": "View", "itemId": "x" * size, "sentAt": 1}).encode()
    return Batch(name, user, (Piece(Record(number, name, user, body, (len(body),), 0, 1), 1),))


def opened(folder: Path, max_bytes: int = MIB) -> Archive:
    return Archive(folder / "spool.db", max_bytes=max_bytes, clock=SystemClock())


def kept(folder: Path, target: str = TARGET) -> list[str]:
    return [event.event_id for event in events(folder_of(folder / "spool.db"), target)]


async def test_delivered_events_are_kept_as_they_were_sent(tmp_path: Path) -> None:
    sent = delivered(1, user='über "#1"')
    async with opened(tmp_path) as archive:
        archive.add(sent)
        archive.add(delivered(2, session="another-session-1"))
        archive.add(delivered(3, target="tracker-2"))
        archive.add(delivered(4, operation=Operation.PUT_USERS))
    folder = folder_of(tmp_path / "spool.db")
    first, second = events(folder, TARGET)
    assert (first.session_id, first.user_id, first.event_id, first.body) == (
        SESSION, 'über "#1"', "e1", sent.body
    )  # fmt: skip
    assert (second.session_id, second.user_id, second.event_id) == ("another-session-1", None, "e2")
    assert targets(folder) == {TARGET, "tracker-2"}
    assert [path.stat().st_mode & 0o777 for path in (folder, *segments(folder))] == [0o700, 0o600]


async def test_they_are_written_a_moment_later_without_being_asked(tmp_path: Path) -> None:
    async with opened(tmp_path) as archive:
        archive.add(delivered(1))
        await until(lambda: kept(tmp_path) == ["e1"])
        archive.add(delivered(2))
        await until(lambda: kept(tmp_path) == ["e1", "e2"])


async def test_it_never_exceeds_its_bound_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "WRITE_AFTER_S", 0.0)
    folder = folder_of(tmp_path / "spool.db")
    async with opened(tmp_path) as archive:
        for number in range(1, 301):
            archive.add(delivered(number, size=10_000))
            if number % 5 == 0:
                await until(lambda number=number: f"e{number}" in kept(tmp_path)[-1:])  # type: ignore[misc]  # mypy wants a type
                assert sum(path.stat().st_size for path in segments(folder)) <= MIB
    names = kept(tmp_path)
    assert names == [f"e{number}" for number in range(301 - len(names), 301)]
    assert len(names) > 80


async def test_the_next_relay_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    for number in range(1, 4):
        async with opened(tmp_path) as archive:
            archive.add(delivered(number))
    assert kept(tmp_path) == ["e1", "e2", "e3"]


async def test_a_line_cut_short_by_a_crash_costs_no_other(tmp_path: Path) -> None:
    async with opened(tmp_path) as archive:
        archive.add(delivered(1))
        archive.add(delivered(2))
    (path,) = segments(folder_of(tmp_path / "spool.db"))
    path.write_bytes(path.read_bytes()[:-20])
    async with opened(tmp_path) as archive:
        archive.add(delivered(3))
    assert kept(tmp_path) == ["e1", "e3"]


@pytest.mark.parametrize("is_written", [True, False])
async def test_an_erased_user_is_gone_with_what_its_sessions_had_before_the_login(
    tmp_path: Path, is_written: bool
) -> None:
    async with opened(tmp_path) as archive:
        archive.add(delivered(1))
        archive.add(delivered(2, user="anna"))
        archive.add(delivered(3, user="annabel", session="session-of-annabel"))
        archive.add(delivered(4, session="anonymous-session"))
        if is_written:
            await until(lambda: len(kept(tmp_path)) == 4)
        assert await archive.erase(user_id="anna") == 2
        await until(lambda: kept(tmp_path) == ["e3", "e4"])
        assert await archive.erase(user_id="anna") == 0
        raw = b"".join(path.read_bytes() for path in segments(folder_of(tmp_path / "spool.db")))
        assert b'"anna"' not in raw
        assert await archive.erase(session_id="anonymous-session") == 1
    assert kept(tmp_path) == ["e3"]


async def test_what_waits_or_is_in_flight_during_an_erasure_is_not_archived_either(tmp_path: Path) -> None:
    async with opened(tmp_path) as archive:
        archive.add(delivered(1))
        archive.add(delivered(2, user="anna"))
        await until(lambda: len(kept(tmp_path)) == 2)
        archive.add(delivered(3, user="anna"))
        erasing = asyncio.create_task(archive.erase(user_id="anna"))
        await asyncio.sleep(0)
        archive.add(delivered(4, user="anna"))
        archive.add(delivered(5, user="bert", session="session-of-bert"))
        assert await erasing == 3
        archive.add(delivered(6, user="anna"))
        archive.add(delivered(7))  # the session's, sent before the login
    assert kept(tmp_path) == ["e5"]


async def test_an_archive_that_was_turned_off_is_erased_from_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as archive:
        archive.add(delivered(1, user="anna"))
    assert await opened(tmp_path, max_bytes=0).erase(user_id="anna") == 1
    assert kept(tmp_path) == []
    assert segments(folder_of(tmp_path / "spool.db")) == []


async def test_a_copy_left_by_a_crash_during_an_erasure_is_gone_after_the_next(tmp_path: Path) -> None:
    async with opened(tmp_path) as archive:
        archive.add(delivered(1, user="anna"))
    left = folder_of(tmp_path / "spool.db") / "000000000001.tmp"
    left.write_bytes(b'{"userId":"anna",')
    assert await opened(tmp_path).erase(user_id="anna") == 1
    assert not left.exists()


async def test_where_there_is_no_space_for_a_copy_forgetting_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as archive:
        archive.add(delivered(1, user="anna"))
        archive.add(delivered(2, user="bert", session="session-of-bert"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SpoolError):  # the folder cannot be synced either
        await opened(tmp_path).erase(user_id="anna")
    assert kept(tmp_path) == []


async def test_a_disk_that_refuses_costs_the_archive_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spool.db.archive").write_text("a file where the folder should be")
    async with opened(tmp_path) as archive:
        archive.add(delivered(1))
    assert "cannot be written" in caplog.text


async def test_of_a_burst_larger_than_the_archive_the_newest_are_kept_without_a_gap_and_the_log_counts_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as archive:
        for number in range(1000):
            archive.add(delivered(number, size=2000))
    names = kept(tmp_path)
    assert names == [f"e{number}" for number in range(1000 - len(names), 1000)]
    assert len(names) * 2200 > MIB * 3 // 4
    assert "cannot keep up" in caplog.text
    assert "RELAY_ARCHIVE_BYTES" in caplog.text


async def test_while_the_disk_stands_still_the_oldest_are_given_up_and_memory_is_bounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "MAX_WAITING_BYTES", 100_000)
    going_on = threading.Event()
    write = os.write

    def still(fd: int, data: bytes) -> int:
        going_on.wait()
        return write(fd, data)

    monkeypatch.setattr(os, "write", still)
    async with opened(tmp_path) as archive:
        for number in range(1000):
            archive.add(delivered(number, size=1000))
            await asyncio.sleep(0)
        going_on.set()
    names = kept(tmp_path)
    assert names[-50:] == [f"e{number}" for number in range(950, 1000)]
    assert len(names) < 200
    assert "cannot keep up" in caplog.text


async def test_one_session_or_one_user_is_found_in_a_segment_of_others_whatever_they_are_called(tmp_path: Path) -> None:
    hostile = 'so"named",\\ \u05d0'
    async with opened(tmp_path, 8 * MIB) as archive:
        archive.add(delivered(1, user=hostile))
        for number in range(2, 40):
            archive.add(delivered(number, session=f"{SESSION}-{number}", user=SESSION, size=40_000))  # over a block
        archive.add(delivered(40, session=hostile, user="anna"))
        archive.add(delivered(41, user=hostile, target="tracker-2"))
    (path,) = segments(folder_of(tmp_path / "spool.db"))

    def found(**whom: str) -> list[str]:
        return [one.event_id for one in events_of(path, ToForget(**whom))]

    assert found(session_id=SESSION) == ["e1", "e41"]
    assert found(session_id=hostile) == ["e40"]
    assert found(user_id=hostile) == ["e1", "e41"]
    assert found(user_id=SESSION) == [f"e{number}" for number in range(2, 40)]
    assert found(user_id="nobody") == []
    with path.open("ab") as file:
        file.write(path.read_bytes().partition(b"\n")[0])  # a line that is still being written
    assert found(session_id=SESSION) == ["e1", "e41"]
    path.unlink()
    assert found(session_id=SESSION) == [], "it made room meanwhile"
