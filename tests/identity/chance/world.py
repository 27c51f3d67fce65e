"""One run: visitors, backends and thieves against a real relay that is killed, and a service that fails."""

import asyncio
import json
import random
import re
import sys
import time
from datetime import datetime
from math import inf
from typing import Any, Final

import httpx2
import msgspec

from relay.emulator.wire.faults import FaultSpec
from tests.faults.process.relay_process import RelayProcess
from tests.faults.wire import Answer, Connection, GoneError
from tests.identity.chance.cast import Cast, is_a_backends
from tests.identity.chance.ledger import UNDER_WAY_MS, USERS, Ledger, Promised, Session, Span
from tests.identity.chance.reckoning import Reckoning, Sending
from tests.identity.chance.rules import KEPT_MS, TTL_MS
from tests.support.emulator import TRACKING_ID, RunningEmulator

VISITORS: Final = 8
MOST_TOGETHER: Final = 3
"""Requests for one session that meet."""
USES: Final = 14
"""After about so many a session gives way to a new one."""
QUIET_S: Final = 30.0
_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {}, {}, {"delay_ms": 20}, {"throttling": 1.0}, {"throttling": 0.5}, {"server_error": 0.5},
    {"reset": {"rate": 0.3, "taken": True}}, {"reset": 0.3}, {"html": {"rate": 0.2, "taken": True}},
)  # fmt: skip
_SIGNED: Final = re.compile(r"Signature of (\w+Z) is more than 15 minutes off")
_encode: Final = json.dumps


class World:
    """A relay that comes and goes, and everybody who talks to it."""

    def __init__(self, seed: int, relay: RelayProcess, emulator: RunningEmulator, cast: Cast) -> None:
        self.seed = seed
        self.ledger = Ledger()
        self._relay = relay
        self._emulator = emulator
        self._cast = cast
        self._clock = cast.clock
        self._reckoning = Reckoning(self.ledger, cast.clock)
        self._rng = random.Random(seed)
        self._pool: list[tuple[Session, asyncio.Lock, str]] = []
        """Sessions in use, and whose they are most often."""
        self._read = 0
        self._numbers = 0
        self._over = False

    # ── the run ─────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, seconds: float) -> None:
        """Everything at once for so long; then a quiet end, and the verdict."""
        await self._relay.start()
        end_s = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(VISITORS):
                group.create_task(self._visitor(random.Random(f"{self.seed}/{number}")))
            while time.monotonic() < end_s:
                await self._something_happens()
                self._catch_up()
                await asyncio.sleep(self._rng.uniform(0.05, 0.4))  # what happens, happens at a rate
            self._over = True
            self._emulator.emulator.faults.apply(FaultSpec())
            if not self._relay.is_up:
                await self._relay.start()
        await self._quiet_end()
        self.ledger.judge()

    def story(self) -> str:
        """What went wrong, and how to see it again."""
        return "\n".join([f"IDENTITY_SEED={self.seed}", str(dict(self.ledger.wrongs)), *self.ledger.stories])

    async def _quiet_end(self) -> None:
        async with httpx2.AsyncClient(timeout=20) as http:
            figures: dict[str, float] = {}
            try:
                async with asyncio.timeout(QUIET_S):
                    while figures.get("relay_events_pending") != 0:
                        await asyncio.sleep(0.05)  # between two looks over HTTP
                        text = (await http.get(f"{self._relay.admin_url}/metrics")).text
                        figures = {
                            line.split()[0]: float(line.split()[-1])
                            for line in text.splitlines()
                            if line.startswith("relay_events_")
                        }
            except TimeoutError:
                self.ledger.wrong("stuck", str(figures))
        buried = {name: count for name, count in figures.items() if "buried" in name and count}
        if buried:
            self.ledger.wrong("buried", str(buried))
        self._catch_up()
        code = await self._relay.stop()
        self._catch_up()
        if code:
            self.ledger.wrong("exit", f"{code}: {self._relay.last_words()}")

    def _catch_up(self) -> None:
        for call in self._emulator.emulator.calls.after(self._read, operation="PutEvents"):
            self._read = call.n
            if call.taken:
                at_ms = self._clock.machine_ms(call.time_ms)
                self.ledger.took(msgspec.json.decode(call.body), at_ms, spoilt=call.fault is not None)
            elif call.fault is None and not self._was_overtaken(call.message or "", call.time_ms):
                self.ledger.wrong("refused by the service", f"{call.error} {call.message} {call.body[:300]!r}")

    def _was_overtaken(self, message: str, time_ms: int) -> bool:
        """Whether the clock was moved on while the call was under way: in truth it was signed a moment before."""
        signed = _SIGNED.search(message)
        if signed is None:
            return False
        signed_ms = round(datetime.strptime(signed[1] + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp() * 1000)
        return self._clock.machine_ms(time_ms) - self._clock.machine_ms(signed_ms) < UNDER_WAY_MS + 1000

    # ── what happens to the relay ───────────────────────────────────────────────────────────────────────────

    async def _something_happens(self) -> None:
        happens = self._rng.choices(
            ["kill", "stop", "time", "faults", "erase", "allow", "erase a session", "long break"],
            [12, 5, 14, 20, 6, 6, 1, 1],
        )[0]
        self.ledger.seen[happens] += 1
        match happens:
            case "kill" | "stop":
                await self._end_life(stop=happens == "stop")
            case "time":
                self._clock.advance(self._rng.choice([30, 100, 240, 450, 560, 700]))
            case "faults":
                self._emulator.emulator.faults.apply(msgspec.convert(self._rng.choice(_FAULTS), FaultSpec))
            case "erase" | "allow":
                await self._refuse(self._rng.choice(USERS), allow=happens == "allow")
            case "erase a session":
                await self._erase_session()
            case _:
                await self._end_life(break_s=(TTL_MS + KEPT_MS) / 1000 + 3600)

    async def _end_life(self, *, stop: bool = False, break_s: float = 0.0) -> None:
        from_ms = self._now()
        await (self._relay.stop() if stop else self._relay.kill())
        if break_s:  # calls that were signed before would be too old
            self._clock.advance(break_s)
            self.ledger.long_breaks.append(self._now())
        await self._relay.start()
        self.ledger.ends.append(Span(from_ms, self._now()))  # what the service takes until then, the old one has sent

    async def _refuse(self, user: str, *, allow: bool) -> None:
        spans = self.ledger.allowances[user] if allow else self.ledger.erasures[user]
        spans.append(Span(self._now(), inf))
        path = "/api/v1/allow" if allow else "/api/v1/erase"
        connection = Connection(self._relay.port)
        body = _encode({"userId": user}).encode()
        while True:
            answer = await self._posted(connection, path, body, bearer=self._cast.bearer)
            if answer is not None and answer.status == 200:
                break
            await asyncio.sleep(0.01)  # the relay may be starting
        connection.close()
        spans[-1] = spans[-1]._replace(to_ms=self._now())
        if not allow:
            self.ledger.erased(lambda one: one.user == user)

    async def _erase_session(self) -> None:
        if not self._pool:
            return  # nobody has come yet
        session, _, _ = self._rng.choice(self._pool)
        spans = self.ledger.erased_sessions[session.name[1]]
        spans.append(Span(self._now(), inf))
        erasing = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "relay", "spool", "erase", "--session", session.name[1]),
            cwd=self._relay.folder,
            env=self._relay.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await erasing.communicate()
        assert erasing.returncode == 0, said
        spans[-1] = spans[-1]._replace(to_ms=self._now())
        self.ledger.erased_session(session)

    # ── visitors ────────────────────────────────────────────────────────────────────────────────────────────

    async def _visitor(self, rng: random.Random) -> None:
        connections = [Connection(self._relay.port) for _ in range(MOST_TOGETHER)]
        while not self._over:
            session, lock, friend = self._choose(rng)
            async with lock:
                together = rng.choice([1] * 6 + [2, MOST_TOGETHER])
                session.busy += 1
                try:
                    sendings = [self._composed(rng, session, friend) for _ in range(together)]
                    await asyncio.gather(
                        *(self._send(rng, one, two) for one, two in zip(connections, sendings, strict=False))
                    )
                finally:
                    session.busy -= 1
                self._reckoning.note(session, sendings)
            await asyncio.sleep(rng.uniform(0, 0.03))  # visitors come at a rate
        for connection in connections:
            connection.close()

    def _choose(self, rng: random.Random) -> tuple[Session, asyncio.Lock, str]:
        self._pool = [one for one in self._pool if rng.random() > 1 / (USES * VISITORS)]
        while len(self._pool) < VISITORS:
            tracker = rng.choice([TRACKING_ID, TRACKING_ID, *self._cast.sites])
            derived = [one for one in self.ledger.sessions.values() if one.derived_from is not None]
            if derived and rng.random() < 0.1:
                session = rng.choice(derived)
            else:
                made_up = f"user:{rng.getrandbits(40)}/" if rng.random() < 0.1 else f"{rng.getrandbits(128):032x}"
                self.ledger.pages.add(made_up)
                session = self.ledger.session((tracker, made_up))
            if all(session is not one for one, _, _ in self._pool):
                self._pool.append((session, asyncio.Lock(), rng.choice(USERS)))
        return rng.choice(self._pool)

    def _composed(self, rng: random.Random, session: Session, friend: str) -> Sending:
        """A request of any kind; now and then with events that were sent before, or are being sent at this moment."""
        now_ms = self._now()
        self._numbers += 1
        events: list[Promised] = []
        old = [one for one in self.ledger.events.values() if one.session is session]
        if old and rng.random() < 0.25:
            events = rng.sample(old, min(len(old), rng.randint(1, 3)))
            for one in events:
                one.place = (self._numbers, 0)
        least = 1 if is_a_backends(session) else 0
        for place in range(0 if events else max(least, rng.choice([0, 1, 1, 2, 3, 12]))):
            event_id = f"e{self._numbers}.{place}"
            promised = Promised(session, event_id, f"item-{event_id}", now_ms, (self._numbers, place))
            self.ledger.events[session.name[0], event_id, promised.item] = promised
            events.append(promised)
        entries = [{"eventType": "View", "itemId": one.item, "eventId": one.event_id} for one in events]
        user = friend if rng.random() < 0.75 else rng.choice(USERS)
        site = rng.choice(self._cast.sites[session.name[0]])
        return Sending(self._cast.request(session, site, user, entries), events)

    async def _send(self, rng: random.Random, connection: Connection, sending: Sending) -> None:
        """Post it until it is answered, the same on every try."""
        request = sending.request
        body = _encode(request.body).encode()
        while True:
            sending.from_ms = self._clock.now_ms()
            if rng.random() < 0.06:
                await connection.post_and_go(
                    request.path, body, after_s=rng.uniform(0, 0.01), bearer=request.bearer, cookie=request.cookie
                )
                answer = None
            else:
                answer = await self._posted(
                    connection, request.path, body, bearer=request.bearer, cookie=request.cookie
                )
            sending.to_ms = self._clock.now_ms()
            if answer is not None and answer.status not in (429, 503):
                sending.status, sending.answer = answer.status, json.loads(answer.body)
                return
            sending.lost.append((sending.from_ms, sending.to_ms))
            await asyncio.sleep(0.01)  # a page, too, tries again after a while

    async def _posted(
        self, connection: Connection, path: str, body: bytes, *, bearer: str | None, cookie: str | None = None
    ) -> Answer | None:
        try:
            return await connection.post(path, body, bearer=bearer, cookie=cookie)
        except GoneError:
            return None

    def _now(self) -> float:
        return self._clock.machine_ms(self._clock.now_ms())
