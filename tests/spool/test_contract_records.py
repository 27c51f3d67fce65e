"""What every spool does with records of several events."""

from relay.core.model import Piece, event_id_of
from tests.spool.conftest import AnySpool
from tests.spool.leases import balances, burial, deliver_all, ids, lease_one, pieces, whole
from tests.support.records import SESSION, beacon, new_record


async def test_a_record_is_leased_as_it_came_and_counts_its_events(spool: AnySpool) -> None:
    record = beacon("a", "b", "c")
    await spool.append([record])
    (leased,) = (await lease_one(spool)).records
    assert (leased.body, leased.ends, leased.size) == (record.body, record.ends, 3)
    assert leased.entries(leased.waiting) is leased.body, "joined as it is"
    assert [event_id_of(leased.entry(place)) for place in range(3)] == ["a", "b", "c"]
    assert (spool.stats().accepted, spool.stats().pending) == (3, 3)


async def test_of_a_record_that_does_not_fit_whole_the_rest_comes_in_the_next_lease(spool: AnySpool) -> None:
    for start in range(0, 16, 4):
        await spool.append([beacon(*[f"e{n}" for n in range(start, start + 4)])])
    lease = await lease_one(spool)
    assert ids(lease) == [f"e{n}" for n in range(10)]
    spool.settle(lease, delivered=whole(lease))
    lease = await lease_one(spool)
    assert ids(lease) == [f"e{n}" for n in range(10, 16)]
    assert lease.records[0].waiting == 0b1100
    spool.settle(lease, delivered=whole(lease))
    assert (spool.stats().delivered, spool.stats().pending) == (16, 0)


async def test_events_of_one_record_are_delivered_and_buried_alone(spool: AnySpool) -> None:
    await spool.append([beacon("a", "b", "c", "d")])
    lease = await lease_one(spool)
    a, b, c, d = pieces(lease)
    assert spool.settle(lease, delivered=[a, Piece(c.record, c.places)], buried=[burial(b)])
    assert ids(await lease_one(spool)) == ["d"]
    assert d.record.seq == a.record.seq
    stats = spool.stats()
    assert (stats.delivered, stats.buried, stats.pending) == (2, {"InvalidInputException": 1}, 1)
    assert await spool.erase(session_id=SESSION) == 2
    assert balances(spool)


async def test_only_the_new_events_of_a_repeated_beacon_are_stored(spool: AnySpool) -> None:
    await spool.append([beacon("a", "b")])
    assert await spool.append([beacon("b", "c", "a", "d"), beacon("e", "e")]) == {(0, 0), (0, 2), (1, 1)}
    assert await deliver_all(spool) == ["a", "b", "c", "d", "e"]


async def test_a_beacon_that_was_here_whole_adds_nothing(spool: AnySpool) -> None:
    await spool.append([beacon("a", "b")])
    assert await spool.append([beacon("a", "b")]) == {(0, 0), (0, 1)}
    assert spool.stats().pending == 2


async def test_a_call_is_full_by_its_events(spool: AnySpool) -> None:
    await spool.append([beacon(*[f"e{n}" for n in range(9)])])
    await spool.append([new_record("last")])
    (lease,) = await spool.lease(max_sessions=1, linger_s=1000)
    assert len(ids(lease)) == 10
