"""The spool against a model, over any sequence of operations, restarts and crashes.

Nothing here depends on how fast the machine is: the model knows whether something is due, and then waits for it.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from relay.core.model import Binding, NewRecord
from relay.spool.contract import Lease
from relay.spool.receipt import Repeated
from relay.spool.sqlite.file.rows import COLUMNS, RecordRow
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import MAX_BYTES
from tests.spool.impatience import give_up_a_lease
from tests.spool.leases import burial, ids, pieces
from tests.spool.sqlite.files import copy_as_after_a_crash
from tests.support.clock import FakeClock
from tests.support.records import beacon, events_of, new_record

_SESSIONS = st.sampled_from(["session-a-000000", "session-b-000000", "session-c-000000"])
_USERS = st.sampled_from([None, None, "u1", "u2"])
Leases = tuple[int, list[Lease]]
"""How often the spool had been opened when they were given."""
_LEASE_S = 60.0
_REMEMBERED_S = 600.0


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
        self.known_until_s: dict[str, float] = {}
        """How long at least an event id that is no longer here is recognised."""
        self.session: dict[str, str] = {}
        self.unsure: set[str] = set()
        """Settled, but perhaps not yet on disk."""
        self.newest: dict[str, Lease] = {}
        """The lease that is out, by session; perhaps it has run out."""
        self.due_s: dict[str, float] = {}
        """When a lease that is out runs out, or a retry comes."""
        self.opened = self.count = 0
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

    async def appended(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Repeated:
        return await self.spool.append(records, binding)

    # ── in ──────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(session=_SESSIONS, user=_USERS, size=st.integers(1, 12), together=st.sampled_from([1, 3, 10]))
    def append(self, session: str, user: str | None, size: int, together: int) -> None:
        names = [f"e{number}" for number in range(self.count, self.count + size)]
        self.count += size
        parts = [names[start : start + together] for start in range(0, size, together)]
        records = [beacon(*part, session_id=session, user_id=user) for part in parts]
        assert self.runner.run(self.appended(records)) == frozenset()
        self.waiting.setdefault(session, []).extend(names)
        self.user |= dict.fromkeys(names, user)
        self.session |= dict.fromkeys(names, session)
        self.known_until_s |= dict.fromkeys(names, self.clock.monotonic_s() + _REMEMBERED_S)
        self.unsure.clear()

    @rule(session=_SESSIONS, data=st.data())
    def append_again(self, session: str, data: st.DataObject) -> None:
        now_s = self.clock.monotonic_s()
        waiting = self.waiting.get(session, [])
        gone = [name for name, until_s in self.known_until_s.items() if now_s < until_s and name not in waiting]
        known = [*waiting, *[name for name in gone if self.session[name] == session]]
        if known:
            name = data.draw(st.sampled_from(known))
            assert self.runner.run(self.appended([new_record(name, session)])) == {(0, 0)}
            self.unsure.clear()

    @rule(session=_SESSIONS, user=st.sampled_from(["u1", "u2"]))
    def bind(self, session: str, user: str) -> None:
        binding = Binding("tracker-1", session, user, self.clock.now_ms() + 1_000_000)
        self.runner.run(self.appended([], binding))
        self.unsure.clear()
        for name in self.waiting.get(session, []):
            self.user[name] = self.user[name] or user

    # ── out ─────────────────────────────────────────────────────────────────────────────────────────────────

    def due(self) -> set[str]:
        """Sessions that are to be leased now."""
        now_s = self.clock.monotonic_s()
        return {session for session, names in self.waiting.items() if names and self.due_s.get(session, 0.0) <= now_s}

    @rule(target=leases)
    def lease(self) -> Leases:
        async def next_ones() -> list[Lease]:
            return await asyncio.wait_for(self.spool.lease(max_sessions=2), 20)

        async def none() -> list[Lease]:
            asking = asyncio.create_task(self.spool.lease(max_sessions=2))
            for _ in range(5):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
            return [] if asking.cancelled() else asking.result()

        return self.leased(self.runner.run(next_ones() if self.due() else none()))

    @rule(target=leases)
    def lease_and_give_up(self) -> Leases:
        return self.leased(self.runner.run(give_up_a_lease(self.spool)))

    def leased(self, leases: list[Lease]) -> Leases:
        for lease in leases:
            session = lease.key.session_id
            names = ids(lease)
            assert session in self.due(), "one lease at a time, and none before its retry time"
            assert names == self.waiting[session][: len(names)], "the oldest, in order"
            assert {self.user[name] for name in names} == {lease.records[0].user_id}
            self.newest[session] = lease
            self.due_s[session] = self.clock.monotonic_s() + _LEASE_S
        return self.opened, leases

    @rule(leases=consumes(leases), good=st.integers(0, 10), bad=st.integers(0, 2), retry_s=st.sampled_from([0.0, 5.0]))
    def settle(self, leases: Leases, good: int, bad: int, retry_s: float) -> None:
        async def now(lease: Lease) -> bool:
            each = pieces(lease)
            burials = [burial(one) for one in each[good : good + bad]]
            return self.spool.settle(lease, delivered=each[:good], buried=burials, retry_after_s=retry_s)

        opened, them = leases
        for lease in them if opened == self.opened else ():  # no lease outlives its process
            session = lease.key.session_id
            is_newest = self.newest.get(session) is lease
            has_run_out = self.due_s.get(session, 0.0) <= self.clock.monotonic_s()
            settled = self.runner.run(now(lease))
            assert settled == is_newest or (is_newest and has_run_out)
            if is_newest:
                del self.newest[session], self.due_s[session]
            if settled:
                gone = ids(lease)[: good + bad]
                left = self.waiting[session]
                self.unsure |= set(gone) & set(left)
                self.due_s[session] = self.clock.monotonic_s() + retry_s
                self.left(session, [name for name in left if name not in gone])

    @rule(session=_SESSIONS)
    def erase(self, session: str) -> None:
        self.runner.run(self.spool.erase(session_id=session))
        self.erased(session, lambda _: True)

    @rule(user=st.sampled_from(["u1", "u2"]))
    def erase_user(self, user: str) -> None:
        self.runner.run(self.spool.erase(user_id=user))
        for session in list(self.waiting):
            self.erased(session, lambda name: self.user[name] == user)

    def erased(self, session: str, is_theirs: Callable[[str], bool]) -> None:
        left = [name for name in self.waiting.get(session, []) if not is_theirs(name)]
        self.unsure.clear()
        self.left(session, left)

    def left(self, session: str, names: list[str]) -> None:
        """So much of a session is left; one of which nothing is left begins anew."""
        self.waiting[session] = names
        if not names:
            self.newest.pop(session, None)
            self.due_s.pop(session, None)

    # ── and what happens ────────────────────────────────────────────────────────────────────────────────────

    @rule(seconds=st.sampled_from([1, 10, 70, 700]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def restart(self) -> None:
        self.close()
        self.reopened()

    @rule()
    def crash(self) -> None:
        """The files as they are now; what was settled a moment ago may come back, nothing else may."""
        self.crashes += 1
        self.path = copy_as_after_a_crash(self.path, self.folder / f"crash-{self.crashes}")
        self.close()
        unsure = self.unsure
        self.reopened()
        select = f"SELECT {COLUMNS} FROM records ORDER BY seq"  # noqa: S608
        rows = self.runner.run(self.spool.work(lambda database: database.sql.execute(select).fetchall()))
        flows = self.runner.run(self.spool.work(lambda database: database.flows))
        found: dict[str, list[str]] = {}
        for event in events_of(RecordRow(*row).as_record(flows) for row in rows):
            found.setdefault(event.key.session_id, []).append(event.event_id)
        for session in {*found, *self.waiting}:
            expected = self.waiting.get(session, [])
            back = [name for name in found.get(session, []) if name not in expected]
            assert [name for name in found.get(session, []) if name in expected] == expected
            assert set(back) <= unsure
        self.waiting = found
        self.known_until_s = self.inherited()

    def reopened(self) -> None:
        self.spool = self.open()
        self.opened += 1
        self.unsure = set()
        self.newest, self.due_s = {}, {}
        self.known_until_s = self.inherited()

    def inherited(self) -> dict[str, float]:
        until_s = self.clock.monotonic_s() + _REMEMBERED_S
        return {name: until_s for names in self.waiting.values() for name in names}

    @invariant()
    def nothing_is_unaccounted_for(self) -> None:
        stats = self.spool.stats()
        assert stats.accepted == stats.delivered + sum(stats.buried.values()) + stats.erased + stats.pending
        assert stats.pending == sum(len(names) for names in self.waiting.values())


TestSpoolModel = SpoolModel.TestCase
TestSpoolModel.settings = settings(
    max_examples=25, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
