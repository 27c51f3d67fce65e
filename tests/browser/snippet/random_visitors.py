"""People who share a browser do anything, in any order, and a model says whose every event is.

The model knows what the snippet's README promises, not how it is done: a page that was told a valid token sends as that
user until it is told otherwise, whatever else it is told, whatever the network, the clock and the site's storage do.
"""

import base64
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page
from starlette.responses import JSONResponse, Response

from tests.support.browser import until
from tests.support.collector import Beacon, Collector

HOSTS: Final = ("www.shop.example", "pay.shop.example")
USERS: Final = ("alice", "bob")
IDLE_S: Final = 3
TAG: Final = f'data-flush-ms="40" data-session-minutes="{IDLE_S / 60}"'


def token(user: str, kind: str, number: int, session: str | None = None) -> str:
    """An identity token as a relay mints it, with what the model relay says of it in place of a signature."""
    claims = json.dumps({"sub": user} | ({"sid": session} if session else {}))
    return f"{base64.urlsafe_b64encode(claims.encode()).decode().rstrip('=')}.{number:06}.{kind}{'x' * 20}"


@dataclass
class ModelRelay:
    """What a relay makes of beacons: whose each event is."""

    rng: Random
    bound: dict[str, str] = field(default_factory=dict)
    """Session → user."""
    events: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Event id → session it goes out under, and user."""
    never: set[str] = field(default_factory=set)
    """Events that no binding may link."""
    loses_answers: bool = False

    def receive(self, beacon: Beacon) -> Response:
        session, said = beacon["sessionId"], beacon.get("identity")
        user = self.bound.get(session)
        result = "none"
        if said:
            claims, _, kind = said.split(".")
            read = json.loads(base64.urlsafe_b64decode(claims + "=="))
            if not kind.startswith("valid"):
                result = "expired" if kind.startswith("expired") else "invalid"
            elif read.get("sid") not in (None, session):
                result, user = "mismatch", None
                self.never |= {event["eventId"] for event in beacon["eventList"]} - self.events.keys()
            elif self.bound.setdefault(session, read["sub"]) == read["sub"]:
                result, user = "ok", read["sub"]
            else:
                result, user = "conflict", read["sub"]
                session = f"{session} of {user}"
                self.bound[session] = user
        accepted, rejected = 0, []
        for index, event in enumerate(beacon["eventList"]):
            if event["eventId"] in self.events:
                rejected.append({"index": index, "eventId": event["eventId"], "reason": "duplicate"})
            else:
                self.events[event["eventId"]] = (session, user)
                accepted += 1
        if self.loses_answers and self.rng.random() < 0.4:
            return Response(status_code=503)
        return JSONResponse({"accepted": accepted, "rejected": rejected, "identity": result}, 202)

    def user_of(self, event_id: str) -> str | None:
        """Whose the event is in the end: what was nobody's is linked by its session."""
        session, user = self.events[event_id]
        return user or (None if event_id in self.never else self.bound.get(session))


@dataclass(eq=False)
class Tab:
    """A page, and what it was told."""

    page: Page
    host: str
    told: str | None = None
    session: str = ""
    is_named: bool = False
    """Its token names a session: after a break it is none."""


ANY: Final = "anybody"
"""An event of a page that was told nothing: it shares the session used last, whosever that is."""


class Visitors:
    """The browser, the pages, and the expectation."""

    def __init__(self, collector: Collector, context: BrowserContext, seed: int) -> None:
        self.rng = Random(seed)
        self.relay = ModelRelay(self.rng)
        self.collector = collector
        collector.answer = self.relay.receive
        self.context = context
        self.tabs: list[Tab] = []
        self.expected: dict[str, str] = {}
        """Item of each event → whose it has to be."""
        self.log: list[str] = []
        self._made = 0
        self._offline = False

    async def open(self, _: Tab | None = None) -> None:
        host = self.rng.choice(HOSTS)
        page = await self.context.new_page()
        await page.goto(self.collector.page("/", "", tag=TAG).replace("127.0.0.1", host))
        await page.wait_for_function("window.relay && !Array.isArray(relay.q)")
        tab = Tab(page, host)
        self.tabs.append(tab)
        tab.session = await self.session(tab)

    async def session(self, tab: Tab) -> str:
        found: str = await tab.page.evaluate("new Promise(done => relay('session', done))")
        return found

    async def event(self, tab: Tab) -> None:
        self._made += 1
        item = f"e{self._made}"
        await tab.page.evaluate(f"relay('event', 'Click', {{itemId: '{item}'}})")
        self.expected[item] = ANY if tab.told is None or tab.is_named else tab.told

    async def tell(self, tab: Tab) -> None:
        user = self.rng.choice(USERS)
        kind = self.rng.choice(("valid", "valid", "valid", "expired", "forged"))
        self._made += 1
        names = kind == "valid" and self.rng.random() < 0.2
        said = token(user, kind, self._made, await self.session(tab) if names else None)
        await tab.page.evaluate(f"relay('user', '{said}')")
        self.log[-1] += f" {kind} {user}{' naming its session' if names else ''}"
        if kind == "valid":
            tab.told, tab.is_named = user, names
        tab.session = await self.session(tab)

    async def log_out(self, tab: Tab) -> None:
        sessions = {id(other): await self.session(other) for other in self.tabs if other.told}
        # Asked last: to ask is activity, and a page that was told nothing is in the session used last.
        ended = await self.session(tab)
        await tab.page.evaluate("relay('user', null)")
        for other in self.tabs:
            if other is tab or sessions.get(id(other)) == ended:
                other.told, other.is_named = None, False

    async def step(self) -> None:
        """Something happens."""
        tab = self.rng.choice(self.tabs)
        weights = {
            "event": 8,
            "tell": 5,
            "log_out": 1,
            "open": 1 if len(self.tabs) < 4 else 0,
            "offline": 2,
            "lost_answers": 1,
            "clear_storage": 1,
            "idle": 0.5,
            "consent": 0.3,
        }
        name = self.rng.choices(list(weights), list(weights.values()))[0]
        if self._offline and name in ("open", "consent"):
            name = "offline"
        self.log.append(f"{name} in tab {self.tabs.index(tab)} of {tab.host}")
        await getattr(self, name)(tab)

    async def offline(self, _: Tab) -> None:
        self._offline = not self._offline
        await self.context.set_offline(self._offline)

    async def lost_answers(self, _: Tab) -> None:
        self.relay.loses_answers = not self.relay.loses_answers

    async def clear_storage(self, tab: Tab) -> None:
        await tab.page.evaluate("localStorage.clear()")

    async def idle(self, tab: Tab) -> None:
        await tab.page.evaluate(f"new Promise(done => setTimeout(done, {IDLE_S * 1000 + 200}))")
        for other in self.tabs:
            if other.is_named:
                other.told = None

    async def consent(self, _: Tab) -> None:
        await self.settled()
        for verb in ("false", "true"):
            for other in self.tabs:
                await other.page.evaluate(f"relay('consent', {verb})")
        for other in self.tabs:
            other.told, other.is_named = None, False
            await self.session(other)

    async def settled(self) -> None:
        """The network is well, and everything has arrived."""
        self._offline = False
        self.relay.loses_answers = False
        await self.context.set_offline(False)

        async def is_empty() -> bool:
            waiting = 0
            for tab in self.tabs:
                await tab.page.evaluate("dispatchEvent(new Event('online'))")
                waiting += await tab.page.evaluate("JSON.parse(localStorage['_relay.events'] ?? '[]').length")
            return waiting == 0 and len(self.relay.events) >= len(self.expected)

        await until(is_empty, within_s=20, otherwise=lambda: "\n".join(self.log))

    def judge(self) -> None:
        """Every event arrived, as whose it is, and no session is two users'."""
        story = "\n".join(self.log)
        items = {event["eventId"]: event["itemId"] for event in self.collector.events}
        assert sorted(items.values()) == sorted(self.expected), story
        users = {item: self.relay.user_of(event_id) for event_id, item in items.items()}
        wrong = {item: (user, users[item]) for item, user in self.expected.items() if user not in (ANY, users[item])}
        assert wrong == {}, f"expected and found: {wrong}\n{story}"
        owners: dict[str, set[Any]] = {}
        for event_id in items:
            session, user = self.relay.events[event_id]
            owners.setdefault(session, set()).update({user} - {None})
        assert all(len(users) <= 1 for users in owners.values()), story


async def visit(collector: Collector, browser: Browser, seed: int, steps: int) -> None:
    """One browser's random life."""
    context = await browser.new_context()
    visitors = Visitors(collector, context, seed)
    await visitors.open()
    for _ in range(steps):
        await visitors.step()
    await visitors.settled()
    visitors.judge()
    await context.close()
