"""An append that takes as long as it may, and of which nobody is told, is found by a look soon after."""

from relay.spool.postgres.link import STATEMENT_S, Raw
from tests.spool.leases import ids, is_idle, lease_one, whole
from tests.spool.shared.test_shared_traps import Pair, deaf, hand, open_deaf, stack
from tests.support.records import new_record

__all__ = ["deaf", "hand", "open_deaf", "stack"]  # fixtures


async def test_what_commits_as_late_as_it_may_is_found_by_one_of_the_next_looks(deaf: Pair, hand: Raw) -> None:
    spool, _, session = deaf
    arrivals = spool._arrivals  # pyright: ignore[reportPrivateUsage]  to let its time pass
    await spool.append([new_record("e1", session)])
    lease = await lease_one(spool)
    await hand.execute("CREATE TEMP TABLE late AS TABLE relay.records_0")
    assert spool.settle(lease, delivered=whole(lease))
    await spool.look()
    began_s, numbered_s = 1_000_000, 32
    for second in range(60):
        if second == numbered_s:  # just after a look far back
            await hand.execute("UPDATE late SET seq = nextval('relay.groups') * 10000")
        if second == numbered_s + STATEMENT_S:  # just after the next
            await hand.execute("INSERT INTO relay.records_0 TABLE late")
        await hand.execute("SELECT nextval('relay.groups')")  # others append all the time
        await arrivals._sweep(list(spool.shards), began_s + second)  # pyright: ignore[reportPrivateUsage]
    assert ids(await lease_one(spool)) == ["e1"]
    assert await is_idle(spool)
