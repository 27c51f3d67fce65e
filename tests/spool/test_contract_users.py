"""What every spool does about users: bindings give them, erasure forgets them."""

import asyncio

import msgspec

from relay.core.model import KEPT_MS, Binding, Operation, Provenance, SessionKey, event_id_of
from tests.spool.conftest import AnySpool
from tests.spool.leases import balances, burial, ids, lease_all, lease_one, pieces
from tests.support.clock import FakeClock
from tests.support.records import SESSION, new_record, new_records, single

OTHER = "ffff1234567890ab"


async def test_a_binding_gives_its_user_to_what_still_waits(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("a"), new_record("x", OTHER)])
    binding = Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000)
    await spool.append([new_record("b", user_id="u1")], binding)
    mine, others = await lease_all(spool)
    assert [(event_id_of(record.body), record.user_id) for record in mine.records] == [("a", "u1"), ("b", "u1")]
    assert others.records[0].user_id is None


async def test_a_binding_stays_within_its_tracker(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("a"), new_record("b", target="tracker-2")])
    await spool.append([], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000))
    users = {lease.key.target: lease.records[0].user_id for lease in await lease_all(spool)}
    assert users == {"tracker-1": "u1", "tracker-2": None}


async def test_a_binding_reaches_what_is_appended_at_the_same_moment(spool: AnySpool, clock: FakeClock) -> None:
    binding = Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000)
    await asyncio.gather(spool.append([new_record("a")]), spool.append([], binding))
    assert (await lease_one(spool)).records[0].user_id == "u1"


async def test_a_leased_record_gets_the_user_when_it_is_retried(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("a")])
    lease = await lease_one(spool)
    await spool.append([], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000))
    spool.settle(lease)
    assert (await lease_one(spool)).records[0].user_id == "u1"


async def test_a_user_a_record_already_has_is_never_changed(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([new_record("a", user_id="u0")])
    await spool.append([], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000))
    assert (await lease_one(spool)).records[0].user_id == "u0"


async def test_bindings_are_replaced_and_expire(spool: AnySpool, clock: FakeClock) -> None:
    await spool.append([], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000))
    newest = Binding("tracker-1", SESSION, "u1", clock.now_ms() + 5000)
    await spool.append([], newest)
    clock.advance(2)
    assert await spool.bindings() == [newest]
    clock.advance(4)
    assert await spool.bindings() == [newest], "nobody else's, for a week"
    clock.advance(KEPT_MS / 1000)
    assert await spool.bindings() == []


async def test_a_record_that_is_never_bound_gets_no_user(spool: AnySpool, clock: FakeClock) -> None:
    never = msgspec.structs.replace(new_record("a"), came=Provenance(never_bound=True))
    await spool.append([never])
    await spool.append([new_record("b")], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000))
    assert [(ids(lease), lease.records[0].user_id) for lease in [await lease_one(spool)]] == [(["a"], None)]


async def test_repeats_are_found_by_the_session_the_page_named(spool: AnySpool) -> None:
    derived = msgspec.structs.replace(new_record("a", OTHER), came=Provenance(page_session=SESSION))
    await spool.append([derived])
    assert await spool.append([new_record("a"), new_record("a", OTHER)]) == {(0, 0)}


async def test_erasing_a_session_takes_those_derived_from_it_along(spool: AnySpool, clock: FakeClock) -> None:
    derived = msgspec.structs.replace(new_record("a", OTHER, user_id="u2"), came=Provenance(page_session=SESSION))
    longer = msgspec.structs.replace(new_record("b", "third-1234567890"), came=Provenance(page_session=SESSION + "x"))
    await spool.append([derived, longer], Binding("tracker-1", OTHER, "u2", clock.now_ms() + 1000, SESSION))
    assert await spool.erase(session_id=SESSION) == 1
    assert await spool.bindings() == []
    assert ids(await lease_one(spool)) == ["b"]


async def test_who_was_erased_is_refused_until_that_is_lifted(spool: AnySpool) -> None:
    assert "u1" not in spool.erased
    await spool.erase(user_id="u1")
    assert "u1" in spool.erased
    assert await spool.allow("u1")
    assert "u1" not in spool.erased
    assert not await spool.allow("u1")


async def test_erasing_a_user_removes_pending_buried_and_bindings_of_that_user_only(
    spool: AnySpool, clock: FakeClock
) -> None:
    await spool.append([new_record("bad", user_id="u1")])
    lease = await lease_one(spool)
    spool.settle(lease, buried=[burial(pieces(lease)[0])])
    await spool.append([new_record("a", user_id="u1"), new_record("b", OTHER, user_id="u2")])
    await spool.append([], Binding("tracker-1", SESSION, "u1", clock.now_ms() + 1000))
    assert await spool.erase(user_id="u1") == 2
    assert await spool.bindings() == []
    assert ids(await lease_one(spool)) == ["b"]
    stats = spool.stats()
    assert (stats.erased, stats.pending, stats.buried) == (1, 1, {"InvalidInputException": 1})
    assert balances(spool)


async def test_erasing_a_user_removes_what_is_to_be_put_about_that_user(spool: AnySpool) -> None:
    about = SessionKey(Operation.PUT_USERS, "arn:aws:personalize:::dataset/g/USERS", "")
    bodies = [b'{"userId":"u1","properties":"{}"}', b'{"userId":"u2"}']
    await spool.append([single(about, None, "", body) for body in bodies])
    await spool.append([new_record("u1")])
    assert await spool.erase(user_id="u1") == 1
    left = {record.body for lease in await lease_all(spool) for record in lease.records}
    assert left == {bodies[1], new_record("u1").body}
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
    spool.settle(lease, delivered=pieces(lease))
    stats = spool.stats()
    assert (stats.delivered, stats.erased, stats.pending) == (0, 3, 0)


async def test_a_session_that_comes_back_after_erasure_starts_clean(spool: AnySpool) -> None:
    await spool.append(new_records(3))
    stale = await lease_one(spool)
    await spool.erase(session_id=SESSION)
    await spool.append([new_record("new")])
    lease = await lease_one(spool)
    assert ids(lease) == ["new"]
    assert not spool.settle(stale, delivered=pieces(stale))
    assert spool.settle(lease, delivered=pieces(lease))
