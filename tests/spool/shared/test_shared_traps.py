"""Seven traps of several relays on one database. Each was walked into once; what happens is put together by hand here.

Where a test says who hears what and when, nobody listens (as through a pooler), nobody sweeps and no heart beats but
when the test looks.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

import asyncpg
import pytest

from relay.spool.postgres.link import DatabaseAwayError, Raw, Server
from relay.spool.postgres.owner import arrivals, heartbeat, shards
from relay.spool.postgres.owner.owned import Owned
from relay.spool.postgres.rows import Arriving, arguments_of, shard_of
from relay.spool.postgres.spool import PostgresSpool
from tests.spool.conftest import MAX_BYTES, OpenPostgres
from tests.spool.leases import burial, ids, is_idle, lease_one, pieces, whole
from tests.spool.shared.steering import Steering, fixed_salt
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
from tests.support.records import beacon, new_record

NEVER_S: Final = 1e12
WAITING: Final = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE "
APPENDING: Final = WAITING + "'% append'"
BEATING: Final = WAITING + "'% heartbeat'"
BEATING_BESIDE_A_LOAD: Final = """
SELECT FROM pg_stat_activity, relay.relays
WHERE wait_event_type = 'Lock' AND application_name LIKE '% listen' AND beat > query_start
"""


@pytest.fixture
def open_deaf(database: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> OpenPostgres:
    """A relay that is told nothing by others, and does nothing by itself."""
    monkeypatch.setattr(arrivals, "SWEEP_S", NEVER_S)
    monkeypatch.setattr(arrivals, "_ANEW_S", NEVER_S)
    monkeypatch.setattr(heartbeat, "BEAT_S", NEVER_S)
    return lambda: PostgresSpool(Server(database, pooled=True), clock=clock, max_bytes=MAX_BYTES)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def hand(cluster: Cluster, stack: AsyncExitStack) -> Raw:
    """Somebody else at the database, who may do anything."""
    return await superuser(cluster, stack)


@pytest.fixture
async def eye(cluster: Cluster, stack: AsyncExitStack) -> Raw:
    """Who watches: never in a transaction, for that would show the same all the time."""
    return await superuser(cluster, stack)


async def superuser(cluster: Cluster, stack: AsyncExitStack) -> Raw:
    raw = await asyncpg.connect(cluster.admin_url)
    stack.push_async_callback(raw.close)
    return raw


class Pair(NamedTuple):
    """Two relays, and a session of the first one's."""

    first: PostgresSpool
    second: PostgresSpool
    session: str


@pytest.fixture
async def hearing(
    open_postgres: OpenPostgres, database: str, clock: FakeClock, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> Pair:
    """As they are."""
    return await pair(open_postgres, database, clock, stack, monkeypatch)


@pytest.fixture
async def deaf(
    open_deaf: OpenPostgres, database: str, clock: FakeClock, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> Pair:
    """Of whom neither does anything by itself."""
    return await pair(open_deaf, database, clock, stack, monkeypatch)


async def pair(
    open_one: OpenPostgres, database: str, clock: FakeClock, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> Pair:
    steering = Steering(monkeypatch)
    await fixed_salt(database, now_ms=clock.now_ms())
    steering.alive = 2
    first = await stack.enter_async_context(open_one())
    second = await stack.enter_async_context(open_one())
    names = (f"session-{number:016}" for number in range(4000))
    return Pair(first, second, next(name for name in names if shard(first, name) in first.shards))


def shard(spool: PostgresSpool, session: str) -> int:
    return shard_of(spool.fingerprint(new_record("e", session).key))


async def move(hand: Raw, spool: PostgresSpool, session: str, owner: str) -> None:
    """A session's shard changes hands, and nobody is told."""
    await hand.execute(
        "UPDATE relay.shards SET owner = $1, epoch = epoch + 1, lease_until = 'infinity' WHERE shard = $2",
        owner,
        shard(spool, session),
    )


async def until(eye: Raw, rows: str, count: int = 1) -> None:
    """A question has so many rows."""
    async with asyncio.timeout(30):
        while len(await eye.fetch(rows)) < count:  # noqa: ASYNC110  it can only be asked about
            await asyncio.sleep(0.02)


async def looked(spool: PostgresSpool) -> None:
    """It has looked, as soon as it has connections for that."""
    async with asyncio.timeout(30):
        while True:
            try:
                await spool.look()
            except DatabaseAwayError:
                continue
            return


# ── 1. Never read alone what was announced ──────────────────────────────────────────────────────────────────


async def test_who_has_heard_of_a_later_beacon_only_delivers_the_earlier_one_with_it(deaf: Pair) -> None:
    first, second, session = deaf
    await first.append([new_record("e0", session)])
    lease = await lease_one(first)
    assert first.settle(lease, delivered=whole(lease))
    await second.append([new_record("e1", session)])
    assert await is_idle(first), "nobody has told it"
    await first.append([new_record("e2", session)])
    assert ids(await lease_one(first)) == ["e1", "e2"]


async def test_beacons_of_a_session_are_in_order_whichever_relay_takes_them(hearing: Pair) -> None:
    first, second, session = hearing
    for number in range(0, 8, 2):
        await second.append([new_record(f"e{number}", session)])
        await first.append([new_record(f"e{number + 1}", session)])
    assert ids(await lease_one(first)) == [f"e{number}" for number in range(8)]


# ── 2. What is remembered of a shard belongs to one epoch of it ─────────────────────────────────────────────


async def test_the_old_lease_of_a_shard_that_went_and_came_back_settles_nothing(deaf: Pair, hand: Raw) -> None:
    first, second, session = deaf
    await first.append([new_record("e1", session)])
    old = await lease_one(first)
    assert first.is_ours(old)
    await move(hand, first, session, second.name)
    await move(hand, first, session, first.name)
    await first.look()
    assert not first.is_ours(old), "no further call of it is made"
    assert not first.settle(old, delivered=whole(old))
    anew = await lease_one(first)
    assert ids(anew) == ["e1"], "somebody else may not have delivered it"
    assert first.settle(anew, delivered=whole(anew))
    await first.look()
    assert (first.stats().delivered, first.stats().pending) == (1, 0)


async def test_what_came_while_a_shard_was_away_is_delivered_when_it_is_back(deaf: Pair, hand: Raw) -> None:
    first, second, session = deaf
    await first.append([new_record("e1", session)])
    await move(hand, first, session, second.name)
    await second.append([new_record("e2", session + "-too"), new_record("e3", session)])
    await move(hand, first, session, first.name)
    await first.look()
    lease = await lease_one(first)
    assert ids(lease) == ["e1", "e3"]
    assert first.settle(lease, delivered=whole(lease))
    await second.append([new_record("e4", session)])
    await move(hand, first, session, first.name)
    await first.look()
    assert ids(await lease_one(first)) == ["e4"], "nothing was known of it here, and so it is read"


# ── 3. A connection that was lost loses every shard ─────────────────────────────────────────────────────────


async def test_what_a_crash_of_the_database_brings_back_is_delivered_again(
    open_deaf: OpenPostgres, stack: AsyncExitStack, hand: Raw
) -> None:
    """A settle is not synced: the row that it deleted may be there again after a crash, or at the standby."""
    spool = await stack.enter_async_context(open_deaf())
    await spool.append([new_record("e1")])
    lease = await lease_one(spool)
    await hand.execute("CREATE TEMP TABLE before AS TABLE relay.records_0")
    assert spool.settle(lease, delivered=whole(lease))
    await spool.look()
    epochs = "SELECT min(epoch) FROM relay.shards"
    before = await hand.fetchval(epochs)
    assert await hand.fetchval("SELECT count(*) FROM relay.records") == 0
    await hand.execute("INSERT INTO relay.records_0 TABLE before")
    await hand.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'")
    await looked(spool)
    assert await hand.fetchval(epochs) > before, "every shard is taken anew"
    assert ids(await lease_one(spool)) == ["e1"]


# ── 4. The heartbeat waits for nothing, and counts from before it asked ─────────────────────────────────────


async def test_a_lease_is_counted_from_before_it_was_asked_for(
    database: str, deaf: Pair, hand: Raw, eye: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deaf.first.shards, "there is somebody else"
    now_s = 1000.0
    monkeypatch.setattr(shards, "_now_s", lambda: now_s)
    link = Server(database).connection("its heartbeat")
    third = shards.Shards(link, name="third", version="", holder=Owned(clock=FakeClock(), call_events=10))
    await third.beat(erased_seen=0)
    async with hand.transaction():
        await hand.execute("SELECT FROM relay.relays FOR UPDATE")
        beating = asyncio.create_task(third.beat(erased_seen=0))
        await until(eye, BEATING)
        now_s += shards.LEASE_S - shards.MARGIN_S
    await beating
    assert not third.is_valid, "by the database's clock another may have them any moment"
    await third.beat(erased_seen=0)
    assert third.is_valid
    await link.close()


async def test_what_a_relay_may_have_lost_is_not_sent_though_it_was_read(
    deaf: Pair, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, _, session = deaf
    now_s = asyncio.get_running_loop().time()
    monkeypatch.setattr(shards, "_now_s", lambda: now_s)
    await spool.look()
    await spool.append([new_record("e1", session)])
    owned, reader = spool._owned, spool._reader  # pyright: ignore[reportPrivateUsage]  to see what it does not give
    claims = await owned.waiter.claims(max_sessions=1, linger_s=0, holds=None)
    now_s += shards.LEASE_S
    assert await reader._leases(claims) == []  # pyright: ignore[reportPrivateUsage]
    await spool.look()
    clock.advance(2)
    assert ids(await lease_one(spool)) == ["e1"]


async def test_a_heart_beats_while_a_shard_is_being_read(
    open_postgres: OpenPostgres, stack: AsyncExitStack, hand: Raw, eye: Raw
) -> None:
    spool = await stack.enter_async_context(open_postgres())
    await spool.append([new_record("e1")])
    async with hand.transaction():
        await hand.execute("LOCK TABLE relay.records_0 IN ACCESS EXCLUSIVE MODE")
        await eye.execute("UPDATE relay.shards SET epoch = epoch + 1")
        await until(eye, BEATING_BESIDE_A_LOAD)
    await looked(spool)
    assert ids(await lease_one(spool)) == ["e1"]


# ── 5. A settle compares what it hit with what it meant ─────────────────────────────────────────────────────


async def test_who_has_lost_a_shard_without_knowing_buries_nothing_of_it(deaf: Pair, hand: Raw) -> None:
    first, second, session = deaf
    await first.append([new_record("e1", session)])
    lease = await lease_one(first)
    await move(hand, first, session, second.name)
    assert first.settle(lease, buried=[burial(one) for one in pieces(lease)]), "it cannot know"
    await first.look()
    assert await hand.fetchval("SELECT count(*) FROM relay.buried") == 0
    assert (sum(first.stats().buried.values()), first.stats().pending) == (0, 1)
    await move(hand, first, session, first.name)
    await first.look()
    assert ids(await lease_one(first)) == ["e1"]


# ── 6. What was sent is a set ───────────────────────────────────────────────────────────────────────────────


async def test_a_beacon_that_commits_after_a_later_one_was_delivered_is_delivered(
    hearing: Pair, hand: Raw, eye: Raw
) -> None:
    """Two of one session may be under way at two relays at once: a page that is left, another tab, a backend."""
    first, second, session = hearing
    await second.append([new_record("e0", session)])
    lease = await lease_one(first)
    async with hand.transaction():
        await hand.execute("SELECT FROM relay.ledger WHERE relay = $1 FOR UPDATE", second.name)
        slow = second.append([new_record("lower", session)])
        await until(eye, APPENDING)
        await first.append([new_record("higher", session)])
        assert first.settle(lease, delivered=whole(lease))
        lease = await lease_one(first)
        assert ids(lease) == ["higher"]
        assert first.settle(lease, delivered=whole(lease))
    await slow
    late = await lease_one(first)
    assert ids(late) == ["lower"]
    assert late.records[0].seq < lease.records[0].seq


# ── 7. A group's ids are written in one order ───────────────────────────────────────────────────────────────


async def test_two_groups_with_the_same_events_in_opposite_order_never_wait_for_each_other(
    open_postgres: OpenPostgres, cluster: Cluster, stack: AsyncExitStack, hand: Raw, eye: Raw
) -> None:
    first = await stack.enter_async_context(open_postgres())
    second = await stack.enter_async_context(open_postgres())
    names = ["a", "b", "c"]
    salt = await hand.fetchval("SELECT salt FROM relay.meta")
    both = Arriving(beacon(*names), first.fingerprint(beacon(*names).key))
    _, _, (session, *_), events = arguments_of([both], [1], salt, int).events
    lowest_first = [name for _, name in sorted(zip(events, names, strict=True))]
    middle = sorted(events)[1]
    log = cluster.folder / "server.log"
    deadlocks = log.read_text().count("deadlock detected")
    transaction = hand.transaction()
    await transaction.start()
    await hand.execute("INSERT INTO relay.seen_0 (session, event, by) VALUES ($1, $2, 0)", session, middle)
    appends = [first.append([beacon(*lowest_first)]), second.append([beacon(*reversed(lowest_first))])]
    await until(eye, APPENDING, 2)
    await transaction.rollback()
    repeated = [await append for append in appends]
    assert sorted(len(found) for found in repeated) == [0, 3], "of two copies one is stored"
    assert log.read_text().count("deadlock detected") == deadlocks
