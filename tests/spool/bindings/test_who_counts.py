"""Whose a session is where its table of bindings has, or had, several rows of it: the newest one's, or nobody's."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from relay.core.errors import SpoolError
from relay.core.model import KEPT_MS, Binding
from relay.spool.sqlite.admin import erasing
from relay.spool.sqlite.admin.finding import sessions_of_user
from relay.spool.sqlite.admin.inspection import users_of_sessions
from relay.spool.sqlite.file.binding_table import look_for
from relay.spool.sqlite.file.former_places import slot_of
from relay.spool.sqlite.file.rows import crc_of
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.database import Database
from tests.spool.bindings.lives import HELD, ForgetfulSpool
from tests.spool.bindings.rows import put, rows_of, users
from tests.spool.conftest import OpenSqlite
from tests.spool.sqlite.files import flip_byte
from tests.spool.sqlite.files import sql as on_file
from tests.spool.sqlite.test_upgrade import make_version_2
from tests.support.clock import FakeClock
from tests.support.records import SESSION, new_record

TARGET = "tracker-1"


def bound(clock: FakeClock, user: str, ttl_ms: int, session: str = SESSION) -> Binding:
    return Binding(TARGET, session, user, clock.now_ms() + ttl_ms)


async def logged_in(spool: SqliteSpool, session: str, user: str) -> None:
    """As a beacon with a token does it."""
    assert spool.sessions.claim(TARGET, session, user) == user
    due = spool.sessions.due(TARGET, session)
    assert due is not None
    await spool.append([], due)


async def others_log_in(spool: SqliteSpool, many: int) -> None:
    """So that the relay forgets whom it has."""
    for number in range(many):
        await logged_in(spool, f"session-{number:016}", f"other-{number}")


async def test_of_several_rows_the_newest_counts_whatever_lasts_longer(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite():
        pass
    put(path, [bound(clock, "u1", 10**9), bound(clock, "u2", 60_000)], slots=[10, 20])
    assert users_of_sessions(path, TARGET, clock.now_ms()) == {SESSION: "u2"}
    async with open_sqlite() as spool:
        assert spool.sessions.user(TARGET, SESSION) == "u2"
        assert await spool.bindings(1) == [bound(clock, "u2", 60_000)]
    assert users(path) == ["u2"]


async def test_of_rows_of_one_user_that_a_salvage_brought_back_the_one_that_lasts_longest_counts(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite():
        pass
    put(path, [bound(clock, "u1", -60_000)])  # at its former place
    put(path, [bound(clock, "u1", 60_000)], slots=[clock.now_ms() << 20])
    async with open_sqlite() as spool:
        assert spool.sessions.user(TARGET, SESSION) == "u1"
    assert len(rows_of(path)) == 1


async def test_a_slot_that_damage_made_the_last_of_all_keeps_nobody_from_logging_in(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite():
        pass
    put(path, [bound(clock, "u1", 60_000)], slots=[(1 << 63) - 1])
    async with open_sqlite() as spool:
        await logged_in(spool, "session-of-another-1", "u2")
    async with open_sqlite() as spool:
        assert spool.sessions.user(TARGET, "session-of-another-1") == "u2"


async def test_when_the_newest_has_ended_an_older_row_does_not_come_up(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite():
        pass
    put(path, [bound(clock, "u1", 10 * KEPT_MS), bound(clock, "u2", 60_000)], slots=[10, 20])
    clock.advance(KEPT_MS / 1000 + 61)
    assert users_of_sessions(path, TARGET, clock.now_ms()) == {}
    for _ in range(2):
        async with open_sqlite() as spool:
            assert spool.sessions.user(TARGET, SESSION) is None
            assert spool.sessions.claim(TARGET, SESSION, "u3") == "u3"
    assert rows_of(path) == []


async def test_a_newest_row_that_is_damaged_uncovers_no_older_one(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite():
        pass
    put(path, [bound(clock, "u1", 10**9), bound(clock, "u2", 60_000)], slots=[10, 20])
    on_file(path, "UPDATE bindings SET user_id = 'u7' WHERE slot = 20")
    for _ in range(2):
        async with open_sqlite() as spool:
            assert spool.sessions.user(TARGET, SESSION) is None


@pytest.mark.parametrize("lowered", [True, False])
async def test_a_session_whose_user_changed_is_the_second_ones_also_after_a_lower_ttl(
    path: Path, clock: FakeClock, *, lowered: bool
) -> None:
    async with SqliteSpool(path, clock=clock, max_bytes=1 << 24) as whole:
        await logged_in(whole, SESSION, "u1")
        clock.advance(1)
        await others_log_in(whole, HELD)
    ttl_s = 600 if lowered else 86_400
    async with ForgetfulSpool(path, clock=clock, ttl_s=ttl_s, most_rows=500) as spool:
        assert spool.sessions.user(TARGET, SESSION) is None, "it is not among those that are read"
        await logged_in(spool, SESSION, "u2")
        assert [row.user_id for row in rows_of(path) if row.session[1] == SESSION] == ["u2"]
        await others_log_in(spool, HELD - 1)
    async with SqliteSpool(path, clock=clock, max_bytes=1 << 24) as whole:
        assert whole.sessions.user(TARGET, SESSION) == "u2"
        await whole.erase(user_id="u2")
        assert [row for row in rows_of(path) if row.session[1] == SESSION] == []
    async with SqliteSpool(path, clock=clock, max_bytes=1 << 24) as whole:
        assert whole.sessions.user(TARGET, SESSION) is None


async def test_an_erasure_leaves_a_session_that_is_another_users_by_now(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite() as spool:
        await logged_in(spool, SESSION, "u1")
        erasure = asyncio.create_task(spool.erase(user_id="u1"))
        await asyncio.sleep(0)
        await logged_in(spool, SESSION, "u2")
        await erasure
        assert spool.sessions.user(TARGET, SESSION) == "u2"
        assert users(path) == ["u2"]
    async with open_sqlite() as spool:
        assert spool.sessions.user(TARGET, SESSION) == "u2"


async def test_what_is_saved_while_an_erasure_looks_is_looked_at_too_and_by_whose_it_is(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, go_on = threading.Event(), threading.Event()

    def paused(*given: Any, **named: Any) -> tuple[int | None, list[int]]:
        found = look_for(*given, **named)
        if found[0] is None:  # the last of them
            looks.set()
            assert go_on.wait(20)
        return found

    monkeypatch.setattr(erasing, "look_for", paused)
    async with open_sqlite() as spool:
        await logged_in(spool, SESSION, "u1")
        erasure = asyncio.create_task(spool.erase(user_id="u1"))
        assert await asyncio.to_thread(looks.wait, 20)
        await logged_in(spool, SESSION, "u2")
        await spool.append([], bound(clock, "u1", 60_000, "session-late-0000000"))
        assert users(path) == ["u2", "u1"]
        go_on.set()
        await erasure
        assert users(path) == ["u2"]


@pytest.mark.parametrize(("erased", "left"), [("u1", ["u2"]), ("u2", [])])
async def test_an_erasure_takes_all_rows_of_theirs_and_brings_nobody_back(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite, erased: str, left: list[str]
) -> None:
    async with open_sqlite():
        pass
    put(path, [bound(clock, "u1", 10**9), bound(clock, "u2", 60_000)], slots=[10, 20])
    async with open_sqlite() as spool:
        await spool.erase(user_id=erased)
        assert users(path) == left
    async with open_sqlite() as spool:
        assert [one.user_id for one in await spool.bindings()] == left


async def test_a_save_on_its_way_when_its_user_is_erased_leaves_the_session_to_the_next(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite() as spool:
        spool.sessions.claim(TARGET, SESSION, "u1")
        on_its_way = spool.append([], spool.sessions.due(TARGET, SESSION))
        erasure = asyncio.create_task(spool.erase(user_id="u1"))
        await asyncio.sleep(0)
        assert spool.sessions.claim(TARGET, SESSION, "u2") == "u2"
        with pytest.raises(SpoolError):
            await spool.append([new_record("bad", user_id="\ud800")], spool.sessions.due(TARGET, SESSION))
        await on_its_way
        await erasure
        assert rows_of(path) == []
        await spool.append([], spool.sessions.due(TARGET, SESSION))
        assert users(path) == ["u2"]


async def test_after_a_save_of_another_that_comes_late_who_it_is_now_is_saved_again(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite() as spool:
        spool.sessions.claim(TARGET, SESSION, "u1")
        late = spool.sessions.due(TARGET, SESSION)
        spool.sessions.forget(session_id=SESSION)
        await logged_in(spool, SESSION, "u2")
        await spool.append([], late)
        assert spool.sessions.user(TARGET, SESSION) == "u2"
        due = spool.sessions.due(TARGET, SESSION)
        assert due is not None
        await spool.append([], due)
        assert users(path) == ["u2"]


async def test_after_a_save_that_failed_the_next_one_replaces_the_row_that_is_there(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite() as spool:
        await logged_in(spool, SESSION, "u1")
        spool.sessions.forget(session_id=SESSION)
        spool.sessions.claim(TARGET, SESSION, "u2")
        with pytest.raises(SpoolError):
            await spool.append([new_record("bad", user_id="\ud800")], spool.sessions.due(TARGET, SESSION))
        assert users(path) == ["u1"]

        def fail(_: Database) -> None:
            raise ValueError

        # In one transaction, in which the binding has been written when the other fails; then each in its own.
        saved = spool.append([], spool.sessions.due(TARGET, SESSION))
        with pytest.raises(SpoolError):
            await spool.work(fail)
        await saved
        assert users(path) == ["u2"]


@pytest.mark.parametrize("is_salvaged", [False, True])
async def test_of_version_2_who_lasts_longest_of_a_session_counts_and_a_login_comes_in_its_place(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite, *, is_salvaged: bool
) -> None:
    """Two sites that share a tracker share its sessions, and had a row each."""
    make_version_2(path, clock, records=10)
    salt = on_file(path, "SELECT salt FROM salt")[0][0]
    assert isinstance(salt, bytes)
    for site, user, ttl_ms in (("a", "u3", 50_000), ("b", "u4", 90_000), ("c", "u5", 70_000)):
        slot = slot_of(site, SESSION, salt=salt)
        kept = (site, SESSION, user, TARGET, clock.now_ms() + ttl_ms)
        on_file(path, f"INSERT INTO bindings VALUES {(slot, crc_of(slot, *kept), *kept)}")  # noqa: S608  made here
    if is_salvaged:
        flip_byte(path, 18)
    async with open_sqlite() as spool:
        assert path.with_name(path.name + ".damaged").exists() == is_salvaged
        assert spool.sessions.user(TARGET, SESSION) == "u4"
        assert users(path) == ["u4"]
        clock.advance(86_400)
        spool.sessions.claim(TARGET, SESSION, "u4")
        await spool.append([], spool.sessions.due(TARGET, SESSION))
        assert users(path) == ["u4"]


@pytest.mark.parametrize("newest_ms", [60_000, 10**9])
async def test_of_rows_that_damage_brought_back_the_newest_counts(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite, newest_ms: int
) -> None:
    async with open_sqlite() as spool:
        await spool.append([], bound(clock, "u1", 600_000))
        (before,) = rows_of(path)
        await spool.append([], bound(clock, "u2", newest_ms))
    put(path, [bound(clock, "u1", 600_000)], slots=[before.slot])
    flip_byte(path, 18)
    async with open_sqlite() as spool:
        assert path.with_name(path.name + ".damaged").exists()
        assert spool.sessions.user(TARGET, SESSION) == "u2"
        assert users(path) == ["u2"]


async def test_sessions_of_a_user_are_those_whose_newest_row_is_theirs(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    async with open_sqlite() as spool:
        await logged_in(spool, "session-of-u1-000000", "u1")
    put(path, [bound(clock, "u1", 10**9), bound(clock, "u2", 60_000)], slots=[10, 20])
    assert sessions_of_user(path, "u1", clock.now_ms()) == ["session-of-u1-000000"]
    assert sessions_of_user(path, "u2", clock.now_ms()) == [SESSION]
