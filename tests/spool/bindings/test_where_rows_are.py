"""Rows of bindings come behind the last, one a session, and leave: how many there are, and what a login writes."""

from contextlib import suppress
from pathlib import Path

import pytest

from relay.core.errors import SpoolError
from relay.core.model import KEPT_MS, Binding, Record
from relay.spool.schedule.bindings import FORGOTTEN_AT_ONCE
from relay.spool.sqlite.admin.move_target import SqliteMoveTarget
from relay.spool.sqlite.recovery.integrity import trouble
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.bindings.lives import HELD, ForgetfulSpool
from tests.spool.bindings.rows import frames, put, rows_of, users
from tests.spool.bindings.test_who_counts import TARGET, bound, logged_in, others_log_in
from tests.spool.conftest import OpenSqlite
from tests.spool.sqlite.files import copy_as_after_a_crash
from tests.spool.sqlite.files import sql as on_file
from tests.support.clock import FakeClock
from tests.support.records import SESSION, key, new_record

SCHEMA = """CREATE TABLE bindings (
  slot          INTEGER PRIMARY KEY, -- fingerprint of (target, session id)
  crc           INTEGER NOT NULL,    -- over all other columns
  target        TEXT    NOT NULL,
  session_id    TEXT    NOT NULL,
  user_id       TEXT    NOT NULL,
  page_session  TEXT,                -- of a derived session: the one the page named
  expires_at_ms INTEGER NOT NULL,
  kept_until_ms INTEGER NOT NULL     -- so long the session is nobody else's
) STRICT"""
"""As version 3 has it from its first build on."""


def forgetful(path: Path, clock: FakeClock, *, most_rows: int = 500) -> ForgetfulSpool:
    return ForgetfulSpool(path, clock=clock, ttl_s=86_400, most_rows=most_rows)


async def test_a_session_that_lives_on_keeps_one_row_over_restarts_too(path: Path, clock: FakeClock) -> None:
    slots: list[int] = []
    for _ in range(3):
        async with SqliteSpool(path, clock=clock, max_bytes=1 << 24, binding_ttl_s=1600) as spool:
            for _ in range(5):
                clock.advance(110)
                for session in (SESSION, "session-0000000000000002"):
                    spool.sessions.claim(TARGET, session, "u1")
                    await spool.append([], spool.sessions.due(TARGET, session))
                    assert spool.sessions.due(TARGET, session) is None
                found = rows_of(path)
                assert [row.session[1] for row in found] == [SESSION, "session-0000000000000002"]
                slots += [row.slot for row in found]
    assert slots == sorted({*slots})


async def test_a_slot_is_never_used_again_though_its_row_was_erased_or_its_save_failed(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    slots: list[int] = []
    for number in range(3):
        async with open_sqlite() as spool:
            session = f"session-{number:016}"
            with pytest.raises(SpoolError):
                await spool.append([new_record("bad", user_id="\ud800")], bound(clock, "u1", 60_000, session))
            await spool.append([], bound(clock, "u1", 60_000, session))
            slots += [row.slot for row in rows_of(path)]
            assert await spool.work(lambda database: database.bindings.last) == slots[-1]
            await spool.erase(session_id=session)
        clock.advance(0.001)
    assert slots == sorted({*slots})
    assert slots[0] > 1 << 60, "past all places by a hash"


async def test_a_login_writes_the_last_pages_of_the_table_and_not_one_of_its_own(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite() as spool:
        for start in range(0, 3000, 500):
            for receipt in [
                spool.append([], bound(clock, f"u{n}", 10**9, f"session-{n:016}")) for n in range(start, start + 500)
            ]:
                await receipt
        await spool.work(lambda database: database.fold(), alone=True)
        waiting = [spool.append([], bound(clock, f"u{n}", 10**9, f"another-{n:016}")) for n in range(64)]
        for receipt in waiting:
            await receipt
        assert 4 <= frames(path) <= 12


async def test_who_is_forgotten_for_want_of_room_leaves_the_file(path: Path, clock: FakeClock) -> None:
    for _ in range(2):
        async with forgetful(path, clock) as spool:
            await others_log_in(spool, 40)
            assert {row.session[1] for row in rows_of(path)} <= {f"session-{n:016}" for n in range(33, 40)}
    assert len(rows_of(path)) <= HELD + 1


async def test_those_a_save_that_fails_was_to_remove_the_next_one_removes(path: Path, clock: FakeClock) -> None:
    async with forgetful(path, clock) as spool:
        await others_log_in(spool, HELD)
        for number in range(3):
            spool.sessions.claim(TARGET, f"another-{number:016}", "u9")
            with pytest.raises(SpoolError):
                await spool.append(
                    [new_record("bad", user_id="\ud800")], spool.sessions.due(TARGET, f"another-{number:016}")
                )
        assert len(rows_of(path)) == HELD
        assert spool.sessions.claim(TARGET, "session-0000000000000000", "u1") == "u1"  # it is forgotten, and somebody's
        await spool.append([], spool.sessions.due(TARGET, "session-0000000000000000"))
        assert users(path) == ["other-4", "u1"]


async def test_a_session_that_comes_back_while_its_former_row_is_on_the_way_out_stays(
    path: Path, clock: FakeClock
) -> None:
    async with forgetful(path, clock) as spool:
        await logged_in(spool, SESSION, "u1")
        waiting = []
        for number in range(2 * HELD):
            spool.sessions.claim(TARGET, f"session-{number:016}", f"other-{number}")
            waiting.append(spool.append([], spool.sessions.due(TARGET, f"session-{number:016}")))
        assert spool.sessions.claim(TARGET, SESSION, "u2") == "u2"
        waiting.append(spool.append([], spool.sessions.due(TARGET, SESSION)))
        for receipt in waiting:
            await receipt
        crashed = copy_as_after_a_crash(path, path.parent / "crashed")
        assert [row.user_id for row in rows_of(path) if row.session[1] == SESSION] == ["u2"]
    async with SqliteSpool(crashed, clock=clock, max_bytes=1 << 24) as spool:
        assert spool.sessions.user(TARGET, SESSION) == "u2"


async def test_a_login_takes_few_of_those_along_that_were_forgotten(path: Path, clock: FakeClock) -> None:
    many = 3 * FORGOTTEN_AT_ONCE
    async with forgetful(path, clock) as spool:
        spool.sessions._most = 1 << 20
        await others_log_in(spool, many)
        spool.sessions._most = many
        for number in range(many):  # as while the disk is full: none of these is saved
            spool.sessions.claim(TARGET, f"another-{number:016}", "u9")
        spool.sessions._most = 1 << 20
        left = [many]
        for number in range(5):
            await logged_in(spool, f"new-{number:019}", "u1")
            left.append(len([user for user in users(path) if user != "u1"]))
        assert left == [many - FORGOTTEN_AT_ONCE * min(n, 3) for n in range(6)]


async def test_what_has_ended_goes_derived_sessions_too_and_the_table_stays_small_over_restarts(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    most = 0
    for life in range(8):
        async with open_sqlite() as spool:
            for number in range(40):
                page = f"page-{life}-{number:019}" if number % 2 else None
                session = f"session-{life}-{number:016}"
                await spool.append([], Binding(TARGET, session, "u1", clock.now_ms() + 60_000, page))
            most = max(most, len(rows_of(path)))
        clock.advance(60 + KEPT_MS / 1000)
    assert most <= 80
    async with open_sqlite() as spool:
        for number in range(30):
            await spool.append([], bound(clock, "u1", 60_000, f"last-{number:016}"))
        assert {row.session[1][:5] for row in rows_of(path)} == {"last-"}


async def test_past_the_bound_those_saved_longest_ago_go(path: Path, clock: FakeClock) -> None:
    async with SqliteSpool(path, clock=clock, max_bytes=1 << 24) as spool:
        spool._database.bindings._most = 50
        for number in range(200):
            await spool.append([], bound(clock, "u1", 10**6 - 1000 * number, f"session-{number:016}"))
            assert len(rows_of(path)) <= 50
        assert [row.session[1] for row in rows_of(path)] == [f"session-{n:016}" for n in range(150, 200)]


async def test_a_file_of_a_build_before_is_whole_and_each_session_is_whose_it_was(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite():
        pass
    assert on_file(path, "SELECT sql FROM sqlite_schema WHERE name = 'bindings'") == [(SCHEMA,)]
    put(path, [bound(clock, f"u{n}", 10**6 + n, f"session-{n:016}") for n in range(30)])
    assert max(row.slot for row in rows_of(path)) < 1 << 60
    assert trouble(path, mark=0) is None
    async with open_sqlite() as spool:
        assert not path.with_name(path.name + ".damaged").exists()
        for n in range(30):
            assert spool.sessions.user(TARGET, f"session-{n:016}") == f"u{n}"
            await spool.append([], spool.sessions.due(TARGET, f"session-{n:016}"))
        spool.sessions.forget(session_id="session-0000000000000007")
        await logged_in(spool, "session-0000000000000007", "another")
        found = rows_of(path)
        assert len(found) == 30
        assert found[-1][1:3] == ((TARGET, "session-0000000000000007"), "another")
        assert min(row.slot for row in found) > 1 << 60


@pytest.mark.parametrize(
    ("then", "counts"), [("u1", "u1"), ("u2", None)], ids=["the same user", "another, and nobody knows which is newer"]
)
async def test_after_a_build_before_has_had_the_file_nobody_is_told_a_wrong_user(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite, then: str, counts: str | None
) -> None:
    async with open_sqlite() as spool:
        await logged_in(spool, SESSION, "u1")
        await logged_in(spool, "session-0000000000000001", "u5")
    clock.advance(80_000)
    put(path, [bound(clock, then, 86_400_000)])
    async with open_sqlite() as spool:
        clock.advance(80_000)
        assert spool.sessions.user(TARGET, SESSION) == counts
        assert sorted(users(path)) == ["u1", "u5"] if counts else ["u5"]


async def test_a_move_whose_commit_failed_has_bound_nobody(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite() as spool:
        target = SqliteMoveTarget(spool, clock=clock)
        await target.refuse([])
        with suppress(SpoolError):
            await target.bind([bound(clock, "u1", 10**6), bound(clock, "\ud800", 10**6, "session-bad-00000000")])
        assert rows_of(path) == []
        record = new_record("e1", SESSION, user_id="u2")
        moved = Record(1, key(), "u2", record.body, record.ends, clock.now_ms(), 1)
        await target.moved("there")
        await target.take("there", [moved])
        await target.bind([bound(clock, "u2", 10**6)])
        await target.bind([bound(clock, "u1", 10**7)])
        assert users(path) == ["u2"]
    async with open_sqlite() as spool:
        (lease,) = await spool.lease(max_sessions=1)
        assert (lease.key.session_id, lease.records[0].user_id) == (SESSION, "u2")
