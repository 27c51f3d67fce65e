"""A page that shows a JWT, over real HTTP: one of a key the relay has not read yet is not lost to its session."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route

from relay.core.clock import SystemClock
from tests.support.emulator import running_emulator
from tests.support.http_server import serving
from tests.support.login_provider import AUDIENCE, ISSUER, LoginProvider
from tests.support.relay import running_relay

KEY_OF_TODAY = Ed25519PrivateKey.generate()


def fresh(user: object, key_id: str) -> str:
    """A JWT of just now, signed with a key that the relay, started a moment ago, has not seen."""
    now_s = SystemClock().now_ms() // 1000
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now_s, "exp": now_s + 600}
    return jwt.encode(claims, KEY_OF_TODAY, algorithm="EdDSA", headers={"kid": key_id})


@pytest.mark.parametrize("by_url", [False, True], ids=["file", "URL"])
async def test_a_page_with_a_token_of_a_key_not_read_yet_comes_again_and_an_old_one_is_answered_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_url: bool
) -> None:
    monkeypatch.setattr("relay.identity.jwks.AGAIN_S", 2.0)
    login = LoginProvider(tmp_path)
    keys = Starlette(routes=[Route("/jwks", lambda _: FileResponse(login.settings["jwt_jwks"]))])
    async with AsyncExitStack() as stack:
        settings = login.settings
        if by_url:
            settings |= {"jwt_jwks": f"{await stack.enter_async_context(serving(keys))}/jwks"}
        emulator = await stack.enter_async_context(running_emulator())
        relay = await stack.enter_async_context(running_relay(env=emulator.env, **settings))
        unread = await relay.post(relay.beacon({"eventType": "View", "itemId": "p1"}, identity=fresh("u1", "today")))
        assert (unread.status_code, unread.json()["error"]) == (503, "key_unread")
        assert 1 <= int(unread.headers["retry-after"]) <= 2
        assert unread.headers["access-control-allow-origin"], "else the page could not read when to come again"
        login.add_key("today", KEY_OF_TODAY)
        async with asyncio.timeout(40):
            while True:
                again = await relay.post(
                    relay.beacon({"eventType": "View", "itemId": "p1"}, identity=fresh(42, "today"))
                )
                if again.status_code != 503:
                    break
                await asyncio.sleep(0.1)  # as the page would, but sooner: no event tells when the keys may be read
        assert (again.status_code, again.json()["identity"]) == (202, "ok")
        await relay.delivered()
        assert [event["userId"] for event in emulator.events()] == ["42"]
        forged = await relay.post(relay.beacon(eventList=[], identity=login.token("u1", key=KEY_OF_TODAY)))
        assert (forged.status_code, forged.json()["identity"]) == (202, "invalid")
