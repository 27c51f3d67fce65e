"""Bindings in the file: those that have ended do not gather while the relay runs, nor do those that last."""

import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from relay.core.errors import SpoolError
from relay.core.model import KEPT_MS, Binding, Operation
from relay.spool.sqlite.file.binding_table import BindingTable
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.database import Database
from tests.spool.leases import lease_all
from tests.support.clock import FakeClock
from tests.support.records import SESSION, key, new_record, single


def rows(path: Path) -> int:
    with sqlite3.connect(path) as sql:
        count: int = sql.execute("SELECT count(*) FROM bindings").fetchone()[0]
    sql.close()
    return count


async def test_each_login_makes_room_by_two_that_have_ended(tmp_path: Path) -> None:
    path, clock = tmp_path / "spool.db", FakeClock()

    def binding(number: int) -> Binding:
        return Binding("tracker", f"session-{number:016}", "u1", clock.now_ms() + 60_000)

    async with SqliteSpool(path, clock=clock, max_bytes=1 << 24) as spool:
        for number in range(40):
            await spool.append([], binding(number))
        assert rows(path) == 40
        clock.advance(60 + KEPT_MS / 1000)
        for number in range(40, 60):
            await spool.append([], binding(number))
        assert rows(path) == 20
        assert {one.session_id for one in await spool.bindings()} == {binding(n).session_id for n in range(40, 60)}


async def test_past_the_bound_each_login_costs_sessions_that_have_not_been_used_for_long(tmp_path: Path) -> None:
    path, clock = tmp_path / "spool.db", FakeClock()
    async with SqliteSpool(path, clock=clock, max_bytes=1 << 24) as spool:
        await spool.work(lambda database: setattr(database, "bindings", bounded(database, 200)))
        for number in range(1000):
            clock.advance(1)
            expires_at_ms = clock.now_ms() + 86_400_000
            await spool.append([], Binding("tracker", f"session-{number:016}", "u1", expires_at_ms))
            assert rows(path) <= 200 + 1
        kept = {one.session_id for one in await spool.bindings()}
        assert len(kept) >= 195
        newest = {f"session-{number:016}" for number in range(900, 1000)}
        assert len(kept & newest) >= 90
        assert len(kept - newest - {f"session-{number:016}" for number in range(600, 900)}) <= 20
        assert [one.session_id for one in await spool.bindings(1)] == ["session-0000000000000999"]


def bounded(database: Database, most: int) -> BindingTable:
    table = BindingTable(most)
    table.open(database.sql, now_ms=0)
    return table


async def test_a_login_that_is_rolled_back_is_not_counted(tmp_path: Path) -> None:
    clock = FakeClock()
    async with SqliteSpool(tmp_path / "spool.db", clock=clock, max_bytes=1 << 24) as spool:
        binding = Binding("tracker-1", "session-0000000000000001", "u1", clock.now_ms() + 60_000)
        with pytest.raises(SpoolError):
            await spool.append([new_record("bad", user_id="\ud800")], binding)
        await spool.append([], binding)
        await spool.append([], binding)
        assert await spool.work(lambda database: database.bindings.count) == 1
        await spool.erase(session_id=binding.session_id)
        assert await spool.work(lambda database: database.bindings.count) == 0


async def test_who_was_erased_stays_refused_and_whose_end_of_that_is_damaged_too(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    async with SqliteSpool(path, clock=FakeClock(), max_bytes=1 << 24) as spool:
        for user in ("u1", "u2", "u3"):
            await spool.erase(user_id=user)
        await spool.allow("u2")
        await spool.allow("u3")
        await spool.work(lambda database: database.sql.execute("UPDATE erasures SET at_ms = 7 WHERE id = 5").rowcount)
    async with SqliteSpool(path, clock=FakeClock(), max_bytes=1 << 24) as spool:
        assert [user in spool.erased for user in ("u1", "u2", "u3")] == [True, False, True]


@pytest.mark.parametrize("opened_anew", [False, True])
async def test_a_login_names_all_that_waits_of_its_session_whichever_call_it_is_for(
    tmp_path: Path, *, opened_anew: bool
) -> None:
    path, clock = tmp_path / "spool.db", FakeClock()
    operations = (Operation.PUT_EVENTS, Operation.PUT_ACTION_INTERACTIONS)
    async with AsyncExitStack() as stack:

        async def opened() -> SqliteSpool:
            return await stack.enter_async_context(SqliteSpool(path, clock=clock, max_bytes=1 << 24))

        spool = await opened()
        for operation in operations:
            await spool.append([single(key(operation=operation), None, operation, b"{}")])
        if opened_anew:
            await stack.aclose()
            spool = await opened()
        await spool.append([], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 60_000))
        leases = await lease_all(spool)
        assert {(one.key.operation, record.user_id) for one in leases for record in one.records} == {
            (operation, "u1") for operation in operations
        }
