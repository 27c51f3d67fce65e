"""A relay dies between fsync and answer; the next one finds the event, and the snippet sends it again."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from relay.core.model import KEPT_MS, Binding, Provenance, event_id_of
from relay.spool.contract import Burial, Lease
from relay.spool.schedule.dedup_window import REMEMBERED_S
from relay.spool.sqlite.spool import SqliteSpool
from relay.spool.sqlite.write.dedup_backfill import COMPARED
from tests.spool.conftest import OpenSqlite
from tests.spool.leases import lease_first, whole
from tests.support.clock import FakeClock
from tests.support.records import SESSION, new_record, new_records

OTHER = "ffff1234567890ab"
UNANSWERED = [new_record("e9")]
DUPLICATE = frozenset({(0, 0)})


@pytest.fixture
async def spool(open_sqlite: OpenSqlite) -> AsyncIterator[SqliteSpool]:
    """As it is found after the crash; the last of the ten was not answered."""
    async with open_sqlite() as before:
        await before.append(new_records(10))
    async with open_sqlite() as spool:
        yield spool


def deliver(spool: SqliteSpool, lease: Lease) -> None:
    assert spool.settle(lease, delivered=whole(lease))


async def test_a_retry_is_known_while_the_event_waits(spool: SqliteSpool) -> None:
    assert await spool.append(UNANSWERED) == DUPLICATE


async def test_a_retry_is_known_while_the_event_is_leased(spool: SqliteSpool) -> None:
    lease = await lease_first(spool)
    assert await spool.append(UNANSWERED) == DUPLICATE
    deliver(spool, lease)
    assert await spool.append(UNANSWERED) == DUPLICATE


async def test_a_retry_is_known_once_the_event_was_delivered(spool: SqliteSpool) -> None:
    deliver(spool, await lease_first(spool))
    assert await spool.append(UNANSWERED) == DUPLICATE
    await spool.work(lambda _: None)
    assert await spool.append(UNANSWERED) == DUPLICATE


async def test_a_retry_is_known_once_the_delivery_has_reached_the_disk_by_itself(spool: SqliteSpool) -> None:
    deliver(spool, await lease_first(spool))
    await spool.append([new_record("other", OTHER)])
    assert await spool.append(UNANSWERED) == DUPLICATE


async def test_a_retry_is_known_once_the_event_was_buried(spool: SqliteSpool) -> None:
    lease = await lease_first(spool)
    assert spool.settle(lease, buried=[Burial(record.seq, 0, "InvalidInputException", "") for record in lease.records])
    assert await spool.append(UNANSWERED) == DUPLICATE


async def test_a_retry_is_known_once_the_event_was_erased(spool: SqliteSpool) -> None:
    assert await spool.erase(session_id=SESSION) == 10
    assert await spool.append(UNANSWERED) == DUPLICATE


async def test_a_retry_is_known_while_the_event_waits_in_a_session_derived_from_the_page_s(
    open_sqlite: OpenSqlite, clock: FakeClock
) -> None:
    derived = new_record("e1", "second~0123456789abcdef")
    bound = Binding(derived.key.target, derived.key.session_id, "u2", clock.now_ms() + 10**9, page_session=SESSION)
    third = msgspec.structs.replace(new_record("e1", "second~ffffffffffffffff"), came=Provenance(SESSION))
    async with open_sqlite() as before:
        await before.append([msgspec.structs.replace(derived, user_id="u2", came=Provenance(SESSION))], bound)
    async with open_sqlite() as spool:
        assert await spool.append([new_record("e1")]) == DUPLICATE
        assert await spool.append([third]) == DUPLICATE
    async with open_sqlite() as spool:
        deliver(spool, await lease_first(spool))
        assert await spool.append([new_record("e1")]) == DUPLICATE


async def test_a_retry_is_known_however_long_the_event_waits_in_a_session_derived_from_the_page_s(
    open_sqlite: OpenSqlite, clock: FakeClock
) -> None:
    async with open_sqlite() as spool:
        derived = msgspec.structs.replace(new_record("e1", "second~0123456789abcdef"), came=Provenance(SESSION))
        await spool.append([derived])
        for number in range(3):
            clock.advance(REMEMBERED_S)
            await spool.append([new_record(f"other-{number}", OTHER)])
        assert await spool.append([new_record("e1")]) == DUPLICATE


async def test_a_retry_is_known_after_a_crash_when_the_derived_session_is_nobody_s_any_more(
    open_sqlite: OpenSqlite, clock: FakeClock
) -> None:
    derived = msgspec.structs.replace(new_record("e1", "second~0123456789abcdef"), came=Provenance(SESSION))
    ends_ms = clock.now_ms() + 1000
    bound = Binding(derived.key.target, derived.key.session_id, "u2", ends_ms, page_session=SESSION)
    async with open_sqlite() as before:
        await before.append([derived], bound)
    clock.advance(KEPT_MS / 1000 + 2)
    async with open_sqlite() as spool:
        assert await spool.append([new_record("e1")]) == DUPLICATE


async def test_a_retry_is_known_after_a_second_crash(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as spool:
        await spool.append(UNANSWERED)
    async with open_sqlite() as spool:
        await spool.append([new_record("new", OTHER)])
    async with open_sqlite() as spool:
        deliver(spool, await lease_first(spool))
        assert await spool.append(UNANSWERED) == DUPLICATE


@pytest.mark.parametrize("delivered", [False, True])
async def test_a_retry_is_known_however_many_events_of_the_session_wait(
    open_sqlite: OpenSqlite, delivered: bool
) -> None:
    many = COMPARED + 100
    async with open_sqlite() as before:
        await before.append(new_records(many))
    async with open_sqlite() as spool:
        while delivered and spool.stats().pending:
            deliver(spool, await lease_first(spool))
        assert await spool.append([new_record(f"e{many - 1}")]) == DUPLICATE


async def test_a_retry_that_comes_with_new_events_keeps_only_those(spool: SqliteSpool) -> None:
    deliver(spool, await lease_first(spool))
    assert await spool.append([*UNANSWERED, new_record("e10"), new_record("e9", OTHER)]) == DUPLICATE
    assert spool.stats().accepted == 12


async def test_the_event_itself_is_damaged_and_the_retry_takes_its_place(open_sqlite: OpenSqlite) -> None:
    async with open_sqlite() as before:
        await before.append(UNANSWERED)
        damage = "UPDATE records SET session_id = 'e8'"
        await before.work(lambda database: database.sql.execute(damage).rowcount)
    async with open_sqlite() as spool:
        assert await spool.append(UNANSWERED) == frozenset()
        lease = await lease_first(spool)
        assert [event_id_of(record.body) for record in lease.records] == ["e9"]
        assert spool.stats().buried == {"corrupt": 1}


async def test_an_append_that_fails_has_not_made_the_ids_known(spool: SqliteSpool) -> None:
    failed, repeated = await asyncio.gather(
        spool.append([new_record("bad", user_id="\ud800")]), spool.append(UNANSWERED), return_exceptions=True
    )
    assert isinstance(failed, Exception)
    assert repeated == DUPLICATE


async def test_what_was_delivered_is_forgotten_in_time(spool: SqliteSpool, clock: FakeClock) -> None:
    deliver(spool, await lease_first(spool))
    for number in range(3):
        clock.advance(600)
        await spool.append([new_record(f"other{number}", OTHER)])
    assert await spool.append(UNANSWERED) == frozenset()


async def test_what_waits_is_not_forgotten(spool: SqliteSpool, clock: FakeClock) -> None:
    for number in range(3):
        clock.advance(600)
        await spool.append([new_record(f"other{number}", OTHER)])
    assert await spool.append(UNANSWERED) == DUPLICATE
