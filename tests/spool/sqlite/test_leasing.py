"""A lease is what is true when it is handed out, not what was true when somebody asked for it and gave up."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from relay.core.model import Binding, event_id_of
from relay.spool.contract import Lease
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import OpenSqlite
from tests.spool.impatience import give_up_a_lease
from tests.spool.leases import whole
from tests.support.clock import FakeClock
from tests.support.records import SESSION, new_record, new_records

OTHER = "ffff1234567890ab"


@pytest.fixture
async def spool(open_sqlite: OpenSqlite) -> AsyncIterator[SqliteSpool]:
    """Two sessions wait, and a lease of both was read in vain."""
    async with open_sqlite() as before:
        await before.append(new_records(2))
        await before.append(new_records(2, OTHER, user_id="u9"))
    async with open_sqlite() as spool:
        assert await give_up_a_lease(spool) == []
        yield spool


async def lease_all(spool: SqliteSpool) -> list[Lease]:
    leases: list[Lease] = []
    while sum(len(lease.records) for lease in leases) < spool.stats().pending:
        leases += await asyncio.wait_for(spool.lease(max_sessions=2), 5)
    return leases


def seen(leases: list[Lease]) -> dict[str, list[str]]:
    return {lease.key.session_id: [event_id_of(record.body) for record in lease.records] for lease in leases}


async def test_what_was_read_for_somebody_who_gave_up_goes_to_the_next_who_asks(spool: SqliteSpool) -> None:
    assert seen(await lease_all(spool)) == {SESSION: ["e0", "e1"], OTHER: ["e0", "e1"]}


async def test_a_session_erased_after_it_was_read_is_not_leased(spool: SqliteSpool) -> None:
    assert await spool.erase(session_id=SESSION) == 2
    assert seen(await lease_all(spool)) == {OTHER: ["e0", "e1"]}


async def test_a_user_erased_after_the_records_were_read_is_not_leased(spool: SqliteSpool) -> None:
    await spool.append([new_record("e2", OTHER, user_id="u8")])
    assert await spool.erase(user_id="u9") == 2
    assert seen(await lease_all(spool)) == {SESSION: ["e0", "e1"], OTHER: ["e2"]}


async def test_a_session_bound_after_it_was_read_is_leased_with_its_user(spool: SqliteSpool, clock: FakeClock) -> None:
    await spool.append([], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000))
    (mine,) = [lease for lease in await lease_all(spool) if lease.key.session_id == SESSION]
    assert {record.user_id for record in mine.records} == {"u1"}


async def test_a_lease_fetched_late_still_lasts_for_its_minute(spool: SqliteSpool, clock: FakeClock) -> None:
    clock.advance(50)
    leases = await lease_all(spool)
    clock.advance(50)
    assert await give_up_a_lease(spool) == []
    assert all(spool.settle(lease, delivered=whole(lease)) for lease in leases)
    assert spool.stats().delivered == 4
