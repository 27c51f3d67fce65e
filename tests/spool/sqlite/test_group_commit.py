"""One transaction and one fsync for everything that waits; nobody's misfortune is another's."""

import asyncio
import os
import sqlite3
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from relay.core.errors import SpoolError, SpoolFullError
from relay.core.model import Binding, event_id_of
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.committer import NICER_BY
from relay.spool.sqlite.write.database import Database
from relay.spool.sqlite.write.write_ops import Job
from tests.spool.conftest import OpenSqlite
from tests.spool.leases import whole
from tests.spool.sqlite.files import sql as on_file
from tests.support.clock import FakeClock
from tests.support.records import SESSION, new_record


def commits(spool: SqliteSpool) -> int:
    return spool._database.commits  # pyright: ignore[reportPrivateUsage]


async def test_many_waiting_appends_share_few_commits(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        before = commits(spool)
        await asyncio.gather(*[spool.append([new_record("e", f"session-{n:016}")]) for n in range(500)])
        assert spool.stats().accepted == 500
        assert commits(spool) - before <= 5


async def test_deliveries_ride_on_the_next_append(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        await spool.append([new_record("e")])
        (lease,) = await spool.lease(max_sessions=1)
        before = commits(spool)
        spool.settle(lease, delivered=whole(lease)[:1])
        await spool.append([new_record("f")])
        assert commits(spool) - before == 1


async def test_a_record_that_cannot_be_stored_fails_alone(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        results = await asyncio.gather(
            spool.append([new_record("a")]),
            spool.append([new_record("lone surrogate", user_id="\ud800")]),
            spool.append([new_record("b")]),
            return_exceptions=True,
        )
        assert results[0] == results[2] == frozenset()
        assert isinstance(results[1], SpoolError)
        (lease,) = await spool.lease(max_sessions=1)
        assert [event_id_of(record.body) for record in lease.records] == ["a", "b"]
        assert spool.stats().accepted == 2


async def test_an_append_that_fails_stores_no_record_and_binds_nobody(
    open_sqlite: OpenSqlite, clock: FakeClock
) -> None:
    async with open_sqlite() as spool:
        await spool.append([new_record("waits")])
        binding = Binding("tracker-1", SESSION, "u1", clock.now_ms() + 10_000)
        with pytest.raises(SpoolError):
            await spool.append([new_record("good"), new_record("lone surrogate", user_id="\ud800")], binding)
        assert await spool.bindings() == []
        (lease,) = await spool.lease(max_sessions=1)
        assert [(event_id_of(record.body), record.user_id) for record in lease.records] == [("waits", None)]
    async with open_sqlite() as spool:
        assert (spool.stats().accepted, await spool.bindings()) == (1, [])


async def test_a_waiter_that_gives_up_disturbs_nobody(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        impatient = [asyncio.ensure_future(spool.append([new_record("e", f"gone-{n:016}")])) for n in range(20)]
        patient = [asyncio.ensure_future(spool.append([new_record("e", f"here-{n:016}")])) for n in range(20)]
        await asyncio.sleep(0)
        for task in impatient:
            task.cancel()
        assert await asyncio.gather(*patient) == [frozenset()] * 20
        for task in impatient:
            with pytest.raises(asyncio.CancelledError):
                await task
        stats = spool.stats()
        assert stats.accepted == stats.pending == 40


async def test_a_duplicate_is_told_only_once_the_first_copy_is_stored(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        order: list[str] = []

        async def append(name: str) -> None:
            duplicates = await spool.append([new_record("same")])
            order.append(f"{name} {sorted(duplicates)}")

        await asyncio.gather(append("first"), append("second"))
        assert order == ["first []", "second [(0, 0)]"]


async def test_a_failed_first_copy_does_not_make_the_second_a_duplicate(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        results = await asyncio.gather(
            spool.append([new_record("same"), new_record("bad", user_id="\ud800")]),
            spool.append([new_record("same")]),
            return_exceptions=True,
        )
        assert isinstance(results[0], SpoolError)
        assert results[1] == frozenset()


async def test_a_full_disk_refuses_but_recovers(open_sqlite: OpenSqlite) -> None:
    """SQLite's own page limit answers as a full disk does: SQLITE_FULL."""
    async with open_sqlite() as spool:
        await spool.append([new_record("kept")])

        def limit(database: Database, pages: int) -> None:
            database.sql.execute(f"PRAGMA max_page_count = {pages}")

        await spool.work(lambda database: limit(database, 1))
        (lease,) = await spool.lease(max_sessions=1)
        with pytest.raises(SpoolError):
            await spool.append([new_record("x" * 9000)])
        spool.settle(lease, delivered=whole(lease)[:1])
        await spool.work(lambda database: limit(database, 1_000_000))
        assert await spool.append([new_record("x" * 9000)]) == frozenset()
        assert spool.problems() == []
        stats = spool.stats()
        assert (stats.accepted, stats.delivered, stats.pending) == (2, 1, 1)


class Surprise(BaseException):
    """Nothing that anybody expects."""


async def test_when_the_disk_fails_beside_a_record_at_fault_nobody_is_told_it_was_stored(
    open_sqlite: OpenSqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_sqlite() as spool:
        await spool.append([new_record("before")])
        database = spool._database  # pyright: ignore[reportPrivateUsage]
        commit, groups = database.commit, list[int]()

        def failing(jobs: Sequence[Job]) -> None:
            groups.append(len(jobs))
            if len(groups) == 2:  # the first of those that are tried alone
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
                raise error
            commit(jobs)

        monkeypatch.setattr(database, "commit", failing)
        results = await asyncio.gather(
            spool.append([new_record("a")]),
            spool.append([new_record("lone surrogate", user_id="\ud800")]),
            spool.append([new_record("b")]),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [SpoolError] * 3
        assert groups == [3, 1]
        assert "SQLITE_IOERR" in spool.problems()[0]
    async with open_sqlite() as spool:
        assert spool.stats().accepted == 1


async def test_a_login_gives_no_user_to_who_has_the_number_of_an_append_that_failed(
    path: Path, open_sqlite: OpenSqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave_little_room(database: Database) -> None:
        pages = database.sql.execute("PRAGMA page_count").fetchone()[0]
        database.sql.execute(f"PRAGMA max_page_count = {pages + 40}").fetchone()

    async with open_sqlite() as spool:
        await spool.append([new_record("before", "session-before-0000")])
        await spool.work(leave_little_room, alone=True)
        committer, done = spool._committer, threading.Event()  # pyright: ignore[reportPrivateUsage]
        tell = committer._tell  # pyright: ignore[reportPrivateUsage]

        def telling(jobs: list[Job]) -> None:
            done.set()
            tell(jobs)

        monkeypatch.setattr(committer, "_tell", telling)
        failed = spool.append([new_record("x" * 200_000)])
        await asyncio.sleep(0)  # the thread is told of it
        assert done.wait(10)  # and is done with it, while the loop is here and has not heard of that
        stranger = spool.append([new_record("stranger", "session-stranger-00")])
        spool.sessions.claim("tracker-1", SESSION, "u1")
        login = spool.append([], spool.sessions.due("tracker-1", SESSION))
        with pytest.raises(SpoolFullError):
            await failed
        await stranger
        await login
    users = on_file(path, "SELECT session_id, user_id FROM records ORDER BY seq")
    assert users == [("session-before-0000", None), ("session-stranger-00", None)]


async def assert_broken_until_opened_anew(spool: SqliteSpool, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for ever, and whoever looks sees why."""
    async with asyncio.timeout(10):
        assert "out of the blue" in await spool.until_broken()
    assert "out of the blue" in spool.problems()[0]
    assert "Traceback" in caplog.text
    with pytest.raises(SpoolError, match="out of the blue"):
        spool.append([new_record("later")])
    async with asyncio.timeout(10):
        with pytest.raises(SpoolError, match="out of the blue"):
            await spool.work(lambda _: None)


async def test_a_surprise_in_a_job_is_told_and_logged_and_nothing_is_taken_any_more(
    open_sqlite: OpenSqlite, caplog: pytest.LogCaptureFixture
) -> None:
    def surprise(_: Database) -> None:
        raise Surprise("out of the blue")

    async with open_sqlite() as spool:
        await spool.append([new_record("kept")])
        async with asyncio.timeout(10):
            results = await asyncio.gather(
                spool.work(surprise), spool.append([new_record("beside")]), return_exceptions=True
            )
        assert [type(result) for result in results] == [SpoolError, SpoolError]
        await assert_broken_until_opened_anew(spool, caplog)
    async with open_sqlite() as spool:
        assert (spool.stats().accepted, spool.problems()) == (1, [])


async def test_a_surprise_between_two_jobs_is_told_and_logged_and_nothing_is_taken_any_more(
    open_sqlite: OpenSqlite, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise() -> bool:
        raise RuntimeError("out of the blue")

    async with open_sqlite() as spool:
        monkeypatch.setattr(spool._database, "shrink", surprise)  # pyright: ignore[reportPrivateUsage]
        await spool.append([new_record("kept")])
        await assert_broken_until_opened_anew(spool, caplog)
    async with open_sqlite() as spool:
        assert (spool.stats().accepted, spool.problems()) == (1, [])


def niceness(thread: threading.Thread) -> int:
    assert thread.native_id is not None
    return os.getpriority(os.PRIO_PROCESS, thread.native_id)


def committing_thread() -> threading.Thread:
    return next(thread for thread in threading.enumerate() if thread.name == "relay-spool")


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of a thread is Linux's")
async def test_its_thread_goes_before_the_loop_s_where_the_system_lets_it(open_sqlite: OpenSqlite) -> None:
    asked: list[int] = []

    def ask() -> None:  # on a thread of its own, which is gone afterwards
        here = threading.get_native_id()
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, here, os.getpriority(os.PRIO_PROCESS, here) - NICER_BY)
        asked.append(os.getpriority(os.PRIO_PROCESS, here))

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    async with open_sqlite() as spool:
        await spool.append([new_record("e")])
        assert [niceness(committing_thread())] == asked
        assert niceness(threading.main_thread()) == os.getpriority(os.PRIO_PROCESS, os.getpid())


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of a thread is Linux's")
async def test_a_system_that_does_not_let_it_is_none_the_worse(
    open_sqlite: OpenSqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "setpriority", refuse)
    async with open_sqlite() as spool:
        assert await spool.append([new_record("e")]) == frozenset()
        assert niceness(committing_thread()) == niceness(threading.main_thread())
