"""What every spool does: the suite runs against each. What concerns users is in test_contract_users."""

import asyncio
import math

import pytest

from relay.core.errors import SpoolFullError
from relay.core.model import event_id_of
from relay.spool.memory import MemorySpool
from relay.spool.postgres.link import Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import AnySpool
from tests.spool.leases import balances, burial, ids, is_idle, lease_all, lease_one, pass_time, pieces
from tests.support.clock import FakeClock
from tests.support.records import SESSION, new_record, new_records

OTHER = "ffff1234567890ab"


async def test_what_was_appended_is_leased_as_it_was(spool: AnySpool, clock: FakeClock) -> None:
    record = new_record("e1", user_id="u1")
    assert await spool.append([record]) == frozenset()
    (leased,) = (await lease_one(spool)).records
    assert (leased.key, leased.user_id, event_id_of(leased.body), leased.body) == (record.key, "u1", "e1", record.body)
    assert leased.accepted_at_ms == clock.now_ms()


async def test_a_session_is_leased_in_order_of_acceptance_ten_at_a_time(spool: AnySpool) -> None:
    await spool.append(new_records(7))
    await spool.append(new_records(6, start=7))
    first = await lease_one(spool)
    assert ids(first) == [f"e{n}" for n in range(10)]
    spool.settle(first, delivered=pieces(first))
    assert ids(await lease_one(spool)) == ["e10", "e11", "e12"]


async def test_a_session_has_one_lease_at_a_time(spool: AnySpool) -> None:
    await spool.append(new_records(12))
    lease = await lease_one(spool)
    await spool.append(new_records(1, start=12))
    assert await is_idle(spool)
    spool.settle(lease, delivered=pieces(lease))
    assert ids(await lease_one(spool)) == ["e10", "e11", "e12"]


async def test_a_lease_that_ran_out_may_be_settled_until_somebody_leases(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("e1")])
    lease = await lease_one(spool)
    await pass_time(spool, clock, 70)
    assert spool.settle(lease), "nobody has taken it over"
    late = await lease_one(spool)
    await pass_time(spool, clock, 70)
    again = await lease_one(spool)
    assert not spool.settle(late, delivered=pieces(late))
    assert (ids(late), ids(again), spool.stats().pending) == (["e1"], ["e1"], 1)


async def test_sessions_are_leased_side_by_side_longest_waiting_first(spool: AnySpool) -> None:
    for number in range(5):
        await spool.append([new_record("e", f"session-{number:016}")])
    leases = await asyncio.wait_for(spool.lease(max_sessions=3), 5)
    assert [lease.key.session_id[-1] for lease in leases] == ["0", "1", "2"]
    assert [lease.key.session_id[-1] for lease in await lease_all(spool)] == ["3", "4"]


async def test_a_lease_holds_one_user_only(spool: AnySpool) -> None:
    await spool.append([new_record("a"), new_record("b", user_id="u"), new_record("c", user_id="u"), new_record("d")])
    seen: list[tuple[str | None, list[str]]] = []
    while spool.stats().pending:
        lease = await lease_one(spool)
        seen.append((lease.records[0].user_id, ids(lease)))
        spool.settle(lease, delivered=pieces(lease))
    assert seen == [(None, ["a"]), ("u", ["b", "c"]), (None, ["d"])]


async def test_the_same_session_id_under_another_tracker_is_another_session(spool: AnySpool) -> None:
    await spool.append([new_record("e"), new_record("e", target="tracker-2")])
    assert {lease.key.target for lease in await lease_all(spool)} == {"tracker-1", "tracker-2"}


async def test_an_event_id_is_taken_once_a_session(spool: AnySpool) -> None:
    assert await spool.append([new_record("e1"), new_record("e1"), new_record("e1", OTHER)]) == {(1, 0)}
    assert await spool.append([new_record("e1"), new_record("e2")]) == {(0, 0)}
    assert spool.stats().accepted == 3


async def test_an_event_id_stays_taken_after_delivery(spool: AnySpool) -> None:
    await spool.append([new_record("e1")])
    lease = await lease_one(spool)
    spool.settle(lease, delivered=pieces(lease))
    assert await spool.append([new_record("e1")]) == {(0, 0)}


async def test_an_event_id_is_forgotten_some_time_after_delivery(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("e1")])
    lease = await lease_one(spool)
    spool.settle(lease, delivered=pieces(lease))
    for number in range(3):
        await pass_time(spool, clock, 600)
        await spool.append([new_record(f"other{number}", OTHER)])
    assert await spool.append([new_record("e1")]) == frozenset()


async def test_an_event_id_is_not_forgotten_while_its_record_waits(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("e1")])
    for number in range(3):
        await pass_time(spool, clock, 600)
        await spool.append([new_record(f"other{number}", OTHER)])
    assert await spool.append([new_record("e1")]) == {(0, 0)}


async def test_what_is_not_settled_waits_for_its_retry_time(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append(new_records(2))
    lease = await lease_one(spool)
    assert lease.attempt == 1
    spool.settle(lease, retry_after_s=5)
    clock.advance(4.9)
    assert await is_idle(spool)
    clock.advance(0.2)
    again = await lease_one(spool)
    assert (again.attempt, ids(again)) == (2, ["e0", "e1"])


async def test_attempts_count_anew_for_a_new_head(spool: AnySpool) -> None:
    await spool.append(new_records(3))
    lease = await lease_one(spool)
    spool.settle(lease)
    lease = await lease_one(spool)
    assert lease.attempt == 2
    spool.settle(lease, delivered=pieces(lease)[:1])
    assert (await lease_one(spool)).attempt == 1


async def test_a_part_of_a_lease_can_be_delivered_a_part_buried_and_the_rest_waits(spool: AnySpool) -> None:
    await spool.append(new_records(4))
    lease = await lease_one(spool)
    numbers = pieces(lease)
    assert spool.settle(lease, delivered=numbers[:2], buried=[burial(numbers[2])])
    assert ids(await lease_one(spool)) == ["e3"]
    stats = spool.stats()
    assert (stats.delivered, stats.buried, stats.pending) == (2, {"InvalidInputException": 1}, 1)
    assert balances(spool)


async def test_a_lease_not_settled_in_time_is_taken_back_and_its_settle_changes_nothing(
    spool: AnySpool, clock: FakeClock
) -> None:
    await spool.append(new_records(2))
    late = await lease_one(spool)
    clock.advance(61)
    newer = await lease_one(spool)
    assert newer.attempt == 2
    assert not spool.settle(late, delivered=pieces(late))
    assert spool.stats().pending == 2
    assert spool.settle(newer, delivered=pieces(newer))
    assert not spool.settle(newer, delivered=pieces(newer))
    assert spool.stats().delivered == 2


async def test_a_record_leaves_only_by_being_settled_or_erased(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append(new_records(4))
    for _ in range(3):
        spool.settle(await lease_one(spool), retry_after_s=1)  # tried in vain
        clock.advance(1)
        late = await lease_one(spool)
        clock.advance(60)  # ran out
        lease = await lease_one(spool)
        assert not spool.settle(late, delivered=pieces(late), buried=[burial(pieces(late)[0])])
        assert not spool.settle(late)
        spool.settle(lease)
    assert spool.stats().pending == 4
    assert balances(spool)
    lease = await lease_one(spool)
    first, second, *_ = pieces(lease)
    assert spool.settle(lease, delivered=[first], buried=[burial(second)])
    assert spool.stats().pending == 2
    assert await spool.erase(session_id=SESSION) == 3, "the buried one, too"
    stats = spool.stats()
    assert (stats.accepted, stats.delivered, sum(stats.buried.values()), stats.erased) == (4, 1, 1, 2)
    assert balances(spool)


async def test_linger_holds_a_session_back_until_it_is_full_or_old_enough(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append(new_records(9))
    assert await is_idle(spool, linger_s=10)
    await spool.append(new_records(1, start=9))
    (lease,) = await asyncio.wait_for(spool.lease(max_sessions=9, linger_s=10), 5)
    spool.settle(lease, delivered=pieces(lease))
    await spool.append(new_records(1, OTHER))
    clock.advance(9.9)
    assert await is_idle(spool, linger_s=10)
    clock.advance(0.2)
    (lease,) = await asyncio.wait_for(spool.lease(max_sessions=9, linger_s=10), 5)
    assert lease.key.session_id == OTHER


async def test_a_target_can_be_held_alone(spool: AnySpool) -> None:
    await spool.append([new_record("e", target="tracker-1"), new_record("e", OTHER, target="tracker-2")])
    (lease,) = await asyncio.wait_for(spool.lease(max_sessions=9, holds={"tracker-1": math.inf}), 5)
    assert lease.key.target == "tracker-2"
    assert (await lease_one(spool)).key.target == "tracker-1"


async def test_waiting_for_a_lease_ends_when_a_record_comes(spool: AnySpool) -> None:
    waiting = asyncio.create_task(spool.lease(max_sessions=1))
    await asyncio.sleep(0)
    await spool.append([new_record("e")])
    (lease,) = await asyncio.wait_for(waiting, 5)
    assert ids(lease) == ["e"]


async def test_waiting_for_a_lease_ends_when_one_is_given_back(spool: AnySpool) -> None:
    await spool.append([new_record("e")])
    lease = await lease_one(spool)
    waiting = asyncio.create_task(spool.lease(max_sessions=1))
    await asyncio.sleep(0)
    spool.settle(lease)
    (again,) = await asyncio.wait_for(waiting, 5)
    assert again.attempt == 2


async def test_a_cancelled_wait_takes_no_lease_with_it(spool: AnySpool) -> None:
    waiting = asyncio.create_task(spool.lease(max_sessions=1))
    await asyncio.sleep(0)
    waiting.cancel()
    await spool.append([new_record("e")])
    assert (await lease_one(spool)).attempt == 1


async def test_the_oldest_pending_record_is_known(spool: AnySpool, clock: FakeClock) -> None:
    assert spool.stats().oldest_accepted_at_ms is None
    born = clock.now_ms()
    await spool.append([new_record("a")])
    clock.advance(7)
    await spool.append([new_record("b", OTHER)])
    assert spool.stats().oldest_accepted_at_ms == born
    first, second = await lease_all(spool)
    assert spool.stats().oldest_accepted_at_ms == born
    spool.settle(first, delivered=pieces(first))
    assert spool.stats().oldest_accepted_at_ms == born + 7000
    spool.settle(second, retry_after_s=60)
    assert spool.stats().oldest_accepted_at_ms == born + 7000


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres"])
async def test_over_its_bound_the_spool_takes_nothing_more_until_something_leaves(
    kind: str, clock: FakeClock, request: pytest.FixtureRequest
) -> None:
    opened: AnySpool
    if kind == "memory":
        opened = MemorySpool(clock=clock, max_bytes=100_000)
    elif kind == "sqlite":
        opened = SqliteSpool(request.getfixturevalue("path"), clock=clock, max_bytes=200_000)
    else:
        opened = PostgresSpool(Server(request.getfixturevalue("database")), clock=clock, max_bytes=900_000)
    async with opened as spool:

        async def fill() -> None:
            for number in range(10_000):
                await spool.append([new_record("e" * 100 + str(number), f"session-{number:016}")])

        with pytest.raises(SpoolFullError):
            await fill()
        assert 10 < spool.stats().pending < 10_000
        assert "full" in " ".join(spool.problems()) or spool.stats().size_bytes < 950_000  # measured anew
        async with asyncio.timeout(20):
            while spool.stats().pending:
                for lease in await spool.lease(max_sessions=100_000):
                    spool.settle(lease, delivered=pieces(lease))
            while True:
                try:
                    await spool.append([new_record("after")])
                    break
                except SpoolFullError:
                    await asyncio.sleep(0.01)
        assert balances(spool)
