"""Random histories of logins, logouts, tabs, restarts, thieves and late beacons, over HTTP, disk and dispatcher.

What is expected is worked out here from the beacons and their answers alone; what came of them is read from the
emulator: its calls after every step, and its interactions at the end.
"""

import asyncio
import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx2
import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from tests.identity.visitors import Sent, Visitors
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import ORIGIN, RunningRelay, running_relay

BROWSERS: Final = 3
BROWSER: Final = st.integers(0, BROWSERS - 1)
USER: Final = st.sampled_from(["ann", "bob", "cid"])
STEP: Final = st.one_of(
    st.tuples(st.just("browse"), BROWSER, st.integers(0, 3)),
    st.tuples(st.just("login"), BROWSER, USER, st.integers(0, 2), st.booleans()),
    st.tuples(st.just("logout"), BROWSER),
    st.tuples(st.just("late"), BROWSER, st.integers(0, 2), st.booleans()),
    st.tuples(st.just("again"), st.integers(0, 30)),
    st.tuples(st.just("stolen"), BROWSER, BROWSER),
    st.tuples(st.just("worthless"), BROWSER, USER, st.booleans()),
)
THEN: Final = st.sampled_from([*[""] * 8, "restart", "crash"])
MOMENT: Final = st.tuples(st.lists(STEP, min_size=1, max_size=4), THEN)
Moment = tuple[list[tuple[Any, ...]], str]
"""Steps that happen at once, and what then becomes of the relay."""

FAULTS: Final = {
    "none": {},
    "slow": {"delay_ms": 20},
    "answers get lost": {"delay_ms": 5, "reset": {"rate": 0.1, "taken": True}, "seed": 1},
}


class CrashError(Exception):
    """The relay goes down without draining."""


class History:
    """A relay that comes and goes, and what is known of everybody."""

    def __init__(self, emulator: RunningEmulator, folder: Path, linger_s: str) -> None:
        self.visitors = Visitors(BROWSERS)
        self._emulator = emulator
        self._settings: dict[str, Any] = {
            "spool_url": f"sqlite:///{folder / 'spool.db'}",
            "linger_s": linger_s,
            "drain_s": "0.2",
        }
        self._relay: RunningRelay
        self._stack = AsyncExitStack()
        self._calls_seen = 0
        self.proven: defaultdict[str, set[str]] = defaultdict(set)
        """Page session → users whose good token was sent with it so far."""
        self.owner: dict[str, str] = {}
        """Page session → the user to whom the answer was `ok`."""
        self.linked: set[str] = set()
        """Page sessions of which an event must have gone out with the owner."""
        self.answers: dict[str, tuple[Sent, str]] = {}
        """Item → its beacon and the answer on identity."""

    async def start(self) -> None:
        """Bring the relay up."""
        self._relay = await self._stack.enter_async_context(running_relay(env=self._emulator.env, **self._settings))

    async def stop(self) -> None:
        """Down in order; what is not delivered within the drain stays on disk."""
        await self._stack.aclose()

    async def crash(self) -> None:
        """Down without draining."""
        try:
            await self._stack.__aexit__(CrashError, CrashError(), None)
        except* CrashError:
            pass

    async def send(self, beacons: list[Sent]) -> None:
        """Send beacons at the same time; note what the answers say."""
        owned_before = dict(self.owner)
        for sent in beacons:
            if sent.proven:
                self.proven[sent.session].add(sent.proven)
        answers = await asyncio.gather(*(self._post(sent) for sent in beacons))
        for sent, answer in zip(beacons, answers, strict=True):
            identity = answer["identity"]
            self._note(sent, identity)
            owner = self.owner.get(sent.session)
            if sent.items and owner and (identity == "ok" or (owned_before.get(sent.session) and identity == "none")):
                self.linked.add(sent.session)
            if identity == "conflict":
                self.visitors.heard_of_conflict(sent.session)
        self.check_calls()

    async def _post(self, sent: Sent) -> dict[str, Any]:
        beacon = {"v": 1, "token": self._relay.site_token, "sentAt": self._relay.clock.now_ms()} | sent.fields
        answer = await self._relay.post(beacon, origin=ORIGIN)
        assert answer.status_code == 202, answer.text
        decoded: dict[str, Any] = answer.json()
        assert decoded["accepted"] + len(decoded["rejected"]) == len(sent.items)
        assert {one["reason"] for one in decoded["rejected"]} <= {"duplicate"}
        return decoded

    def _note(self, sent: Sent, identity: str) -> None:
        if sent.proven:
            assert identity in ("ok", "conflict")
        else:
            assert identity in ("none", "expired", "invalid", "mismatch")
        if identity == "ok" and sent.proven:
            assert self.owner.setdefault(sent.session, sent.proven) == sent.proven, "two users were told they own it"
        if identity == "conflict":
            assert self.owner.get(sent.session, "") != sent.proven
        for item in sent.items:
            assert self.answers.setdefault(item, (sent, identity))[1] == identity, "the same beacon, another answer"

    def check_calls(self) -> None:
        """Of the calls since the last look: nobody in them whose token had not come by now."""
        bodies = self._emulator.bodies()
        for body in bodies[self._calls_seen :]:
            assert 1 <= len(body["eventList"]) <= 10
            for one in body["eventList"]:
                sent, _ = self.answers.get(one["itemId"]) or self._under_way(one["itemId"])
                user = body.get("userId")
                assert user is None or user in self.proven[sent.session], "a user who had not logged in there"
        self._calls_seen = len(bodies)

    def _under_way(self, item: str) -> tuple[Sent, str]:
        return next((sent, "") for sent in self.visitors.sent if item in sent.items)

    async def end(self) -> None:
        """Let everything out, and compare."""
        self._emulator.emulator.faults.apply(type(self._emulator.emulator.faults.spec)())
        await self._relay.delivered()
        self.check_calls()
        self._check_sessions()
        self._check_events()
        await self._check_interactions()

    def _check_sessions(self) -> None:
        users: defaultdict[str, set[str]] = defaultdict(set)
        for body in self._emulator.bodies():
            if "userId" in body:
                users[body["sessionId"]].add(body["userId"])
        assert all(len(found) == 1 for found in users.values()), "two users in one session"
        event(f"sessions with a user: {len(users)}")
        event(f"answers: {sorted({identity for _, identity in self.answers.values()})}")

    def _check_events(self) -> None:
        seen = defaultdict[str, list[dict[str, Any]]](list)
        for one in self._emulator.events():
            seen[one["itemId"]].append(one)
        assert set(seen) == set(self.answers), "every accepted event, and no other"
        pages = {sent.session for sent in self.visitors.sent}
        for item, (sent, identity) in self.answers.items():
            for one in seen[item]:
                where, user = one["sessionId"], one.get("userId")
                assert one["eventId"] == f"id-of-{item}"
                if identity == "conflict":
                    assert user == sent.proven
                    assert where not in pages
                else:
                    assert where == sent.session
                    assert user in ({sent.proven} if identity == "ok" else {None, self.owner.get(sent.session)})

    async def _check_interactions(self) -> None:
        async with httpx2.AsyncClient(timeout=15) as http:
            text = (await http.get(f"{self._emulator.url}/_emulator/interactions.csv")).text
        rows = list(csv.DictReader(io.StringIO(text)))
        users = {row["ITEM_ID"]: row["USER_ID"] for row in rows}
        assert len(users) == len(rows), "an interaction counted twice"
        for item, (sent, identity) in self.answers.items():
            if identity in ("ok", "conflict"):
                assert users[item] == sent.proven
            elif sent.session in self.linked:
                assert users[item] == self.owner[sent.session]
            else:
                assert users.get(item) in (None, self.owner.get(sent.session))
        assert set(users) <= set(self.answers)


def composed(visitors: Visitors, step: tuple[Any, ...]) -> Iterable[Sent]:
    """The beacon of a step, if it is one that sends."""
    sent: Sent | None = None
    match step:
        case ("logout", browser):
            visitors.renew(browser)
        case ("browse", browser, events):
            sent = visitors.browse(browser, events=events)
        case ("login", browser, user, events, for_session):
            sent = visitors.login(browser, user, events=events, for_session=for_session)
        case ("late", browser, back, anonymous):
            sent = visitors.late(browser, back, anonymous=anonymous)
        case ("again", place):
            sent = visitors.again(place)
        case ("stolen", thief, victim):
            sent = visitors.stolen(thief, victim)
        case ("worthless", browser, user, expired):
            sent = visitors.worthless(browser, user, expired=expired)
        case _:
            raise AssertionError(step)
    return [sent] if sent else []


@pytest.mark.faults
@pytest.mark.timeout(180)
@given(
    st.lists(MOMENT, min_size=10, max_size=16),
    st.sampled_from(list(FAULTS)),
    st.sampled_from(["0", "0.1"]),
)
@settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
def test_no_history_ends_in_a_wrong_user(moments: list[Moment], faults: str, linger_s: str) -> None:
    asyncio.run(play(moments, faults, linger_s))


async def play(moments: list[Moment], faults: str, linger_s: str) -> None:
    with TemporaryDirectory() as folder:
        async with running_emulator() as emulator:
            async with httpx2.AsyncClient() as http:
                answer = await http.put(f"{emulator.url}/_emulator/faults", json=FAULTS[faults])
                assert answer.status_code == 200
            history = History(emulator, Path(folder), linger_s)
            await history.start()
            try:
                for steps, then in moments:
                    await history.send([sent for step in steps for sent in composed(history.visitors, step)])
                    if then:
                        await (history.crash() if then == "crash" else history.stop())
                        await history.start()
                await history.end()
            finally:
                await history.stop()
