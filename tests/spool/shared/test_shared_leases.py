"""Leases at one relay while something happens to the other, or to the shard: who may settle, and what is delivered."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from relay.spool.postgres.rows import SHARDS, shard_of
from relay.spool.postgres.spool import PostgresSpool
from tests.spool.conftest import OpenPostgres
from tests.spool.leases import ids, is_idle, lease_all, lease_one, pass_time, whole
from tests.spool.shared.steering import Steering, fixed_salt
from tests.support.clock import FakeClock
from tests.support.records import new_record


@pytest.fixture
def steering(monkeypatch: pytest.MonkeyPatch) -> Steering:
    return Steering(monkeypatch)


@pytest.fixture
async def first(
    open_postgres: OpenPostgres, database: str, clock: FakeClock, steering: Steering
) -> AsyncIterator[PostgresSpool]:
    """A relay that is alone, and so has every shard."""
    await fixed_salt(database, now_ms=clock.now_ms())
    async with open_postgres() as spool:
        yield spool


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def shard(spool: PostgresSpool, session: str) -> int:
    return shard_of(spool.fingerprint(new_record("e", session).key))


def sessions(spool: PostgresSpool, *, upper: bool, in_shard: int | None = None) -> list[str]:
    """Some that are in the half of the shards that is given to a second relay, or in the one that stays."""
    names = [f"session-{number:016}" for number in range(4000)]
    there = [name for name in names if (shard(spool, name) >= SHARDS // 2) is upper]
    return [name for name in there if in_shard is None or shard(spool, name) == in_shard]


async def test_what_is_out_stays_with_its_relay_until_it_is_settled_whoever_comes_or_goes(
    first: PostgresSpool, open_postgres: OpenPostgres, steering: Steering, stack: AsyncExitStack
) -> None:
    session = sessions(first, upper=True)[0]
    await first.append([new_record("e1", session)])
    lease = await lease_one(first)
    steering.alive = 2
    for _ in range(2):
        async with open_postgres() as second:
            await first.look()
            await second.look()
            assert shard(first, session) in first.shards
            assert shard(first, session) not in second.shards
            assert len(first.shards) + len(second.shards) == SHARDS
    second = await stack.enter_async_context(open_postgres())
    assert first.settle(lease, delivered=whole(lease)), "the other one was started anew; this lease is none of its"
    await first.look()
    await second.look()
    assert shard(first, session) in second.shards, "now that nothing of it is out"
    assert second.stats().delivered == 1


async def test_a_shard_about_to_be_given_back_holds_nothing_else_up(
    first: PostgresSpool, open_postgres: OpenPostgres, steering: Steering, stack: AsyncExitStack
) -> None:
    leaving = sessions(first, upper=True)[0]
    beside = sessions(first, upper=True, in_shard=shard(first, leaving))[1]
    staying = sessions(first, upper=False)[0]
    await first.append([new_record("e1", leaving)])
    out = await lease_one(first)
    await first.append([new_record("e2", beside)])
    await first.append([new_record("e3", staying)])
    steering.alive = 2
    second = await stack.enter_async_context(open_postgres())
    await first.look()
    (lease,) = await first.lease(max_sessions=1)
    assert lease.key.session_id == staying, "the older one is not leased any more, and takes nobody's turn"
    assert first.settle(out, delivered=whole(out))
    await first.look()
    await second.look()
    assert ids(await lease_one(second)) == ["e2"]


async def test_who_is_about_to_end_gives_back_what_is_quiet_at_once_and_what_is_out_once_it_is_answered(
    first: PostgresSpool, open_postgres: OpenPostgres, steering: Steering, stack: AsyncExitStack
) -> None:
    out, *_, quiet = sessions(first, upper=False)
    assert shard(first, out) != shard(first, quiet)
    steering.alive = 2
    second = await stack.enter_async_context(open_postgres())
    await first.look()
    await first.append([new_record("e1", out)])
    lease = await lease_one(first)
    await first.append([new_record("e2", out), new_record("e3", quiet)])
    steering.leaving = 1
    first.step_aside()
    await first.look()
    assert list(first.shards) == [shard(first, out)]
    assert first.stranded() == 0
    await second.look()
    assert ids(await lease_one(second)) == ["e3"], "while e1 is still out"
    await first.append([new_record("e4", quiet)])
    assert await is_idle(first), "nothing is leased any more, of what is about to go neither"
    assert first.settle(lease, delivered=whole(lease))
    await first.look()
    await second.look()
    assert (len(first.shards), len(second.shards)) == (0, SHARDS)
    assert ids(await lease_one(second)) == ["e2"]


async def test_who_is_about_to_end_and_is_the_last_one_goes_on_delivering(
    first: PostgresSpool, open_postgres: OpenPostgres, steering: Steering, stack: AsyncExitStack
) -> None:
    steering.alive = 2
    second = await stack.enter_async_context(open_postgres())
    await first.look()
    mine, others = sessions(first, upper=False)[0], sessions(first, upper=True)[0]
    await first.append([new_record("e1", mine), new_record("e2", others), new_record("e3", others)])
    steering.leaving = 2
    first.step_aside()
    second.step_aside()
    await first.look()
    await second.look()
    assert (first.stranded(), second.stranded()) == (1, 2), "each has its own to deliver"
    lease = await lease_one(first)
    assert first.settle(lease, delivered=whole(lease))
    assert first.stranded() == 0
    steering.alive = steering.leaving = 1
    await first.look()
    assert first.stranded() == 2, "the other one has ended: what it had is this one's"


async def test_a_lease_that_ran_out_keeps_no_shard_from_moving(
    first: PostgresSpool, open_postgres: OpenPostgres, steering: Steering, stack: AsyncExitStack, clock: FakeClock
) -> None:
    session, other = sessions(first, upper=True)[0], sessions(first, upper=False)[0]
    await first.append([new_record("e1", session)])
    late = await lease_one(first)
    steering.alive = 2
    second = await stack.enter_async_context(open_postgres())
    await first.look()
    await pass_time(first, clock, 70)
    await first.append([new_record("e2", other)])
    assert ids(await lease_one(first)) == ["e2"], "whoever leases takes back what has run out"
    assert not first.settle(late, delivered=whole(late))
    await first.look()
    await second.look()
    assert ids(await lease_one(second)) == ["e1"]


async def test_a_call_of_a_session_erased_elsewhere_is_settled_and_counted_once(
    first: PostgresSpool, open_postgres: OpenPostgres, steering: Steering, stack: AsyncExitStack
) -> None:
    session = sessions(first, upper=False)[0]
    steering.alive = 2
    second = await stack.enter_async_context(open_postgres())
    await first.look()
    await first.append([new_record("e1", session)])
    lease = await lease_one(first)
    assert await second.erase(session_id=session) == 1
    await first.append([new_record("e2", session)])
    assert first.settle(lease, delivered=whole(lease))
    (after,) = await lease_all(first)
    assert ids(after) == ["e2"]
    assert first.settle(after, delivered=whole(after))
    await first.look()
    await second.look()
    for stats in (first.stats(), second.stats()):
        assert (stats.accepted, stats.erased, stats.delivered, stats.pending) == (2, 1, 1, 0)
