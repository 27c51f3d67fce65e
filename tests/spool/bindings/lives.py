"""Lives of a spool whose relay remembers few sessions, by chance; and a reckoning of whose each session may be.

`Reckoning.may_be` is what the file may tell of a session after the next start: whoever was acknowledged last, or
nobody where the session was forgotten, erased, or ended. `here` is what the relay itself has said, and has to go on
saying. Neither looks at slots or rows.
"""

import asyncio
import random
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from relay.core.errors import SpoolError
from relay.core.model import KEPT_MS, Binding
from relay.spool.receipt import Receipt
from relay.spool.sqlite.file.binding_table import BindingTable
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.bindings.rows import Row, put, rows_of
from tests.spool.sqlite.files import copy_as_after_a_crash, flip_byte
from tests.support.clock import FakeClock
from tests.support.records import new_record

HELD: Final = 5
"""Sessions the relay remembers."""
Session = tuple[str, str]
SESSIONS: Final = [(f"tracker-{n % 2}", f"session-{n:016}") for n in range(12)]
USERS: Final = ["u1", "u2", "u3", "u4"]
_DAY_S: Final = 86_400


class ForgetfulSpool(SqliteSpool):
    """One that remembers few sessions, and reads as few when it starts."""

    def __init__(self, path: Path, *, clock: FakeClock, ttl_s: float, most_rows: int) -> None:
        super().__init__(path, clock=clock, max_bytes=1 << 24, binding_ttl_s=ttl_s)
        self.sessions._most = HELD
        self._database.bindings = BindingTable(most_rows)

    async def bindings(self, most: int = HELD) -> list[Binding]:
        return await super().bindings(most)

    def held(self, session: Session) -> tuple[str, int] | None:
        """Who the relay has of a session, and until when the spool is known to keep that."""
        held = self.sessions._held.get(session)
        return None if held is None else (held.user_id, held.saved_until_ms)


class Lives:
    """One spool's."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.path = folder / "spool.db"
        self.clock = FakeClock()
        self.most_rows = self.rng.choice([500, 500, 9])
        self.here: dict[Session, str] = {}
        self.may_be: dict[Session, set[str]] = {}
        self.erased: set[str] = set()
        self.lives = 0
        self.events = 0
        self.told = 0
        self.is_damaged = False
        self.bound = self.most_rows
        self.spool: ForgetfulSpool

    async def live(self, steps: int) -> None:
        """Everything happens, by chance."""
        await self.open()
        acts = [
            *[self.log_in] * 8, *[self.use] * 5, *[self.burst] * 4, self.cannot_be_stored, self.time_passes,
            self.erase_user, self.erase_session, self.allow, self.fold, self.end, self.crash, self.salvage,
            self.build_before,
        ]  # fmt: skip
        for _ in range(steps):
            act = self.rng.choice(acts)
            await act()
            await self.check()
        await self.close()

    # ── what visitors do ────────────────────────────────────────────────────────────────────────────────────

    def session(self) -> Session:
        return self.rng.choice(SESSIONS)

    def begin(self, session: Session, user: str | None, *, whole: bool = True) -> tuple[str, Receipt] | None:
        """A beacon, with a token or without; whose binding it brings and when that is done, if it brings one."""
        sessions = self.spool.sessions
        if user is None:
            told = sessions.user(*session)
            assert told in (None, self.here.get(session)), (session, told, self.here.get(session))
            self.told += told is not None
        else:
            was = self.spool.held(session)
            claimed = sessions.claim(*session, user)
            assert isinstance(claimed, str)
            told = claimed
            assert told == (was[0] if was else user)
            assert was is None or told == self.here[session]
            self.here[session] = user if was is None else self.here[session]
            if told != user:
                return None  # a conflict: a session of its own
        due = None if told is None else sessions.due(*session)
        self.events += 1
        record = new_record(f"e{self.events}", session[1], target=session[0], user_id=told if whole else "\ud800")
        receipt = self.spool.append([record], due)
        return None if due is None else (due.user_id, receipt)

    async def finish(self, session: Session, begun: tuple[str, Receipt] | None) -> None:
        if begun is not None:
            user, receipt = begun
            with suppress(SpoolError):
                await receipt
                self.may_be[session] = {user}

    async def log_in(self) -> None:
        session, user = self.session(), self.rng.choice(sorted({*USERS} - self.erased) or [None])
        await self.finish(session, self.begin(session, user))

    async def use(self) -> None:
        session = self.session()
        await self.finish(session, self.begin(session, None))

    async def cannot_be_stored(self) -> None:
        session, user = self.session(), self.rng.choice(sorted({*USERS} - self.erased) or [None])
        await self.finish(session, self.begin(session, user, whole=False))

    async def burst(self) -> None:
        """Many at once: some cannot be stored, somebody is erased in between."""
        begun = []
        erasing: asyncio.Task[int] | None = None
        gone: str | None = None
        for _ in range(self.rng.randint(2, 25)):
            user = self.rng.choice([None, *sorted({*USERS} - self.erased)])
            session = self.session()
            begun.append((session, self.begin(session, user, whole=self.rng.random() < 0.9)))
            if erasing is None and self.rng.random() < 0.03:
                gone = self.rng.choice(USERS)
                erasing = asyncio.create_task(self.spool.erase(user_id=gone))
                await asyncio.sleep(0)
                self.forget_user(gone)
            if self.rng.random() < 0.2:
                await asyncio.sleep(0)
        for session, one in begun:
            await self.finish(session, one)
        if erasing is not None and gone is not None:
            await erasing
            self.erased_from_disk(gone)

    # ── what operators do ───────────────────────────────────────────────────────────────────────────────────

    def forget_user(self, user: str) -> None:
        self.erased.add(user)
        self.here = {session: one for session, one in self.here.items() if one != user}

    def erased_from_disk(self, user: str) -> None:
        for users in self.may_be.values():
            users.discard(user)

    async def erase_user(self) -> None:
        user = self.rng.choice(USERS)
        self.forget_user(user)
        await self.spool.erase(user_id=user)
        self.erased_from_disk(user)
        assert not [row for row in rows_of(self.path) if row.user_id == user]

    async def erase_session(self) -> None:
        _, session_id = self.session()
        await self.spool.erase(session_id=session_id)
        for target in ("tracker-0", "tracker-1"):
            self.here.pop((target, session_id), None)
            self.may_be.pop((target, session_id), None)
        assert not [row for row in rows_of(self.path) if row.session[1] == session_id]

    async def allow(self) -> None:
        for user in sorted(self.erased):
            await self.spool.allow(user)
        self.erased = set()

    async def fold(self) -> None:
        await self.spool.work(lambda database: database.fold(), alone=True)

    async def time_passes(self) -> None:
        self.clock.advance(self.rng.choice([1, 60, 1000, 2 * _DAY_S, KEPT_MS / 1000 + _DAY_S]))

    # ── ends and starts ─────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        ttl_s = self.rng.choice([300, 3000, 30 * _DAY_S])
        self.spool = ForgetfulSpool(self.path, clock=self.clock, ttl_s=ttl_s, most_rows=self.most_rows)
        self.here = {}
        await self.spool.__aenter__()
        self.bound = max(self.most_rows, len(rows_of(self.path)))
        for session in SESSIONS:
            held = self.spool.held(session)
            if held is not None:
                assert held[0] in self.may_be.get(session, set()), (session, held[0], self.may_be.get(session))
                self.here[session] = held[0]
                self.told += 1
        if self.is_damaged:  # what is gone is gone
            kept = {row.session: row.user_id for row in rows_of(self.path)}
            self.may_be = {session: users & {kept.get(session, "")} for session, users in self.may_be.items()}
            self.is_damaged = False

    async def close(self) -> None:
        await self.spool.__aexit__(None, None, None)

    async def end(self) -> None:
        await self.close()
        await self.open()

    async def dies(self) -> None:
        """The files as they are now, with beacons on their way whose answer nobody gets."""
        underway = [(session, self.begin(session, None)) for session in self.rng.sample(SESSIONS, 3)]
        for user in self.rng.sample(sorted({*USERS} - self.erased), min(2, len({*USERS} - self.erased))):
            session = self.session()
            underway.append((session, self.begin(session, user)))
        await asyncio.sleep(self.rng.choice([0, 0, 0.002]))
        self.lives += 1
        crashed = copy_as_after_a_crash(self.path, self.folder / f"life-{self.lives}")
        for session, begun in underway:
            if begun is not None:
                self.may_be.setdefault(session, set()).add(begun[0])
                with suppress(SpoolError):
                    await begun[1]
        await self.close()
        if self.path.parent != self.folder:
            shutil.rmtree(self.path.parent)
        self.path = crashed

    async def crash(self) -> None:
        await self.dies()
        await self.open()
        self.take_what_is_there()

    async def salvage(self) -> None:
        """The header of the file is damaged, so that all is salvaged; and sometimes a byte somewhere else."""
        ever = {session: {*users} for session, users in self.may_be.items()}
        await self.dies()
        flip_byte(self.path, 18)
        if self.rng.random() < 0.5:
            self.is_damaged = True
            suffix = self.rng.choice(["", "-wal"])
            file = self.path.with_name(self.path.name + suffix)
            if file.exists() and file.stat().st_size > 200:
                flip_byte(file, self.rng.randrange(100, file.stat().st_size))
        for session, users in ever.items():
            self.may_be.setdefault(session, set()).update(users)
        await self.open()
        self.take_what_is_there()

    async def build_before(self) -> None:
        """A build that gave each session a place by a hash has the file for a while, and this one again."""
        await self.close()
        for session in self.rng.sample(SESSIONS, 4):
            users = self.may_be.get(session, set())
            user = self.rng.choice([*sorted(users), *sorted({*USERS} - self.erased)] or ["u9"])
            put(self.path, [Binding(*session, user, self.clock.now_ms() + self.rng.choice([10**5, 10**9]))])
            self.may_be[session] = {user}
        await self.open()

    def take_what_is_there(self) -> None:
        """Of what was on its way either all of it is there or nothing."""
        kept = {row.session: row.user_id for row in rows_of(self.path)}
        for session, users in self.may_be.items():
            if len(users) > 1:
                assert session not in kept or kept[session] in users
                self.may_be[session] = users & {kept.get(session, "")}

    # ── what has to be so whenever nothing is under way ─────────────────────────────────────────────────────

    async def check(self) -> None:
        await self.spool.work(lambda _: None)
        rows = rows_of(self.path)
        of: dict[Session, Row] = {row.session: row for row in rows}
        assert len(of) == len(rows), "one row a session"
        assert await self.spool.work(lambda database: database.bindings.count) == len(rows)
        assert len(rows) <= self.bound
        for session, row in of.items():
            assert row.user_id in self.may_be.get(session, set()), (session, row, self.may_be.get(session))
        for session in SESSIONS if self.most_rows > len(SESSIONS) else ():
            held = self.spool.held(session)
            if held is None or not held[1] or held[1] + KEPT_MS <= self.clock.now_ms():
                continue
            assert session in of, f"{session} is {held[0]}'s, and the file does not know"
            assert (of[session].user_id, of[session].expires_at_ms) >= (held[0], held[1])
            assert of[session].user_id == held[0] == self.here[session]
