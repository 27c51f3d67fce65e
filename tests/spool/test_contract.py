"""What every spool does: the suite runs against each."""

import asyncio
import math
from pathlib import Path

import pytest

from relay.errors import SpoolFullError
from relay.model import Binding, NewRecord, Operation, SessionKey
from relay.spool.base import Burial, Lease, Spool
from relay.spool.memory import MemorySpool
from relay.spool.sqlite import SqliteSpool
from tests.spool.conftest import AnySpool
from tests.support.clock import FakeClock
from tests.support.records import SESSION, new_record, new_records

OTHER = "ffff1234567890ab"


def ids(lease: Lease) -> list[str]:
    return [record.event_id for record in lease.records]


def seqs(lease: Lease) -> list[int]:
    return [record.seq for record in lease.records]


async def lease_one(spool: Spool) -> Lease:
    (lease,) = await lease_all(spool)
    return lease


async def lease_all(spool: Spool) -> list[Lease]:
    return await asyncio.wait_for(spool.lease(max_sessions=100), 5)


async def is_idle(spool: Spool, **how: float) -> bool:
    """Whether nothing is due now."""
    task = asyncio.create_task(spool.lease(max_sessions=100, **how))  # type: ignore[arg-type]  # only linger_s
    for _ in range(5):
        await asyncio.sleep(0)
    idle = not task.done()
    task.cancel()
    return idle


def balances(spool: Spool) -> bool:
    stats = spool.stats()
    return stats.accepted == stats.delivered + sum(stats.buried.values()) + stats.erased + stats.pending


async def test_what_was_appended_is_leased_as_it_was(spool: AnySpool, clock: FakeClock) -> None:
    record = new_record("e1", user_id="u1")
    assert await spool.append([record]) == frozenset()
    (leased,) = (await lease_one(spool)).records
    assert (leased.key, leased.user_id, leased.event_id, leased.body) == (record.key, "u1", "e1", record.body)
    assert leased.accepted_at_ms == clock.now_ms()


async def test_a_session_is_leased_in_order_of_acceptance_ten_at_a_time(spool: AnySpool) -> None:
    await spool.append(new_records(7))
    await spool.append(new_records(6, start=7))
    first = await lease_one(spool)
    assert ids(first) == [f"e{n}" for n in range(10)]
    spool.settle(first, delivered=seqs(first))
    assert ids(await lease_one(spool)) == ["e10", "e11", "e12"]


async def test_a_session_has_one_lease_at_a_time(spool: AnySpool) -> None:
    await spool.append(new_records(12))
    lease = await lease_one(spool)
    await spool.append(new_records(1, start=12))
    assert await is_idle(spool)
    spool.settle(lease, delivered=seqs(lease))
    assert ids(await lease_one(spool)) == ["e10", "e11", "e12"]


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
        spool.settle(lease, delivered=seqs(lease))
    assert seen == [(None, ["a"]), ("u", ["b", "c"]), (None, ["d"])]


async def test_the_same_session_id_under_another_tracker_is_another_session(spool: AnySpool) -> None:
    await spool.append([new_record("e"), new_record("e", target="tracker-2")])
    assert {lease.key.target for lease in await lease_all(spool)} == {"tracker-1", "tracker-2"}


async def test_an_event_id_is_taken_once_a_session(spool: AnySpool) -> None:
    assert await spool.append([new_record("e1"), new_record("e1"), new_record("e1", OTHER)]) == {1}
    assert await spool.append([new_record("e1"), new_record("e2")]) == {0}
    assert spool.stats().accepted == 3


async def test_an_event_id_stays_taken_after_delivery(spool: AnySpool) -> None:
    await spool.append([new_record("e1")])
    lease = await lease_one(spool)
    spool.settle(lease, delivered=seqs(lease))
    assert await spool.append([new_record("e1")]) == {0}


async def test_an_event_id_is_forgotten_some_time_after_delivery(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("e1")])
    lease = await lease_one(spool)
    spool.settle(lease, delivered=seqs(lease))
    for number in range(3):
        clock.advance(600)
        await spool.append([new_record(f"other{number}", OTHER)])
    assert await spool.append([new_record("e1")]) == frozenset()


async def test_an_event_id_is_not_forgotten_while_its_record_waits(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("e1")])
    for number in range(3):
        clock.advance(600)
        await spool.append([new_record(f"other{number}", OTHER)])
    assert await spool.append([new_record("e1")]) == {0}


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
    spool.settle(lease, delivered=seqs(lease)[:1])
    assert (await lease_one(spool)).attempt == 1


async def test_a_part_of_a_lease_can_be_delivered_a_part_buried_and_the_rest_waits(spool: AnySpool) -> None:
    await spool.append(new_records(4))
    lease = await lease_one(spool)
    numbers = seqs(lease)
    assert spool.settle(lease, delivered=numbers[:2], buried=[Burial(numbers[2], "InvalidInputException", "no")])
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
    assert not spool.settle(late, delivered=seqs(late))
    assert spool.stats().pending == 2
    assert spool.settle(newer, delivered=seqs(newer))
    assert not spool.settle(newer, delivered=seqs(newer))
    assert spool.stats().delivered == 2


async def test_linger_holds_a_session_back_until_it_is_full_or_old_enough(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append(new_records(9))
    assert await is_idle(spool, linger_s=10)
    await spool.append(new_records(1, start=9))
    (lease,) = await asyncio.wait_for(spool.lease(max_sessions=9, linger_s=10), 5)
    spool.settle(lease, delivered=seqs(lease))
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


async def test_a_binding_gives_its_user_to_what_still_waits(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("a"), new_record("x", OTHER)])
    binding = Binding("default", SESSION, "u1", clock.now_ms() + 1000)
    await spool.append([new_record("b", user_id="u1")], binding)
    mine, others = await lease_all(spool)
    assert [(record.event_id, record.user_id) for record in mine.records] == [("a", "u1"), ("b", "u1")]
    assert others.records[0].user_id is None


async def test_a_binding_stays_within_its_tracker(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("a"), new_record("b", target="tracker-2")])
    await spool.append([], Binding("default", SESSION, "u1", clock.now_ms() + 1000, "tracker-1"))
    users = {lease.key.target: lease.records[0].user_id for lease in await lease_all(spool)}
    assert users == {"tracker-1": "u1", "tracker-2": None}


async def test_a_binding_reaches_what_is_appended_at_the_same_moment(spool: AnySpool, clock: FakeClock) -> None:
    binding = Binding("default", SESSION, "u1", clock.now_ms() + 1000)
    await asyncio.gather(spool.append([new_record("a")]), spool.append([], binding))
    assert (await lease_one(spool)).records[0].user_id == "u1"


async def test_a_leased_record_gets_the_user_when_it_is_retried(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("a")])
    lease = await lease_one(spool)
    await spool.append([], Binding("default", SESSION, "u1", clock.now_ms() + 1000))
    spool.settle(lease)
    assert (await lease_one(spool)).records[0].user_id == "u1"


async def test_a_user_a_record_already_has_is_never_changed(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("a", user_id="u0")])
    await spool.append([], Binding("default", SESSION, "u1", clock.now_ms() + 1000))
    assert (await lease_one(spool)).records[0].user_id == "u0"


async def test_bindings_are_replaced_and_expire(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([], Binding("default", SESSION, "u1", clock.now_ms() + 1000))
    newest = Binding("default", SESSION, "u1", clock.now_ms() + 5000)
    await spool.append([], newest)
    clock.advance(2)
    assert await spool.bindings() == [newest]
    clock.advance(4)
    assert await spool.bindings() == []


async def test_erasing_a_user_removes_pending_buried_and_bindings_of_that_user_only(
    spool: AnySpool, clock: FakeClock
) -> None:
    await spool.append([new_record("bad", user_id="u1")])
    lease = await lease_one(spool)
    spool.settle(lease, buried=[Burial(seqs(lease)[0], "InvalidInputException", "no")])
    await spool.append([new_record("a", user_id="u1"), new_record("b", OTHER, user_id="u2")])
    await spool.append([], Binding("default", SESSION, "u1", clock.now_ms() + 1000))
    assert await spool.erase(user_id="u1") == 2
    assert await spool.bindings() == []
    assert ids(await lease_one(spool)) == ["b"]
    stats = spool.stats()
    assert (stats.erased, stats.pending, stats.buried) == (1, 1, {"InvalidInputException": 1})
    assert balances(spool)


async def test_erasing_a_user_removes_what_is_to_be_put_about_that_user(spool: AnySpool) -> None:
    about = SessionKey(Operation.PUT_USERS, "arn:aws:personalize:::dataset/g/USERS", "")
    bodies = {"u1": b'{"userId":"u1","properties":"{}"}', "u2": b'{"userId":"u2"}'}
    await spool.append([NewRecord(about, None, f"of-{user}", body) for user, body in bodies.items()])
    await spool.append([new_record("u1")])
    assert await spool.erase(user_id="u1") == 1
    assert sorted(one for lease in await lease_all(spool) for one in ids(lease)) == ["of-u2", "u1"]
    assert balances(spool)


async def test_erasing_a_session_leaves_its_neighbours(spool: AnySpool) -> None:
    await spool.append(new_records(3))
    await spool.append(new_records(2, OTHER))
    assert await spool.erase(session_id=SESSION) == 3
    assert (await lease_one(spool)).key.session_id == OTHER


async def test_settling_a_lease_whose_records_were_erased_counts_them_once(spool: AnySpool) -> None:
    await spool.append(new_records(3))
    lease = await lease_one(spool)
    assert await spool.erase(session_id=SESSION) == 3
    spool.settle(lease, delivered=seqs(lease))
    stats = spool.stats()
    assert (stats.delivered, stats.erased, stats.pending) == (0, 3, 0)


async def test_a_session_that_comes_back_after_erasure_starts_clean(spool: AnySpool) -> None:
    await spool.append(new_records(3))
    stale = await lease_one(spool)
    await spool.erase(session_id=SESSION)
    await spool.append([new_record("new")])
    lease = await lease_one(spool)
    assert ids(lease) == ["new"]
    assert not spool.settle(stale, delivered=seqs(stale))
    assert spool.settle(lease, delivered=seqs(lease))


async def test_the_oldest_pending_record_is_known(spool: AnySpool, clock: FakeClock) -> None:
    assert spool.stats().oldest_accepted_at_ms is None
    born = clock.now_ms()
    await spool.append([new_record("a")])
    clock.advance(7)
    await spool.append([new_record("b", OTHER)])
    assert spool.stats().oldest_accepted_at_ms == born
    first, second = await lease_all(spool)
    assert spool.stats().oldest_accepted_at_ms == born
    spool.settle(first, delivered=seqs(first))
    assert spool.stats().oldest_accepted_at_ms == born + 7000
    spool.settle(second, retry_after_s=60)
    assert spool.stats().oldest_accepted_at_ms == born + 7000


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_over_its_bound_the_spool_takes_nothing_more_until_something_leaves(
    kind: str, clock: FakeClock, path: Path
) -> None:
    opened: AnySpool = (
        MemorySpool(clock=clock, max_bytes=100_000)
        if kind == "memory"
        else SqliteSpool(path, clock=clock, max_bytes=200_000)
    )
    async with opened as spool:

        async def fill() -> None:
            for number in range(10_000):
                await spool.append([new_record("e" * 100 + str(number), f"session-{number:016}")])

        with pytest.raises(SpoolFullError):
            await fill()
        assert 10 < spool.stats().pending < 10_000
        assert "full" in spool.problems()[0] or spool.stats().size_bytes < 300_000
        for lease in await asyncio.wait_for(spool.lease(max_sessions=100_000), 5):
            spool.settle(lease, delivered=seqs(lease))
        async with asyncio.timeout(5):
            while True:
                try:
                    await spool.append([new_record("after")])
                    break
                except SpoolFullError:
                    await asyncio.sleep(0.01)
        assert balances(spool)
