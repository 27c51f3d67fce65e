"""Every way a beacon can be identified, against every state its session can be in: the call that comes of it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.core.clock import SystemClock
from relay.identity.tokens import mint_identity
from tests.support.clock import FakeClock
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.login_provider import LoginProvider
from tests.support.relay import KEY, RunningRelay, running_relay

# A cell: the relay's answer, and the user of the call ("-": none). With "*" the call has a session id derived from
# session and user, else the page's own. Tokens are alice's and in order, unless the row says otherwise.
TABLE: Final = """
                              | unbound    | bound to alice | bound to bob    | alice is bound elsewhere
------------------------------|------------|----------------|-----------------|-------------------------
no token                      | none -     | none alice     | none bob        | none -
a field userId                | none -     | none alice     | none bob        | none -
valid                         | ok alice   | ok alice       | conflict alice* | ok alice
valid, for this session       | ok alice   | ok alice       | conflict alice* | ok alice
valid, bob's                  | ok bob     | conflict bob*  | ok bob          | ok bob
expired by the relay's age    | expired -  | expired alice  | expired bob     | expired -
expired by its own exp        | expired -  | expired alice  | expired bob     | expired -
forged with another key       | invalid -  | invalid alice  | invalid bob     | invalid -
signed in the future          | invalid -  | invalid alice  | invalid bob     | invalid -
a site token                  | invalid -  | invalid alice  | invalid bob     | invalid -
not text                      | invalid -  | invalid alice  | invalid bob     | invalid -
for another session           | mismatch - | mismatch -     | mismatch -      | mismatch -
for another session, expired  | expired -  | expired alice  | expired bob     | expired -
cookie                        | ok alice   | ok alice       | conflict alice* | ok alice
cookie, expired               | expired -  | expired alice  | expired bob     | expired -
cookie, forged                | invalid -  | invalid alice  | invalid bob     | invalid -
cookie, for another session   | mismatch - | mismatch -     | mismatch -      | mismatch -
cookie, no Origin             | none -     | none alice     | none bob        | none -
cookie, bob's token beside it | ok bob     | conflict bob*  | ok bob          | ok bob
cookie, forged token beside   | invalid -  | invalid alice  | invalid bob     | invalid -
JWT                           | ok alice   | ok alice       | conflict alice* | ok alice
JWT, bob's                    | ok bob     | conflict bob*  | ok bob          | ok bob
JWT, expired                  | expired -  | expired alice  | expired bob     | expired -
JWT, forged                   | invalid -  | invalid alice  | invalid bob     | invalid -
JWT, for another audience     | invalid -  | invalid alice  | invalid bob     | invalid -
JWT, unsigned                 | invalid -  | invalid alice  | invalid bob     | invalid -
JWT, signed by the public key | invalid -  | invalid alice  | invalid bob     | invalid -
JWT, in the cookie            | ok alice   | ok alice       | conflict alice* | ok alice
"""

COOKIE: Final = "__Host-relay-identity"
_BOUND_TO: Final = {"bound to alice": "alice", "bound to bob": "bob"}


@dataclass(frozen=True)
class Shown:
    """What a beacon shows of who it is from."""

    fields: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def token(value: object) -> Shown:
    return Shown({"identity": value})


def cookie(value: str, **headers: str) -> Shown:
    return Shown({}, {"cookie": f"first=1; {COOKIE}={value}; last=2"} | headers)


def shown(how: str, session: str, login: LoginProvider, site_token: str) -> Shown:
    """What the row stands for."""
    now_ms = SystemClock().now_ms()
    alice = mint_identity("alice", secret_key=KEY)
    expired = mint_identity("alice", secret_key=KEY, clock=FakeClock(now_ms - 10 * 86_400_000))
    ended = mint_identity("alice", secret_key=KEY, ttl_s=60, clock=FakeClock(now_ms - 3600_000))
    future = mint_identity("alice", secret_key=KEY, clock=FakeClock(now_ms + 3600_000))
    forged = mint_identity("alice", secret_key="forged" * 6)
    elsewhere = mint_identity("alice", secret_key=KEY, session_id="another-session-0001")
    long_elsewhere = mint_identity(
        "alice", secret_key=KEY, session_id="another-session-0001", clock=FakeClock(now_ms - 10 * 86_400_000)
    )
    return {
        "no token": Shown(),
        "a field userId": Shown({"userId": "alice", "user": "alice", "eventUserId": "alice"}),
        "valid": token(alice),
        "valid, for this session": token(mint_identity("alice", secret_key=KEY, session_id=session)),
        "valid, bob's": token(mint_identity("bob", secret_key=KEY)),
        "expired by the relay's age": token(expired),
        "expired by its own exp": token(ended),
        "forged with another key": token(forged),
        "signed in the future": token(future),
        "a site token": token(site_token),
        "not text": token({"sub": "alice"}),
        "for another session": token(elsewhere),
        "for another session, expired": token(long_elsewhere),
        "cookie": cookie(alice),
        "cookie, expired": cookie(expired),
        "cookie, forged": cookie(forged),
        "cookie, for another session": cookie(elsewhere),
        "cookie, no Origin": cookie(alice, origin=""),
        "cookie, bob's token beside it": Shown(
            {"identity": mint_identity("bob", secret_key=KEY)}, cookie(alice).headers
        ),
        "cookie, forged token beside": Shown({"identity": forged}, cookie(alice).headers),
        "JWT": token(login.token("alice")),
        "JWT, bob's": token(login.token("bob")),
        "JWT, expired": token(login.token("alice", lives_s=-600)),
        "JWT, forged": token(login.token("alice", key=Ed25519PrivateKey.generate())),
        "JWT, for another audience": token(login.token("alice", aud="billing")),
        "JWT, unsigned": token(login.unsigned("alice")),
        "JWT, signed by the public key": token(login.signed_with_the_public_key("alice")),
        "JWT, in the cookie": cookie(login.token("alice")),
    }[how]


def rows() -> dict[str, dict[str, str]]:
    """Row → state → cell."""
    head, _, *lines = ([part.strip() for part in line.split("|")] for line in TABLE.strip("\n").splitlines())
    return {line[0]: dict(zip(head[1:], line[1:], strict=True)) for line in lines}


@dataclass(frozen=True)
class World:
    """A relay with everything switched on, and the service behind it."""

    relay: RunningRelay
    emulator: RunningEmulator
    login: LoginProvider

    async def call_of(self, item: str) -> tuple[str, str | None]:
        """Session and user of the one PutEvents call that carried the item."""
        await self.relay.delivered()
        (body,) = [body for body in self.emulator.bodies() if item in {event["itemId"] for event in body["eventList"]}]
        assert set(body) <= {"trackingId", "sessionId", "userId", "eventList"}
        assert body["trackingId"] == self.emulator.tracking_id
        return body["sessionId"], body.get("userId")


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    login = LoginProvider(tmp_path_factory.mktemp("login"))
    async with (
        running_emulator() as emulator,
        running_relay(env=emulator.env, identity_cookie=COOKIE, **login.settings) as relay,
    ):
        yield World(relay, emulator, login)
    users: dict[str, set[str]] = {}
    for body in emulator.bodies():
        users.setdefault(body["sessionId"], set()).update([body["userId"]] if "userId" in body else [])
    assert all(len(found) <= 1 for found in users.values()), "two users in one session"


@pytest.mark.parametrize(("how", "cells"), rows().items(), ids=list(rows()))
async def test_the_call_is_the_one_the_table_says(world: World, how: str, cells: dict[str, str]) -> None:
    found = await asyncio.gather(*(play(world, how, state) for state in cells))
    assert dict(zip(cells, found, strict=True)) == cells


async def play(world: World, how: str, state: str) -> str:
    """Bring a session into the state, send a view identified in this way; what came of it, as in the table."""
    relay = world.relay
    number = list(rows()).index(how) * 10 + list(rows()[how]).index(state)
    session, before = f"session-number-{number:04}", _BOUND_TO.get(state)
    if before:
        await relay.send(eventList=[], session=session, identity=relay.login(before))
    elif state == "alice is bound elsewhere":
        await relay.send(eventList=[], session=f"elsewhere-for-{number:04}", identity=relay.login("alice"))

    told = shown(how, session, world.login, relay.site_token)
    beacon = relay.beacon({"eventType": "View", "itemId": f"item-{number}"}, session=session, **told.fields)
    answer = await relay.post(beacon, **told.headers)
    assert answer.status_code == 202
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, [])
    result = answer.json()["identity"]
    called_session, user = await world.call_of(f"item-{number}")

    # Only `ok` changes whose session it is.
    await relay.send({"eventType": "View", "itemId": f"then-{number}"}, session=session)
    assert await world.call_of(f"then-{number}") == (session, user if result == "ok" else before)
    return f"{result} {user or '-'}{'' if called_session == session else '*'}"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.example"])
async def test_a_cookie_from_a_page_of_another_origin_is_403_and_does_nothing(world: World, origin: str) -> None:
    item = f"item-of-{origin}"
    session = f"session-of-{item.encode().hex()}"
    event = {"eventType": "View", "itemId": item}
    alice = cookie(world.relay.login("alice"), origin=origin)
    assert (await world.relay.post(world.relay.beacon(event, session=session), **alice.headers)).status_code == 403
    await world.relay.send({"eventType": "View", "itemId": f"then-{item}"}, session=session)
    assert await world.call_of(f"then-{item}") == (session, None)
    assert item not in {event["itemId"] for event in world.emulator.events()}
