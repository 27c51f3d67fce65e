"""Intake over a spool in memory: histories of logins, logouts, tabs, restarts and late beacons."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.errors import SpoolError, SpoolFullError
from relay.core.model import Binding, NewRecord, Reason
from relay.core.telemetry import Metrics
from relay.identity.decision import Decision, Identities, IdentityResult
from relay.identity.tokens import IdentityClaims, Tokens
from relay.intake.from_browser import Destination, Intake, Taken
from relay.intake.sources import Sources
from relay.spool.memory import MemorySpool
from relay.spool.receipt import Receipt
from relay.spool.schedule.bindings import Bindings
from relay.wire.event import BeaconEvent, Rejected
from tests.spool.leases import whole
from tests.support.clock import FakeClock
from tests.support.records import events_of

KEY = "k" * 32
SHOP = Destination("shop", "tracker", frozenset({"View", "Click"}))
S = "session-0123456789"


class RefusingSpool(MemorySpool):
    """Refuses as long as it is told to."""

    refusing: SpoolError | None = None

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        if self.refusing:
            raise self.refusing
        return super().append(records, binding)


class Relay:
    """Intake and what it needs; `restart` forgets all but the spool."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.spool = RefusingSpool(clock=self.clock, max_bytes=1 << 24)
        self.tokens = Tokens([KEY], clock=self.clock)
        self.made = 0
        self.intake = self._intake()

    def _intake(self) -> Intake:
        identities = Identities(
            verify=self.tokens.identity, sessions=self.spool.sessions, erased=self.spool.erased, secret_key=KEY
        )
        return Intake(
            spool=self.spool,
            identities=identities,
            metrics=Metrics(),
            clock=self.clock,
            make_id=self._make_id,
            sources=Sources(KEY),
            max_event_age_s=30 * 86_400,
        )

    def _make_id(self) -> str:
        self.made += 1
        return f"made-{self.made}"

    async def restart(self) -> None:
        self.spool.sessions = Bindings(clock=self.clock, ttl_s=86_400)
        self.spool.sessions.load(await self.spool.bindings())
        self.intake = self._intake()

    def login(self, user: str, session: str | None = None) -> str:
        return self.tokens.mint(IdentityClaims(user, session))

    async def take(
        self, *events: BeaconEvent | Rejected, session: str = S, token: object = None, sent_at_ms: float | None = None
    ) -> Taken:
        decision = self.intake.decide(destination=SHOP, session_id=session, identity_token=token)
        assert isinstance(decision, Decision), "nobody has to be asked"
        begun = self.intake.begin(
            events, destination=SHOP, session_id=session, sent_at_ms=sent_at_ms, decision=decision
        )
        return self.intake.finish(begun, await begun.stored)

    async def deliver(self) -> list[tuple[str, str | None, str]]:
        """Everything that waits, as (session, user, event id), delivered."""
        done: list[tuple[str, str | None, str]] = []
        while self.spool.stats().pending:
            for lease in await self.spool.lease(max_sessions=100):
                assert len({record.user_id for record in lease.records}) == 1
                done += [(one.key.session_id, one.user_id, one.event_id) for one in events_of(lease.records)]
                self.spool.settle(lease, delivered=whole(lease))
        return done


async def test_good_and_bad_events_keep_their_places() -> None:
    relay = Relay()
    taken = await relay.take(
        Rejected(Reason.BAD_TYPE, "eventList"),
        BeaconEvent("View", "e1"),
        BeaconEvent("Buy", "e2"),
        BeaconEvent("View", "e1"),
        BeaconEvent("View", "e3", sent_at=5.0),
        BeaconEvent("Click"),
    )
    assert (taken.accepted, taken.identity) == (2, IdentityResult.NONE)
    assert [(one.index, one.reason, one.event_id) for one in taken.rejected] == [
        (0, Reason.BAD_TYPE, None),
        (2, Reason.UNKNOWN_EVENT_TYPE, "e2"),
        (3, Reason.DUPLICATE, "e1"),
        (4, Reason.BAD_TIME, "e3"),
    ]
    assert [event_id for _, _, event_id in await relay.deliver()] == ["e1", "made-1"]


async def test_a_browser_years_off_is_corrected_by_the_beacon_s_own_time() -> None:
    relay = Relay()
    wrong_ms = relay.clock.now_ms() - 20 * 365 * 86_400_000
    taken = await relay.take(BeaconEvent("View", "e1", sent_at=wrong_ms - 5000.0), sent_at_ms=float(wrong_ms))
    assert taken.accepted == 1
    (lease,) = await relay.spool.lease(max_sessions=1)
    assert json.loads(lease.records[0].body)["sentAt"] == (relay.clock.now_ms() - 5000) // 1000


@pytest.mark.parametrize("refusal", [SpoolFullError(), SpoolError()], ids=["full", "broken"])
async def test_a_login_the_disk_refused_is_saved_with_the_next_beacon(refusal: SpoolError) -> None:
    relay = Relay()
    relay.spool.refusing = refusal
    with pytest.raises(SpoolError):
        await relay.take(BeaconEvent("View", "e1"), token=relay.login("u1"))
    relay.spool.refusing = None
    assert (await relay.take(BeaconEvent("View", "e2"), token=relay.login("u2"))).identity is IdentityResult.CONFLICT
    await relay.take(BeaconEvent("View", "e3"))
    await relay.restart()
    await relay.take(BeaconEvent("View", "e4"))
    by_event = {event: (session, user) for session, user, event in await relay.deliver()}
    assert by_event["e3"] == by_event["e4"] == (S, "u1")
    assert by_event["e2"][0] != S


async def test_logins_racing_on_one_session_do_not_mix() -> None:
    relay = Relay()
    await asyncio.gather(
        *(relay.take(BeaconEvent("View", f"{user}{n}"), token=relay.login(user)) for n in range(5) for user in "abc")
    )
    users_of: dict[str, set[str | None]] = {}
    for session, user, event in await relay.deliver():
        assert user == event[0]
        users_of.setdefault(session, set()).add(user)
    assert len(users_of) == 3
    assert all(len(users) == 1 for users in users_of.values())


USERS = st.sampled_from(["ann", "bob", "cid"])
SESSIONS = st.integers(0, 2)
STEPS = st.one_of(
    st.tuples(st.just("anonymous"), SESSIONS, st.none()),
    st.tuples(st.just("login"), SESSIONS, USERS),
    st.tuples(st.just("login for the session"), SESSIONS, USERS),
    st.tuples(st.just("stolen token"), SESSIONS, USERS),
    st.tuples(st.just("forged token"), SESSIONS, USERS),
    st.tuples(st.just("late beacon"), SESSIONS, USERS),
    st.tuples(st.just("deliver"), st.just(0), st.none()),
    st.tuples(st.just("restart"), st.just(0), st.none()),
    st.tuples(st.just("an hour passes"), st.just(0), st.none()),
)


@given(st.lists(STEPS, max_size=40))
def test_no_history_shows_a_wrong_user_or_two_users_in_a_session(steps: list[tuple[str, int, str | None]]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[str, int, str | None]]) -> None:
    relay = Relay()
    forger = Tokens(["x" * 32], clock=relay.clock)
    said: dict[str, str | None] = {}  # event → the user its token named, where it was good for its session
    page_of: dict[str, str] = {}
    logins: dict[str, set[str]] = {}
    delivered: list[tuple[str, str | None, str]] = []
    for number, (what, tab, user) in enumerate(steps):
        session, event = f"session-of-tab-{tab:06}", f"e{number}"
        if what == "deliver":
            delivered += await relay.deliver()
            continue
        if what == "restart":
            await relay.restart()
            continue
        if what == "an hour passes":
            relay.clock.advance(3600)
            continue
        token: object = None
        if user is not None:
            old = relay.login(user)
            token = {
                "login": old,
                "login for the session": relay.login(user, session),
                "stolen token": relay.login(user, "session-of-the-victim"),
                "forged token": forger.mint(IdentityClaims(user)),
                "late beacon": old,
            }[what]
        good = what in ("login", "login for the session", "late beacon")
        page_of[event], said[event] = session, user if good else None
        if good and user is not None:
            logins.setdefault(session, set()).add(user)
        await relay.take(BeaconEvent("View", event), session=session, token=token)
    delivered += await relay.deliver()

    users_of: dict[str, set[str]] = {}
    for session, user, event in delivered:
        if user is not None:
            users_of.setdefault(session, set()).add(user)
            assert user in logins.get(page_of[event], set()), "nobody logged in there as this user"
        if said[event] is not None:
            assert user == said[event], "a good token names the user of its own events"
    assert all(len(users) == 1 for users in users_of.values()), "two users in one session"
    assert sorted(event for _, _, event in delivered) == sorted(page_of), "every event once"
