"""What was promised of each event, what became of it at the service, and whether that is what the rules say."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Any, Final, NamedTuple

from tests.identity.chance.rules import Outcome, Owned

USERS: Final = ("ann", "bob", "cid", "42")
UNDER_WAY_MS: Final = 2500
"""A call that is on its way when somebody logs in, or is erased, cannot be changed; it ends within this."""
SETTLED_MS: Final = 1500
"""What was delivered so long before a kill is known, on disk, to be delivered."""
_MOST_STORIES: Final = 12

SessionName = tuple[str, str]
"""Tracking id and session id."""


class Span(NamedTuple):
    """Something happened between two moments of the machine."""

    from_ms: float
    to_ms: float


@dataclass(eq=False)
class Session:
    """A session of a tracker, as the page or the backend names it."""

    name: SessionName
    states: set[Owned] = field(default_factory=lambda: {Owned()})
    owners: list[tuple[float, frozenset[str]]] = field(default_factory=list, repr=False)
    """Until when on the machine's clock, whose it may have been."""
    logins: list[Span] = field(default_factory=list, repr=False)
    """Each time that somebody certainly logged in: what waits is theirs from then on."""
    derived_from: "Session | None" = None
    second_user: str | None = None
    busy: int = 0

    def own(self, states: Iterable[Owned], span: Span, *, is_login: bool) -> None:
        """From now on it is in one of these states, by a login or by anything else.

        A session whose time is over keeps its user's name and links nothing: being somebody's is no login.
        """
        self.states = set(states)
        self.owners.append((span.to_ms, frozenset(one.user for one in self.states if one.user)))
        if is_login and all(one.user for one in self.states):
            self.logins.append(span)


@dataclass(eq=False)
class Promised:
    """An event: one id in one session."""

    session: Session
    event_id: str
    item: str
    sent_ms: float
    """When it was sent first."""
    place: tuple[int, int]
    """Its beacon and place in it."""
    answered_ms: float = inf
    """When it was certain to be stored."""
    outcomes: set[Outcome] = field(default_factory=set)
    accepted: list[Span] = field(default_factory=list)
    """Each time that it was taken as a new one."""
    perhaps_again: list[Span] = field(default_factory=list)
    """The same where an answer was lost."""
    arrivals: list[tuple[float, bool, str, str | None]] = field(default_factory=list)
    """When, whether the answer was spoilt, session id, user; of each call that held it."""


class Ledger:
    """Told of everything; judges at the end."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str, str], Promised] = {}
        """By tracking id, event id and item."""
        self.sessions: dict[SessionName, Session] = {}
        self.seconds: dict[tuple[Session, str], Session] = {}
        """Sessions derived from another for a second user; their names are known once the service has seen them."""
        self.erasures: dict[str, list[Span]] = defaultdict(list)
        self.allowances: dict[str, list[Span]] = defaultdict(list)
        """Both by user."""
        self.pages: set[str] = set()
        """Session ids that pages and backends made up."""
        self.erased_sessions: dict[str, list[Span]] = defaultdict(list)
        """By the id that the page names."""
        self.ends: list[Span] = []
        """Each time a relay's process was killed or stopped."""
        self.long_breaks: list[float] = []
        self.first_arrivals: dict[SessionName, list[Promised]] = defaultdict(list)
        self.wrongs: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        """What happened at all."""
        self.stories: list[str] = []
        self._users: dict[SessionName, tuple[str, float]] = {}

    def wrong(self, kind: str, story: str) -> None:
        """A rule was broken."""
        self.wrongs[kind] += 1
        if len(self.stories) < _MOST_STORIES:
            self.stories.append(f"{kind}: {story}")

    def session(self, name: SessionName) -> Session:
        """The session of that name."""
        if name not in self.sessions:
            self.sessions[name] = Session(name)
        return self.sessions[name]

    def second(self, session: Session, user: str) -> Session:
        """The session of a second user of a session, whatever its id is."""
        if (session, user) not in self.seconds:
            name = (session.name[0], f"second of {session.name[1]} for {user}")
            self.seconds[session, user] = Session(name, derived_from=session, second_user=user)
        return self.seconds[session, user]

    def all_sessions(self) -> list[Session]:
        """Those derived, too."""
        return list({id(one): one for one in (*self.sessions.values(), *self.seconds.values())}.values())

    # ── told by the service ─────────────────────────────────────────────────────────────────────────────────

    def took(self, body: Mapping[str, Any], at_ms: float, *, spoilt: bool) -> None:
        """The service acted on a call."""
        name, user = (body["trackingId"], body["sessionId"]), body.get("userId")
        if user is not None:
            self._check_company(name, user, at_ms)
            self._check_erased(user, at_ms)
        if not 1 <= len(body["eventList"]) <= 10:
            self.wrong("size", str(body))
        for entry in body["eventList"]:
            promised = self.events.get((name[0], entry["eventId"], entry["itemId"]))
            if promised is None:
                self.wrong("invented", f"{name} {entry}")
                continue
            if not promised.arrivals:
                self.first_arrivals[name].append(promised)
            if user is not None and name not in self.sessions and name[1] not in self.pages:
                self._meet(name, self.second(promised.session, user))
            promised.arrivals.append((at_ms, spoilt, name[1], user))

    def _meet(self, name: SessionName, second: Session) -> None:
        """The first time a derived session is seen: from now on a thief may name it."""
        if second not in self.sessions.values():
            second.name = name
            self.sessions[name] = second

    def erased(self, is_theirs: Callable[[Owned], bool]) -> None:
        """An erasure was answered: of sessions that are in use at this moment nobody knows what came first."""
        for session in self.all_sessions():
            after = {Owned() if is_theirs(one) else one for one in session.states}
            session.states = session.states | after if session.busy else after

    def erased_session(self, session: Session) -> None:
        """The same of a session, which takes those along that were derived from it."""
        for one in self.all_sessions():
            if session in lineage(one):
                is_sure = (one.derived_from in (None, session) and not one.busy) or (one is session and not one.busy)
                one.states = {Owned()} if is_sure else one.states | {Owned()}

    def _check_company(self, name: SessionName, user: str, at_ms: float) -> None:
        before, since_ms = self._users.get(name, (user, at_ms))
        session = self.sessions.get(name)
        gone = [span.from_ms for span in self.erasures[before]] + self.long_breaks
        if session is not None:
            gone += [span.from_ms for one in lineage(session) for span in self.erased_sessions[one.name[1]]]
        if before != user and not any(one < at_ms for one in gone):
            self.wrong("two users", f"{name}: {before} at {since_ms}, {user} at {at_ms}")
        self._users[name] = (user, at_ms)

    def _check_erased(self, user: str, at_ms: float) -> None:
        if all(self.may_be_refused(user, Span(at_ms - UNDER_WAY_MS, at_ms))):
            self.wrong("erased", f"{user} at {at_ms}: erased {self.erasures[user]}, allowed {self.allowances[user]}")

    def erased_during(self, session: Session, span: Span) -> set[str]:
        """Users whose hold on a session may have been erased in this time: by their erasure, or the session's."""
        if any(_met(self.erased_sessions[one.name[1]], span) for one in lineage(session)):
            return set(USERS)
        return {user for user, spans in self.erasures.items() if _met(spans, span)}

    def may_be_refused(self, user: str, during: Span) -> set[bool]:
        """What may hold of a user at some moment of a time: whether they are erased."""
        found = {False}
        changes = [(span, True) for span in self.erasures[user]] + [(span, False) for span in self.allowances[user]]
        for span, refused in sorted(changes):
            if span.to_ms < during.from_ms:
                found = {refused}
            elif span.from_ms <= during.to_ms:
                found = found | {refused}
        return found

    # ── the verdict ─────────────────────────────────────────────────────────────────────────────────────────

    def judge(self) -> None:
        """Compare what was promised with what arrived."""
        derived: dict[str, tuple[Session, str | None]] = {}
        for promised in self.events.values():
            for again in promised.accepted[1:]:
                if not self._may_be_forgotten(promised, again):
                    self.wrong(
                        "taken twice",
                        f"{promised.event_id} of {promised.session.name}: {promised.accepted}",
                    )
            if not promised.arrivals:
                if promised.answered_ms < inf and not self._may_have_been_erased(promised):
                    self.wrong("lost", f"{promised.event_id} of {promised.session.name}, {promised.outcomes}")
                continue
            for arrival in promised.arrivals:
                self._check_arrival(promised, arrival, derived)
            self._check_repeats(promised)
        for name, arrived in self.first_arrivals.items():
            self._check_order(name, arrived)

    def _check_arrival(
        self,
        promised: Promised,
        arrival: tuple[float, bool, str, str | None],
        derived: dict[str, tuple[Session, str | None]],
    ) -> None:
        at_ms, _, session_id, user = arrival
        is_derived = session_id != promised.session.name[1]
        fitting = [one for one in promised.outcomes if one.derived == is_derived and self._fits(promised, one, user)]
        if not fitting:
            self.wrong(
                "wrong user",
                f"{promised.event_id} of {promised.session.name} arrived for {user} in {session_id},"
                f" may be {promised.outcomes}; owners {promised.session.owners[-3:]}",
            )
        elif is_derived:
            whose = derived.setdefault(f"{promised.session.name[0]} {session_id}", (promised.session, user))
            if whose != (promised.session, user) or session_id in self.pages:
                self.wrong("not derived", f"{session_id} is of {whose}, and of {(promised.session.name, user)}")
            self.seen["under a derived session"] += 1
        elif user is None and all(one.open for one in fitting) and not self._was_forgotten(promised):
            late = [
                span
                for span in promised.session.logins
                if span.from_ms > promised.answered_ms and at_ms > span.to_ms + UNDER_WAY_MS
            ]
            if late:
                self.wrong(
                    "not linked", f"{promised.event_id} of {promised.session.name}: login {late[0]}, sent {at_ms}"
                )
        elif user is not None and all(one.open for one in fitting):
            self.seen["linked while it waited"] += 1

    def _fits(self, promised: Promised, outcome: Outcome, user: str | None) -> bool:
        if not outcome.open or user is None:
            return outcome.user == user
        return any(user in users for to_ms, users in promised.session.owners if to_ms >= promised.sent_ms)

    def _check_repeats(self, promised: Promised) -> None:
        if self._was_forgotten(promised):
            return  # each time it was another event to the relay
        earlier = promised.arrivals[:-1]
        excused = sum(
            spoilt or any(end.from_ms - SETTLED_MS <= at_ms <= end.to_ms for end in self.ends)
            for at_ms, spoilt, _, _ in earlier
        )
        if excused < len(earlier):
            self.wrong(
                "sent twice", f"{promised.event_id} of {promised.session.name}: {promised.arrivals}; ends {self.ends}"
            )
        if len({session_id for _, _, session_id, _ in promised.arrivals}) > 1:
            self.wrong("in two sessions", f"{promised.event_id}: {promised.arrivals}")
        users = [user for _, _, _, user in promised.arrivals]
        if any(one is not None and one != two for one, two in pairwise(users)):
            self.wrong("its user changed", f"{promised.event_id}: {promised.arrivals}")
        self.seen["repeats"] += len(earlier)

    def _check_order(self, name: SessionName, arrived: list[Promised]) -> None:
        newest = -inf
        places: dict[int, int] = {}
        for promised in arrived:
            if self._was_forgotten(promised):
                continue
            if promised.answered_ms < newest:
                self.wrong("out of order", f"{promised.event_id} in {name}")
            newest = max(newest, promised.sent_ms)
            beacon, place = promised.place
            if places.get(beacon, -1) > place:
                self.wrong("out of order", f"{promised.event_id} in its beacon, {name}")
            places[beacon] = max(place, places.get(beacon, -1))

    def _was_forgotten(self, promised: Promised) -> bool:
        return len(promised.accepted) > 1 or any(
            self._may_be_forgotten(promised, one) for one in promised.perhaps_again
        )

    def _may_be_forgotten(self, promised: Promised, again: Span) -> bool:
        """A relay knows what waits; which events had left before it started it does not know."""
        return self._may_have_been_erased(promised) or any(
            arrival[0] <= end.to_ms and end.from_ms <= again.to_ms for arrival in promised.arrivals for end in self.ends
        )

    def _may_have_been_erased(self, promised: Promised) -> bool:
        users = {one.user for one in promised.outcomes if one.user}
        if any(one.open for one in promised.outcomes):
            users.update(*(users for to_ms, users in promised.session.owners if to_ms >= promised.sent_ms))
        spans = [span for user in users for span in self.erasures[user]]
        spans += [span for one in lineage(promised.session) for span in self.erased_sessions[one.name[1]]]
        return any(span.to_ms > promised.sent_ms for span in spans)


def _met(spans: Iterable[Span], span: Span) -> bool:
    return any(one.to_ms >= span.from_ms and one.from_ms <= span.to_ms for one in spans)


def lineage(session: Session) -> Iterator[Session]:
    """A session, the one it was derived from, and so on."""
    one: Session | None = session
    while one is not None:
        yield one
        one = one.derived_from
