"""Two relays on one database against the model of the spool: append at either, lease at either, over any sequence.

What one relay appends the other may have to deliver; who delivers what changes whenever one of them comes or goes, but
only then: the same sequence does the same every time, however busy the machine is.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from relay.core.model import Binding
from relay.spool.contract import Lease
from relay.spool.postgres.link import Server
from relay.spool.postgres.rows import SHARDS, shard_of
from relay.spool.postgres.spool import PostgresSpool
from tests.spool.conftest import MAX_BYTES
from tests.spool.leases import burial, ids, pieces
from tests.spool.shared.steering import Steering, fixed_salt
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
from tests.support.records import beacon, new_record

T = TypeVar("T")
SESSIONS = [f"session-{name}-000000" for name in "abcdef"]
_SESSION = st.sampled_from(SESSIONS)
_RELAY = st.sampled_from([0, 1])
_USER = st.sampled_from([None, None, "u1", "u2"])
Leases = list[tuple[PostgresSpool, Lease]]
_LEASE_S = 60.0


class SharedModel(RuleBasedStateMachine):
    """What waits, session by session, as a plain dict says it, whichever relay does it."""

    leases = Bundle("leases")

    def __init__(self, cluster: Cluster, steering: Steering) -> None:
        super().__init__()
        cluster.sql("DROP SCHEMA IF EXISTS relay CASCADE")
        self.cluster = cluster
        self.steering = steering
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.waiting: dict[str, list[str]] = {name: [] for name in SESSIONS}
        self.user: dict[str, str | None] = {}
        self.bound: dict[str, str] = {}
        self.newest: dict[str, tuple[PostgresSpool, Lease]] = {}
        """What is out, by session."""
        self.until_s: dict[str, float] = {}
        """When a lease that is out runs out: then it is its owner's until that one leases anew."""
        self.count = 0
        self.run(fixed_salt(cluster.url, now_ms=self.clock.now_ms()))
        steering.alive = 2
        self.relays = [self.open(), self.open()]
        self.settled()

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asyncio.wait_for(what, 30))

    def open(self) -> PostgresSpool:
        spool = PostgresSpool(Server(self.cluster.url), clock=self.clock, max_bytes=MAX_BYTES)
        self.run(spool.__aenter__())
        return spool

    def teardown(self) -> None:
        for relay in self.relays:
            self.run(relay.__aexit__(None, None, None))
        self.runner.close()

    def settled(self) -> None:
        """Until every session is somebody's, and each knows what waits of its own."""

        async def look() -> None:
            while sum(len(relay.shards) for relay in self.relays) < SHARDS:
                for relay in self.relays:
                    await relay.look()
            for relay in self.relays * 2:
                await relay.look()

        self.run(look())
        for name, (relay, _) in self.newest.items():
            assert self.owner(name) is relay, "what is out stays with whoever has it"

    def owner(self, session: str) -> PostgresSpool:
        (owner,) = [relay for relay in self.relays if self.shard(session) in relay.shards]
        return owner

    def shard(self, session: str) -> int:
        return shard_of(self.relays[0].fingerprint(new_record("e", session).key))

    # ── in ──────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(relay=_RELAY, session=_SESSION, user=_USER, size=st.integers(1, 12), together=st.sampled_from([1, 3, 10]))
    def append(self, relay: int, session: str, user: str | None, size: int, together: int) -> None:
        names = [f"e{number}" for number in range(self.count, self.count + size)]
        self.count += size
        parts = [names[start : start + together] for start in range(0, size, together)]
        records = [beacon(*part, session_id=session, user_id=user) for part in parts]

        async def append() -> frozenset[tuple[int, int]]:
            return await self.relays[relay].append(records)

        assert self.run(append()) == frozenset()
        self.waiting[session] += names
        self.user |= dict.fromkeys(names, user)

    @rule(relay=_RELAY, session=_SESSION, which=st.integers(0, 100))
    def append_again(self, relay: int, session: str, which: int) -> None:
        async def append(name: str) -> frozenset[tuple[int, int]]:
            return await self.relays[relay].append([new_record(name, session)])

        if names := self.waiting[session]:
            assert self.run(append(names[which % len(names)])) == {(0, 0)}

    @rule(relay=_RELAY, session=_SESSION, user=st.sampled_from(["u1", "u2"]))
    def bind(self, relay: int, session: str, user: str) -> None:
        async def append() -> None:
            binding = Binding("tracker-1", session, user, self.clock.now_ms() + 10**9)
            await self.relays[relay].append([], binding)

        self.run(append())
        self.bound.setdefault(session, user)

    # ── out ─────────────────────────────────────────────────────────────────────────────────────────────────

    def is_leased_from(self, session: str) -> bool:
        """Whether its shard is not about to be given back: the upper half is, once nothing of it is out."""
        return len(self.owner(session).shards) <= SHARDS // 2 or self.shard(session) < SHARDS // 2

    @rule(target=leases, relay=_RELAY)
    def lease(self, relay: int) -> Leases:
        """All there is to lease at one of them."""
        self.settled()
        owner = self.relays[relay]
        now_s = self.clock.monotonic_s()
        out = {name for name in self.newest if now_s < self.until_s[name]}
        due = {
            name
            for name, names in self.waiting.items()
            if names and name not in out and self.owner(name) is owner and self.is_leased_from(name)
        }

        async def all_of_them() -> list[Lease]:
            return await owner.lease(max_sessions=len(SESSIONS))

        if not due:
            return []
        for name in [name for name, (at, _) in self.newest.items() if at is owner and name not in out]:
            del self.newest[name]
        leases = self.run(all_of_them())
        assert {lease.key.session_id for lease in leases} == due, "one lease at a time, and by the owner only"
        for lease in leases:
            name, found = lease.key.session_id, ids(lease)
            assert found == self.waiting[name][: len(found)], "the oldest, in order, whichever relay they came by"
            assert {self.user[one] or self.bound.get(name) for one in found} == {lease.records[0].user_id}
            self.newest[name] = owner, lease
            self.until_s[name] = now_s + _LEASE_S
        return [(owner, lease) for lease in sorted(leases, key=lambda lease: lease.key.session_id)]

    @rule(leases=consumes(leases), good=st.integers(0, 10), bad=st.integers(0, 2))
    def settle(self, leases: Leases, good: int, bad: int) -> None:
        async def now(owner: PostgresSpool, lease: Lease) -> bool:
            each = pieces(lease)
            return owner.settle(lease, delivered=each[:good], buried=[burial(one) for one in each[good : good + bad]])

        for owner, lease in leases:
            name = lease.key.session_id
            is_newest = name in self.newest and self.newest[name][1] is lease
            if owner not in self.relays:
                continue
            assert self.run(now(owner, lease)) == is_newest
            if is_newest:
                del self.newest[name]
                gone = ids(lease)[: good + bad]
                self.waiting[name] = [one for one in self.waiting[name] if one not in gone]

    @rule(relay=_RELAY, session=_SESSION)
    def erase(self, relay: int, session: str) -> None:
        self.run(self.relays[relay].erase(session_id=session))
        self.settled()
        self.left(session, [], erased_by=self.relays[relay])
        self.bound.pop(session, None)

    @rule(relay=_RELAY, user=st.sampled_from(["u1", "u2"]))
    def erase_user(self, relay: int, user: str) -> None:
        async def erase() -> None:
            await self.relays[relay].erase(user_id=user)
            assert all(user in one.erased for one in self.relays), "at every relay, once it has answered"
            await self.relays[relay].allow(user)

        self.run(erase())
        self.settled()
        for session, names in self.waiting.items():
            bound = self.bound.get(session)
            left = [one for one in names if (self.user[one] or bound) != user]
            if left != names:
                self.left(session, left, erased_by=self.relays[relay])
        self.bound = {session: bound for session, bound in self.bound.items() if bound != user}

    def left(self, session: str, names: list[str], *, erased_by: PostgresSpool) -> None:
        """So much is left; the owner ends the lease of a session of which nothing is.

        Of an erasure elsewhere it learns by its next look at the session: a call under way is settled, of nothing.
        """
        self.waiting[session] = names
        if not names and session in self.newest and self.newest[session][0] is erased_by:
            del self.newest[session]

    # ── and what happens ────────────────────────────────────────────────────────────────────────────────────

    @rule(relay=_RELAY, alone=st.booleans())
    def restart(self, relay: int, alone: bool) -> None:
        """Its leases end with it, wherever their shards are now; those of the other one stay."""
        other = self.relays[1 - relay]
        self.run(self.relays[relay].__aexit__(None, None, None))
        self.newest = {name: out for name, out in self.newest.items() if out[0] is other}
        self.steering.alive = 1 if alone else 2
        self.run(other.look())
        self.steering.alive = 2
        self.relays[relay] = self.open()
        self.settled()

    @rule(seconds=st.sampled_from([1, 70, 700]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.settled()

    @invariant()
    def nothing_is_unaccounted_for(self) -> None:
        self.settled()
        found = int(self.cluster.sql("SELECT coalesce(sum(bit_count(waiting::bit(32))), 0) FROM relay.records"))
        assert found == sum(len(names) for names in self.waiting.values())
        for relay in self.relays:
            stats = relay.stats()
            assert stats.pending == found
            assert stats.accepted == stats.delivered + sum(stats.buried.values()) + stats.erased + stats.pending


@pytest.mark.timeout(600)
def test_two_relays_on_one_database_do_what_one_spool_does(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    steering = Steering(monkeypatch)

    class Here(SharedModel):
        def __init__(self) -> None:
            super().__init__(cluster, steering)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=8, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow], deadline=None
        ),
    )
