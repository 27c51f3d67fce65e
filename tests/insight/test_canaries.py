"""What must be told nowhere is sown everywhere, by beacons of every fate; then all that the relay says is searched."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from relay.emulator.wire.faults import FaultSpec, Rule
from relay.identity.tokens import IdentityClaims, ServerClaims, Tokens
from tests.insight.otlp import Receiver, receiving
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import KEY, RunningRelay, running_relay

pytestmark = pytest.mark.timeout(180)

JSON: Final = {"accept": "application/json"}
NOWHERE: Final = {
    "user": "canary-user-7319",
    "other user": "canary-rival-7319",
    "value of a property": "canary-value-7319",
    "name of a field nobody can have": "canary field 7319",
    "forged token": "canary.forged.7319",
    "agent": "canary-agent-7319",
    "address": "198.51.100.73",
    "query": "canary-query-7319",
    "referrer": "canary-referrer-7319",
    "cookie": "canary-cookie-7319",
    "path of an origin": "canary-path-7319",
}
"""On no page, in no answer, log, metric or trace; tokens are added as they are minted."""
OF_EVENTS: Final = {
    "session": "canary-session-7319",
    "item": "canary-item-7319",
    "event id": "canary-event-7319",
    "source": "canary-source-7319",
    "recommendation": "canary-rid-7319",
}
"""On the pages of events and sessions; nowhere that counts."""
SHOWN: Final = {
    "/lists": {"source", "recommendation"},
    "/events": set(OF_EVENTS),
    "/events?verdict=refused": set(OF_EVENTS),
    "/events/stream": set(OF_EVENTS),
    "/sessions": {"session"},
    f"/sessions/{OF_EVENTS['session']}-good": set(OF_EVENTS),
    f"/sessions/{OF_EVENTS['session']}-sour-1": set(OF_EVENTS),
    "/buried": {"session", "event id"},
    "/held": set(OF_EVENTS),
    "answers": {"event id"},
    "traces": {"session"},
}
"""Which of them may be where; elsewhere none."""
PAGES: Final = (
    *("/", "/refusals", "/losses", "/properties", "/words", "/status.json", "/metrics", "/readyz", "/healthz"),
    *(path for path in SHOWN if path.startswith("/") and path not in {"/held", "/events/stream"}),
)


class Told(NamedTuple):
    """Something the relay said."""

    where: str
    text: str


class Sower:
    """Sends canaries in every field of everything, and keeps what the relay answers."""

    def __init__(self, relay: RunningRelay) -> None:
        self.relay = relay
        self.tokens = Tokens([KEY], clock=relay.clock)
        now_s = relay.clock.now_ms() // 1000
        self.secrets = {
            "site token": relay.site_token,
            "identity token": relay.login(NOWHERE["user"]),
            "token of the other user": relay.login(NOWHERE["other user"]),
            "expired token": self.tokens.mint(IdentityClaims(NOWHERE["user"], None, now_s - 3600)),
            "server token": self.tokens.mint(ServerClaims("default", ("events", "records", "identity", "erase"))),
            "admin token": self.tokens.mint(ServerClaims("default", ("admin",))),
        }
        self.told: list[Told] = []
        self._sent = 0

    def event(self, **fields: Any) -> dict[str, Any]:
        """One with a canary in each field."""
        self._sent += 1
        value = NOWHERE["value of a property"]
        return {
            "eventId": f"{OF_EVENTS['event id']}-{self._sent}",
            "eventType": "Click",
            "itemId": OF_EVENTS["item"],
            "recommendationId": OF_EVENTS["recommendation"],
            "impression": [OF_EVENTS["item"]],
            "metricAttribution": {"eventAttributionSource": OF_EVENTS["source"]},
            "properties": {"colour": value, NOWHERE["name of a field nobody can have"]: value},
            NOWHERE["name of a field nobody can have"]: value,
            "userId": NOWHERE["user"],
        } | fields

    async def beacon(self, status: int, name: str, *events: object, **changes: Any) -> dict[str, Any]:
        """Send one, and see that it is answered so."""
        value, field = NOWHERE["value of a property"], NOWHERE["name of a field nobody can have"]
        headers = {
            "x_forwarded_for": NOWHERE["address"],
            "user_agent": f"Mozilla/5.0 Firefox/127.0 {NOWHERE['agent']}",
            "referer": f"https://shop.example/{NOWHERE['referrer']}",
            "cookie": f"a={NOWHERE['cookie']}",
        } | changes.pop("headers", {})
        body = self.relay.beacon(*events, session=f"{OF_EVENTS['session']}-{name}", **{field: value} | changes)
        answer = await self.relay.post(changes.get("raw", body), **headers)
        assert answer.status_code == status, (name, answer.text)
        self.told.append(Told("answers", f"{answer.text} {dict(answer.headers)}"))
        return dict(answer.json())

    async def server(self, status: int, path: str, body: object, token: str) -> None:
        """Call the server API."""
        headers = {"authorization": f"Bearer {token}", "x-forwarded-for": NOWHERE["address"]}
        url = f"{self.relay.url}/api/v1/{path}?q={NOWHERE['query']}"
        answer = await self.relay.http.post(url, json=body, headers=headers)
        assert answer.status_code == status, (path, answer.text)
        self.told.append(Told("answers", f"{answer.text} {dict(answer.headers)}"))


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def emulator() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator() as one:
        yield one


async def test_what_must_be_told_nowhere_is_told_nowhere(
    receiver: Receiver, emulator: RunningEmulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {
        "spool_url": f"sqlite:///{tmp_path}/s.db",
        "archive_bytes": "1048576",
        "event_types": "View,Click",
        "gpc": "off",
        "trace": "otlp",
        "rate_limit_session": "1/s",
        "client_ip_header": "X-Forwarded-For",
        "trusted_proxies": "127.0.0.1/32",
    }
    async with running_relay(env=emulator.env | receiver.env, **settings) as relay:
        sower = Sower(relay)
        await _good_and_odd(sower)
        await _refused(sower)
        await _throttled(sower, emulator)
        await _buried_until_it_is_doubted(sower, emulator)
        told = await _everything(sower)
        assert any("every event is refused" in text for where, text in told if where == "/"), "the doubt is a problem"
        emulator.emulator.faults.apply(FaultSpec())
        await relay.delivered()
        await _asked_about_and_erased(sower)
        told += [*await _everything(sower), *sower.told]
    told.append(Told("traces", receiver.raw.decode("latin-1")))
    told += [
        Told("log", f"{one.getMessage()} {one.__dict__}")
        for one in caplog.records
        if not one.name.startswith(("httpx", "httpcore", "asyncio", "aiosqlite"))
    ]
    assert len(receiver.spans) > 20
    assert [one.where for one in told if one.where == "log"]
    assert _found(told, sower.secrets | NOWHERE, lambda _: set()) == []
    assert _found(told, OF_EVENTS, lambda where: SHOWN.get(where, set())) == []
    everywhere = " ".join(text for _, text in told)
    assert [name for name, canary in OF_EVENTS.items() if canary not in everywhere] == [], "they are there to be found"


def _found(told: list[Told], canaries: dict[str, str], allowed: Callable[[str], set[str]]) -> list[tuple[str, str]]:
    return [
        (f"{name} in {where}", text[max(0, text.index(canary) - 80) : text.index(canary) + 80])
        for where, text in told
        for name, canary in canaries.items()
        if canary in text and name not in allowed(where)
    ]


async def _good_and_odd(sower: Sower) -> None:
    secrets, event = sower.secrets, sower.event
    await sower.beacon(202, "good", event(), identity=secrets["identity token"], seq=1, lost={"outbox_full": 1})
    said = await sower.beacon(202, "good", event(), identity=secrets["token of the other user"], seq=4)
    assert said["identity"] == "conflict"
    said = await sower.beacon(202, "good", event(), identity=secrets["expired token"])
    assert said["identity"] == "expired"
    said = await sower.beacon(202, "good", event(), identity=NOWHERE["forged token"])
    assert said["identity"] == "invalid"
    bound = sower.tokens.mint(IdentityClaims(NOWHERE["user"], "another", sower.relay.clock.now_ms() // 1000 + 600))
    sower.secrets["token of another session"] = bound
    await sower.beacon(202, "good", event(), identity=bound)
    value = NOWHERE["value of a property"]
    said = await sower.beacon(202, "odd", event(eventValue=value, properties=[value], impression=value), lost=value)
    assert said["dropped"]
    said = await sower.beacon(202, "odd", event(eventType="Other"), event(itemId={value: value}), event(eventType=""))
    assert len(said["rejected"]) == 3
    await sower.relay.delivered()


async def _refused(sower: Sower) -> None:
    event = sower.event
    await sower.beacon(401, "refused", event(), token=NOWHERE["forged token"])
    await sower.beacon(401, "refused", event(), token=sower.secrets["server token"])
    for origin in ("https://other.example", f"https://other.example/{NOWHERE['path of an origin']}"):
        await sower.beacon(403, "refused", event(), headers={"origin": origin})
    await sower.beacon(400, "refused", event(), v=NOWHERE["value of a property"])
    await sower.beacon(400, "refused", event(), sessionId={"a": NOWHERE["value of a property"]})
    await sower.beacon(400, "refused", raw=f'{{"v": 1, "{NOWHERE["value of a property"]}'.encode())
    await sower.beacon(202, "refused", event(), headers={"sec_gpc": "1"})
    await sower.beacon(202, "refused", event(), headers={"user_agent": f"Googlebot/2.1 {NOWHERE['agent']}"})
    await sower.beacon(202, "hasty", *(event() for _ in range(10)))
    await sower.beacon(429, "hasty", event())
    body = {"sessionId": f"{OF_EVENTS['session']}-api", "userId": NOWHERE["user"], "eventList": [event()]}
    await sower.server(401, "events", body, NOWHERE["forged token"])
    await sower.server(202, "events", body, sower.secrets["server token"])
    await sower.server(
        400, "events", body | {"eventList": NOWHERE["value of a property"]}, sower.secrets["server token"]
    )
    items = [{"itemId": "i1", "properties": {"category": NOWHERE["value of a property"]}}]
    arn = "arn:aws:personalize:us-east-1:123456789012:dataset/demo/ITEMS"
    await sower.server(202, "items", {"datasetArn": arn, "items": items}, sower.secrets["server token"])


async def _throttled(sower: Sower, emulator: RunningEmulator) -> None:
    emulator.emulator.faults.apply(FaultSpec(throttling=1.0))
    await sower.beacon(202, "slow", sower.event(), identity=sower.secrets["identity token"])
    await _shown(sower.relay, "/events?verdict=throttled", lambda found: bool(found["events"]))
    emulator.emulator.faults.apply(FaultSpec())
    await sower.relay.delivered()


async def _buried_until_it_is_doubted(sower: Sower, emulator: RunningEmulator) -> None:
    message = f"Value '{NOWHERE['value of a property']}' at 'eventList.1.member.properties' failed"
    rule = Rule(code="InvalidInputException", message=message, operations=["PutEvents"])
    emulator.emulator.faults.apply(FaultSpec(error=rule))
    for number in range(32):
        name, address = f"sour-{number % 4}", f"203.0.{number % 4}.9"
        headers = {"x_forwarded_for": address}
        await sower.beacon(202, name, sower.event(), identity=sower.secrets["identity token"], headers=headers)
    await _shown(sower.relay, "/", lambda found: "every event" in str(found["readiness"]))
    await _shown(sower.relay, "/buried", lambda found: bool(found["buried"]))


async def _shown(relay: RunningRelay, path: str, holds: Callable[[Any], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds((await relay.http.get(relay.admin_url + path, headers=JSON)).json()):  # noqa: ASYNC110 - HTTP
            await asyncio.sleep(0.05)


async def _asked_about_and_erased(sower: Sower) -> None:
    admin = {"authorization": f"Bearer {sower.secrets['admin token']}"}
    for headers in (admin, admin | JSON):
        url = f"{sower.relay.admin_url}/held"
        answer = await sower.relay.http.post(url, json={"userId": NOWHERE["user"]}, headers=headers)
        assert answer.status_code == 200
        sower.told.append(Told("/held", answer.text))
    cookie = {"cookie": f"relay_admin={sower.secrets['admin token']}"}
    page = (await sower.relay.http.get(f"{sower.relay.admin_url}/buried", headers=cookie)).text
    assert "checkbox" in page
    sower.told.append(Told("/buried", page))
    await sower.server(200, "erase", {"userId": NOWHERE["user"]}, sower.secrets["server token"])


async def _everything(sower: Sower) -> list[Told]:
    """Pages, their JSON, the stream, metrics: as of now."""
    http, url = sower.relay.http, sower.relay.admin_url
    told = [
        Told(path, f"{answer.text} {dict(answer.headers)}")
        for path in PAGES
        for headers in ({}, JSON)
        for answer in [await http.get(url + path, headers=headers)]
    ]
    events = (await http.get(f"{url}/events", headers=JSON)).json()["events"]
    last = max(one["number"] for one in events)
    said = ""
    async with asyncio.timeout(30), http.stream("GET", f"{url}/events/stream?after=0") as answer:
        async for line in answer.aiter_lines():
            said += f"{line}\n"
            if line == f"id: {last}" or "leftOut" in line:
                break
    return [*told, Told("/events/stream", said)]
