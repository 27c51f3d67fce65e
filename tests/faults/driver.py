"""The driver: many visitors who post beacons over real HTTP and try again until they are answered. Never killed."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from relay.core.clock import SystemClock
from relay.identity.tokens import ServerClaims, SiteClaims, Tokens, mint_identity
from tests.faults.oracle import Oracle
from tests.faults.visits import Visit, Visits
from tests.faults.wire import Answer, Connection, GoneError
from tests.support.relay import KEY

SITE: Final = "default"
AT_ONCE: Final = 3
"""Beacons of one visitor that are under way together, at most."""
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How visitors behave."""

    visitors: int = 24
    think_s: float = 0.02
    """Longest pause between two beacons."""
    goes_early: float = 0.03
    """Share of tries at which the connection is closed before the answer."""
    gives_up: float = 0.3
    """Share of those beacons that are never tried again."""
    most_undelivered: int = 2000
    """Visitors wait while more obligations than these have not arrived."""
    erases: bool = True
    front_says: tuple[int, ...] = ()
    """What whoever stands before the relays answers by itself, when none of them does."""
    at_once: float = 0.0
    """Share of beacons that do not wait for the answer to the one before; at most three are under way."""
    seconds: float = 0.1
    """Share of visits on the page of somebody who is logged in. Needs a relay that trusts every token's time."""


class _EarlierClock(SystemClock):
    """Site and server tokens were made a while ago, so that a relay whose clock is set back knows them."""

    def now_ms(self) -> int:
        return super().now_ms() - 7_200_000


class Driver:
    """Visitors who come one after the other, `habits.visitors` at a time."""

    def __init__(self, *, port: int, visits: Visits, oracle: Oracle, habits: Habits) -> None:
        self.port = port
        self._visits = visits
        self._oracle = oracle
        self._habits = habits
        clock = SystemClock()
        tokens = Tokens([KEY], clock=_EarlierClock())
        self._site_token = tokens.mint(SiteClaims(SITE))
        self._server_token = tokens.mint(ServerClaims(SITE, ("erase",)))
        self._clock = clock
        self._next = 0
        self._coming = asyncio.Event()
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.answers: Counter[str] = Counter()
        """Tries by status, or by what happened instead."""
        self.stored_unanswered = 0
        """Beacons whose first answer was lost: the second try was told that every event is a duplicate."""

    def come(self) -> None:
        """Let visitors come."""
        self._coming.set()

    def come_no_more(self) -> None:
        """Let no more visitors come; those who are here stay until they have been answered."""
        self._coming.clear()

    async def stay_away(self, *, deadline_s: float) -> None:
        """Let no more come; return when the last has gone.

        Raises:
            TimeoutError: some beacon is not answered.
        """
        self.come_no_more()
        async with asyncio.timeout(deadline_s):
            await self._idle.wait()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._habits.visitors):
                group.create_task(self._visitor(random.Random(f"{self._visits.seed}/visitor/{number}")))

    async def _visitor(self, rng: random.Random) -> None:
        connections = self.connections()
        first: Visit | None = None
        try:
            while True:
                await self._coming.wait()
                if self._oracle.undelivered() > self._habits.most_undelivered:
                    await asyncio.sleep(0.05)
                    continue
                self._active += 1
                self._idle.clear()
                try:
                    first = await self.visit(
                        connections, rng, beside=first if rng.random() < self._habits.seconds else None
                    )
                finally:
                    self._active -= 1
                    if not self._active:
                        self._idle.set()
        finally:
            for connection in connections:
                connection.close()

    def connections(self) -> list[Connection]:
        """As many as one visitor needs."""
        return [Connection(self.port) for _ in range(AT_ONCE)]

    async def visit(
        self, connections: Sequence[Connection], rng: random.Random, *, beside: Visit | None = None
    ) -> Visit | None:
        """One whole visit; the visit if a second user may come on its page."""
        number, self._next = self._next, self._next + 1
        visit = self._visits.visit(number) if beside is None else self._visits.second(number, beside)
        self._oracle.begin(visit)
        first, bound, position = 0, False, 0
        while position < len(visit.sizes):
            login = visit.login_at is not None and position >= visit.login_at
            token = login and (position == visit.login_at or visit.keeps_token or not bound)
            count = 1 if position == visit.login_at else self._at_once(rng, visit, position)
            under_way: list[Coroutine[Any, Any, str | None]] = []
            for size in visit.sizes[position : position + count]:
                under_way.append(
                    self._beacon(connections[len(under_way)], rng, visit, first, size, token=token, turn=position)
                )
                first += size
            said = set(await asyncio.gather(*under_way))
            bound = bound or bool(said & {"ok", "conflict"})
            position += count
            await asyncio.sleep(rng.uniform(0, self._habits.think_s))
        if visit.user_id is not None and visit.ends_with_erasure and self._habits.erases:
            await self._erase(connections[0], rng, visit)
            return None
        return visit if bound and not visit.is_second else None

    def _at_once(self, rng: random.Random, visit: Visit, position: int) -> int:
        """How many beacons from this one on are sent without waiting; none beside a login."""
        if not self._habits.at_once or rng.random() >= self._habits.at_once:
            return 1
        end = len(visit.sizes) if visit.login_at is None or position > visit.login_at else visit.login_at
        return min(end - position, rng.randint(2, AT_ONCE))

    async def _beacon(
        self, connection: Connection, rng: random.Random, visit: Visit, first: int, size: int, *, token: bool, turn: int
    ) -> str | None:
        """Post until it is answered; what the answer said of the identity."""
        born_ms = self._clock.now_ms()
        self._oracle.posts(visit, size, born_ms, token=token, turn=turn)
        skew_ms = rng.choice((0, 0, 250, -90_000))
        events = [
            self._visits.event(visit.number, n) | {"sentAt": born_ms + skew_ms} for n in range(first, first + size)
        ]
        lost_answer = False
        started = time.monotonic()
        for tries in range(100_000):
            body: dict[str, Any] = {
                "v": 1,
                "token": self._site_token,
                "sessionId": visit.page_session_id,
                "sentAt": self._clock.now_ms() + skew_ms,
                "userId": "mallory",
                "eventList": events,
            }
            if token and visit.user_id is not None:
                bound_to = visit.page_session_id if rng.random() < 0.5 else None
                body["identity"] = mint_identity(visit.user_id, secret_key=KEY, clock=self._clock, session_id=bound_to)
            if rng.random() < self._habits.goes_early:
                self.answers["closed by the client"] += 1
                await connection.post_and_go("/r/e", _encode(body), after_s=rng.uniform(0, 0.004))
                if not token and size and rng.random() < self._habits.gives_up:
                    return None
            else:
                answer = await self._try(connection, "/r/e", _encode(body))
                if answer is not None and answer.status == 202:
                    said = _decode(answer.body)
                    self.stored_unanswered += lost_answer and bool(size) and len(said["rejected"]) == size
                    slowest_ms = round((time.monotonic() - started) * 1000)
                    self._oracle.answered_202(visit, first, size, said, slowest_ms=slowest_ms, logged_in=token)
                    identity: str = said["identity"]
                    return identity
                lost_answer |= answer is None
            await asyncio.sleep(rng.uniform(0.01, min(0.3, 0.03 * 2**tries)) if tries < 8 else 0.3)
        raise AssertionError("never answered")

    async def _erase(self, connection: Connection, rng: random.Random, visit: Visit) -> None:
        self._oracle.forgets(visit)
        while True:
            answer = await self._try(
                connection, "/api/v1/erase", _encode({"userId": visit.user_id}), bearer=self._server_token
            )
            if answer is not None and answer.status == 200:
                self._oracle.erased(visit, self._clock.now_ms())
                return
            await asyncio.sleep(rng.uniform(0.05, 0.3))

    async def _try(self, connection: Connection, path: str, body: bytes, *, bearer: str | None = None) -> Answer | None:
        try:
            answer = await connection.post(path, body, bearer=bearer)
        except GoneError as error:
            self.answers[str(error)] += 1
            return None
        self.answers[str(answer.status)] += 1
        assert answer.status in {200, 202, 429, 503, *self._habits.front_says}, answer
        return answer
