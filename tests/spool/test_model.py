"""The spool against a model, over any sequence of operations, restarts and crashes."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from relay.model import Binding, NewRecord
from relay.spool.base import Burial, Lease
from relay.spool.sqlite import SqliteSpool
from tests.spool.conftest import MAX_BYTES
from tests.spool.files import copy_as_after_a_crash
from tests.support.clock import FakeClock
from tests.support.records import new_record

_SESSIONS = st.sampled_from(["session-a-000000", "session-b-000000", "session-c-000000"])
_USERS = st.sampled_from([None, None, "u1", "u2"])


class SpoolModel(RuleBasedStateMachine):
    """What waits, session by session, as a plain dict says it."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "spool.db"
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.waiting: dict[str, list[str]] = {}
        self.user: dict[str, str | None] = {}
        self.unsure: set[str] = set()
        """Settled, but perhaps not yet on disk."""
        self.count = 0
        self.crashes = 0
        self.spool = self.open()

    def open(self) -> SqliteSpool:
        spool = SqliteSpool(self.path, clock=self.clock, max_bytes=MAX_BYTES)
        self.runner.run(spool.__aenter__())
        return spool

    def close(self) -> None:
        self.runner.run(self.spool.__aexit__(None, None, None))

    def teardown(self) -> None:
        self.close()
        self.runner.close()
        shutil.rmtree(self.folder)

    async def appended(self, records: Sequence[NewRecord], binding: Binding | None = None) -> frozenset[int]:
        return await self.spool.append(records, binding)

    @rule(session=_SESSIONS, user=_USERS, size=st.integers(1, 12))
    def append(self, session: str, user: str | None, size: int) -> None:
        names = [f"e{number}" for number in range(self.count, self.count + size)]
        self.count += size
        records = [new_record(name, session, user_id=user) for name in names]
        assert self.runner.run(self.appended(records)) == frozenset()
        self.waiting.setdefault(session, []).extend(names)
        self.user |= dict.fromkeys(names, user)
        self.unsure.clear()

    @rule(session=_SESSIONS)
    def append_again(self, session: str) -> None:
        names = self.waiting.get(session)
        if names:
            assert self.runner.run(self.appended([new_record(names[-1], session)])) == {0}
            self.unsure.clear()

    @rule(session=_SESSIONS, user=st.sampled_from(["u1", "u2"]))
    def bind(self, session: str, user: str) -> None:
        binding = Binding("default", session, user, self.clock.now_ms() + 1_000_000)
        self.runner.run(self.appended([], binding))
        self.unsure.clear()
        for name in self.waiting.get(session, []):
            self.user[name] = self.user[name] or user

    @rule(target=leases)
    def lease(self) -> list[Lease]:
        async def now() -> list[Lease]:
            try:
                return await asyncio.wait_for(self.spool.lease(max_sessions=2), 0.02)
            except TimeoutError:
                return []

        leases = self.runner.run(now())
        for lease in leases:
            names = [record.event_id for record in lease.records]
            assert names == self.waiting[lease.key.session_id][: len(names)], "the oldest, in order"
            assert {self.user[name] for name in names} == {lease.records[0].user_id}
        return leases

    @rule(leases=consumes(leases), good=st.integers(0, 10), bad=st.integers(0, 2), retry_s=st.sampled_from([0.0, 5.0]))
    def settle(self, leases: list[Lease], good: int, bad: int, retry_s: float) -> None:
        async def now(lease: Lease) -> bool:
            seqs = [record.seq for record in lease.records]
            burials = [Burial(seq, "InvalidInputException", "") for seq in seqs[good : good + bad]]
            return self.spool.settle(lease, delivered=seqs[:good], buried=burials, retry_after_s=retry_s)

        for lease in leases:
            if self.runner.run(now(lease)):
                gone = [record.event_id for record in lease.records][: good + bad]
                left = self.waiting[lease.key.session_id]
                self.unsure |= set(gone) & set(left)
                self.waiting[lease.key.session_id] = [name for name in left if name not in gone]

    @rule(session=_SESSIONS)
    def erase(self, session: str) -> None:
        self.runner.run(self.spool.erase(session_id=session))
        self.waiting.pop(session, None)
        self.unsure.clear()

    @rule(seconds=st.sampled_from([1, 10, 70, 700]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def restart(self) -> None:
        self.close()
        self.unsure.clear()
        self.spool = self.open()

    @rule()
    def crash(self) -> None:
        """The files as they are now; what was settled a moment ago may come back, nothing else may."""
        self.crashes += 1
        self.path = copy_as_after_a_crash(self.path, self.folder / f"crash-{self.crashes}")
        self.close()
        self.spool = self.open()
        select = "SELECT session_id, event_id FROM records ORDER BY seq"
        rows = self.runner.run(self.spool.work(lambda database: database.sql.execute(select).fetchall()))
        found: dict[str, list[str]] = {}
        for session, name in rows:
            found.setdefault(session, []).append(name)
        for session in {*found, *self.waiting}:
            expected = self.waiting.get(session, [])
            back = [name for name in found.get(session, []) if name not in expected]
            assert [name for name in found.get(session, []) if name in expected] == expected
            assert set(back) <= self.unsure
        self.waiting = found
        self.unsure.clear()

    @invariant()
    def nothing_is_unaccounted_for(self) -> None:
        stats = self.spool.stats()
        assert stats.accepted == stats.delivered + sum(stats.buried.values()) + stats.erased + stats.pending
        assert stats.pending == sum(len(names) for names in self.waiting.values())


TestSpoolModel = SpoolModel.TestCase
TestSpoolModel.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
