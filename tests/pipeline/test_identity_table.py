"""Every way a beacon can be identified, against every state its session can be in: the call that must come of it."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm

from relay.clock import SystemClock
from relay.tokens import mint_identity
from tests.support.clock import FakeClock
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import KEY, RunningRelay, running_relay

JWT_KEY: Final = ed25519.Ed25519PrivateKey.generate()
COOKIE: Final = "__Host-relay-identity"


@dataclass(frozen=True)
class World:
    """A relay with everything switched on, and the service behind it."""

    relay: RunningRelay
    emulator: RunningEmulator


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    folder: Path = tmp_path_factory.mktemp("jwks")
    public: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(JWT_KEY.public_key()))
    (folder / "jwks.json").write_text(json.dumps({"keys": [public | {"kid": "k1"}]}))
    async with (
        running_emulator() as emulator,
        running_relay(
            env=emulator.env,
            identity_cookie=COOKIE,
            jwt_jwks=str(folder / "jwks.json"),
            jwt_issuer="https://login.example",
            jwt_audience="relay",
        ) as relay,
    ):
        yield World(relay, emulator)


def jwt_for(user: str, *, key: Any = JWT_KEY, lives_s: int = 600) -> str:
    now_s = SystemClock().now_ms() // 1000
    claims = {"iss": "https://login.example", "aud": "relay", "sub": user, "iat": now_s - 3600, "exp": now_s + lives_s}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "k1"})


def identified(how: str, session: str) -> tuple[dict[str, object], dict[str, str]]:
    """Fields of the beacon and headers of the request, for one way of being identified."""
    long_ago = FakeClock(now_ms=SystemClock().now_ms() - 10 * 86_400_000)
    alice = mint_identity("alice", secret_key=KEY)
    stranger = ed25519.Ed25519PrivateKey.generate()
    tokens = {
        "valid": alice,
        "valid for this session": mint_identity("alice", secret_key=KEY, session_id=session),
        "expired": mint_identity("alice", secret_key=KEY, clock=long_ago),
        "forged": mint_identity("alice", secret_key="forged" * 6),
        "of another session": mint_identity("alice", secret_key=KEY, session_id="other" * 5),
        "of another user": mint_identity("bob", secret_key=KEY),
        "JWT": jwt_for("alice"),
        "JWT of another user": jwt_for("bob"),
        "JWT expired": jwt_for("alice", lives_s=-600),
        "JWT forged": jwt_for("alice", key=stranger),
    }
    others: dict[str, tuple[dict[str, object], dict[str, str]]] = {
        "none": ({}, {}),
        "a plain user id": ({"userId": "alice"}, {}),
        "cookie": ({}, {"cookie": f"{COOKIE}={alice}"}),
        "cookie without origin": ({}, {"cookie": f"{COOKIE}={alice}", "origin": ""}),
    }
    return others[how] if how in others else ({"identity": tokens[how]}, {})


SAME, DERIVED = "the page's session", "a derived session"
UNBOUND, BOUND, ELSEWHERE = "unbound", "bound to alice", "alice is bound to another session"

TABLE: Final[dict[tuple[str, str], tuple[str, str | None, str]]] = {
    # (token, state): (answer, user of the call, session of the call)
    ("none", UNBOUND): ("none", None, SAME),
    ("none", BOUND): ("none", "alice", SAME),
    ("none", ELSEWHERE): ("none", None, SAME),
    ("a plain user id", UNBOUND): ("none", None, SAME),
    ("a plain user id", BOUND): ("none", "alice", SAME),
    ("a plain user id", ELSEWHERE): ("none", None, SAME),
    ("valid", UNBOUND): ("ok", "alice", SAME),
    ("valid", BOUND): ("ok", "alice", SAME),
    ("valid", ELSEWHERE): ("ok", "alice", SAME),
    ("valid for this session", UNBOUND): ("ok", "alice", SAME),
    ("valid for this session", BOUND): ("ok", "alice", SAME),
    ("valid for this session", ELSEWHERE): ("ok", "alice", SAME),
    ("expired", UNBOUND): ("expired", None, SAME),
    ("expired", BOUND): ("expired", "alice", SAME),
    ("expired", ELSEWHERE): ("expired", None, SAME),
    ("forged", UNBOUND): ("invalid", None, SAME),
    ("forged", BOUND): ("invalid", "alice", SAME),
    ("forged", ELSEWHERE): ("invalid", None, SAME),
    ("of another session", UNBOUND): ("mismatch", None, SAME),
    ("of another session", BOUND): ("mismatch", None, SAME),
    ("of another session", ELSEWHERE): ("mismatch", None, SAME),
    ("of another user", UNBOUND): ("ok", "bob", SAME),
    ("of another user", BOUND): ("conflict", "bob", DERIVED),
    ("of another user", ELSEWHERE): ("ok", "bob", SAME),
    ("cookie", UNBOUND): ("ok", "alice", SAME),
    ("cookie", BOUND): ("ok", "alice", SAME),
    ("cookie", ELSEWHERE): ("ok", "alice", SAME),
    ("cookie without origin", UNBOUND): ("none", None, SAME),
    ("cookie without origin", BOUND): ("none", "alice", SAME),
    ("cookie without origin", ELSEWHERE): ("none", None, SAME),
    ("JWT", UNBOUND): ("ok", "alice", SAME),
    ("JWT", BOUND): ("ok", "alice", SAME),
    ("JWT", ELSEWHERE): ("ok", "alice", SAME),
    ("JWT of another user", UNBOUND): ("ok", "bob", SAME),
    ("JWT of another user", BOUND): ("conflict", "bob", DERIVED),
    ("JWT of another user", ELSEWHERE): ("ok", "bob", SAME),
    ("JWT expired", UNBOUND): ("expired", None, SAME),
    ("JWT expired", BOUND): ("expired", "alice", SAME),
    ("JWT expired", ELSEWHERE): ("expired", None, SAME),
    ("JWT forged", UNBOUND): ("invalid", None, SAME),
    ("JWT forged", BOUND): ("invalid", "alice", SAME),
    ("JWT forged", ELSEWHERE): ("invalid", None, SAME),
}


@pytest.mark.parametrize(("row", "expected"), TABLE.items(), ids=lambda value: " · ".join(map(str, value)))
async def test_the_call_is_the_one_the_table_says(
    world: World, row: tuple[str, str], expected: tuple[str, str | None, str]
) -> None:
    relay, (how, state) = world.relay, row
    number = list(TABLE).index(row)
    session, item = f"session-number-{number:04}", f"item-{number}"
    alice = relay.login("alice")
    if state is not UNBOUND:
        bound = session if state is BOUND else f"elsewhere-{number:04}-session"
        await relay.send(eventList=[], session=bound, identity=alice)
    fields, headers = identified(how, session)
    answer = await relay.post(relay.beacon({"eventType": "View", "itemId": item}, session=session, **fields), **headers)
    await relay.delivered()
    (event,) = [event for event in world.emulator.events() if event["itemId"] == item]
    where = SAME if event["sessionId"] == session else DERIVED
    assert (answer.json()["identity"], event.get("userId"), where) == expected


async def test_after_all_of_it_no_session_has_two_users(world: World) -> None:
    users: dict[str, set[str]] = {}
    for event in world.emulator.events():
        if "userId" in event:
            users.setdefault(event["sessionId"], set()).add(event["userId"])
    assert users
    assert all(len(found) == 1 for found in users.values())
