"""Browsers on shared computers, tabs of yesterday and thieves: composes what they send, and decides nothing."""

from dataclasses import dataclass, field
from typing import Any

from relay.core.clock import SystemClock
from relay.identity.tokens import mint_identity
from tests.support.clock import FakeClock
from tests.support.relay import KEY


@dataclass(frozen=True)
class Login:
    """An identity token, and what it is worth."""

    token: str
    user: str | None
    """Whom it proves; None where it is forged or expired."""
    only: str | None = None
    """The session it is for; None: any."""


@dataclass(frozen=True)
class Sent:
    """One beacon."""

    session: str
    login: Login | None
    items: tuple[str, ...]

    @property
    def proven(self) -> str | None:
        """The user its token proves for its session."""
        good = self.login is not None and self.login.only in (None, self.session)
        return self.login.user if self.login and good else None

    @property
    def fields(self) -> dict[str, Any]:
        """Of the beacon; the same however often it is sent."""
        events = [{"eventType": "View", "itemId": item, "eventId": f"id-of-{item}"} for item in self.items]
        token = {"identity": self.login.token} if self.login else {}
        return {"sessionId": self.session, "eventList": events} | token


@dataclass
class Browser:
    """One browser on one computer, with the snippet's memory in it."""

    number: int
    sessions_before: int = 0
    logins: dict[str, Login] = field(default_factory=dict)
    """Session → its token; of sessions that are over, too."""

    @property
    def session(self) -> str:
        return self.earlier_session(0)

    def earlier_session(self, back: int) -> str:
        """The session `back` sessions ago, at most the first."""
        return f"browser-{self.number}-session-{max(0, self.sessions_before - back):04}"


class Visitors:
    """Composes beacons, and moves the browsers on. The first is a kiosk, with one session for ever."""

    def __init__(self, browsers: int) -> None:
        self.browsers = [Browser(number) for number in range(browsers)]
        self.sent: list[Sent] = []
        self._items = 0

    def browse(self, browser: int, *, events: int) -> Sent:
        """From a tab of today."""
        session = self.browsers[browser].session
        return self._beacon(session, self.browsers[browser].logins.get(session), events)

    def login(self, browser: int, user: str, *, events: int, for_session: bool) -> Sent:
        """Somebody logs in, whether or not somebody else has logged out."""
        session = self.browsers[browser].session
        only = session if for_session else None
        self.browsers[browser].logins[session] = Login(mint_identity(user, secret_key=KEY, session_id=only), user, only)
        return self.browse(browser, events=events)

    def renew(self, browser: int) -> None:
        """A logout: a new session, of nobody."""
        if browser > 0:
            self.browsers[browser].sessions_before += 1

    def heard_of_conflict(self, session: str) -> None:
        """As the snippet does: a new session, and the token goes along."""
        for browser in self.browsers[1:]:
            if browser.session == session and session in browser.logins:
                self.renew(browser.number)
                browser.logins[browser.session] = browser.logins[session]

    def late(self, browser: int, back: int, *, anonymous: bool) -> Sent:
        """From a tab or an outbox of a session that is over, with that session's token or from before it came."""
        session = self.browsers[browser].earlier_session(back)
        return self._beacon(session, None if anonymous else self.browsers[browser].logins.get(session), 1)

    def again(self, place: int) -> Sent | None:
        """One whose answer got lost, or that somebody captured, as it was."""
        return self.sent[place % len(self.sent)] if self.sent else None

    def stolen(self, thief: int, victim: int) -> Sent:
        """The token of one browser with the session of another."""
        loot = self.browsers[victim].logins.get(self.browsers[victim].session)
        return self._beacon(self.browsers[thief].session, loot, 1)

    def worthless(self, browser: int, user: str, *, expired: bool) -> Sent:
        """A token that is over, or that nobody of ours has signed."""
        long_ago = FakeClock(SystemClock().now_ms() - 10 * 86_400_000) if expired else None
        token = mint_identity(user, secret_key=KEY if expired else "forged" * 6, clock=long_ago)
        return self._beacon(self.browsers[browser].session, Login(token, None), 1)

    def _beacon(self, session: str, login: Login | None, events: int) -> Sent:
        items = tuple(f"item-{self._items + number}" for number in range(events if login else max(1, events)))
        self._items += len(items)
        self.sent.append(Sent(session, login, items))
        return self.sent[-1]
