"""Who may look at the admin listener."""

import socket
from contextlib import nullcontext

import httpx2
import pytest

from relay.identity.tokens import SCOPES, Scope, ServerClaims, Tokens
from relay.web.app import create_admin_app
from relay.web.listener import bind, listening
from tests.support.relay import KEY, RunningEdge, running_edge

PAGES = ("/", "/status.json", "/refusals", "/events", "/sessions/x", "/relay.css")
OPEN = ("/metrics", "/healthz", "/readyz")


def token(relay: RunningEdge, *scopes: Scope) -> str:
    return Tokens([KEY], clock=relay.clock).mint(ServerClaims("default", scopes))


async def status(relay: RunningEdge, path: str, method: str = "GET", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await relay.http.request(method, relay.admin_url + path, headers=named)).status_code


async def test_it_answers_to_its_own_names_only() -> None:
    async with running_edge() as relay:
        port = relay.admin_url.rpartition(":")[2]
        for path in PAGES:
            fine = 404 if path == "/sessions/x" else 200
            assert await status(relay, path) == fine
            assert await status(relay, path, host=f"localhost:{port}") == fine
            for name in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "[::1]", "10.0.0.1"):
                assert await status(relay, path, host=name) == 421
        for path in OPEN:
            assert await status(relay, path, host="evil.example") == 200


async def test_its_names_can_be_given() -> None:
    async with running_edge(admin_hosts="Relay.internal, 10.0.0.7") as relay:
        assert await status(relay, "/", host="relay.internal:8081") == 200
        assert await status(relay, "/", host="10.0.0.7") == 200
        assert await status(relay, "/", host="localhost") == 421


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via", "x-real-ip", "cf-connecting-ip"])
async def test_through_a_proxy_it_asks_for_a_token(header: str) -> None:
    async with running_edge() as relay:
        for path in PAGES:
            assert await status(relay, path, **{header: "203.0.113.7"}) == 401
        for path in OPEN:
            assert await status(relay, path, **{header: "203.0.113.7"}) == 200


async def test_only_a_token_with_the_scope_admin_will_do() -> None:
    async with running_edge() as relay:
        for wrong in (token(relay, *SCOPES), relay.site_token, relay.login("u1"), "x"):
            assert await status(relay, "/", via="x", authorization=f"Bearer {wrong}") == 401
            assert await status(relay, "/", via="x", cookie=f"relay_admin={wrong}") == 401
        good = token(relay, "admin")
        assert await status(relay, "/", via="x", authorization=f"Bearer {good}") == 200
        assert await status(relay, "/", via="x", cookie=f"a=b; relay_admin={good}") == 200
        assert await status(relay, f"/?token={good}", via="x") == 401, "never in a URL"


async def test_on_an_address_that_is_not_loopback_it_asks_for_a_token() -> None:
    async with running_edge() as relay:
        app = create_admin_app(lambda: nullcontext(relay.edge))
        async with listening(app, bind("0.0.0.0", 0, variable="RELAY_ADMIN_PORT"), grace_s=1) as admin:  # noqa: S104
            own = next((address for address in await _own_addresses()), None)
            if own is None:
                pytest.skip("this machine has no other address")
            url = f"http://{own}:{admin.url.rpartition(':')[2]}"
            assert (await relay.http.get(f"{url}/")).status_code == 401
            assert (await relay.http.get(f"{url}/metrics")).status_code == 200
            good = {"authorization": f"Bearer {token(relay, 'admin')}"}
            assert (await relay.http.get(f"{url}/", headers=good)).status_code == 200


async def _own_addresses() -> list[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return []
        address = str(probe.getsockname()[0])
    return [] if address.startswith("127.") else [address]


async def test_a_browser_gets_a_form_and_with_it_a_cookie_that_no_script_reads() -> None:
    async with running_edge() as relay, httpx2.AsyncClient(headers={"via": "x"}) as browser:
        asked = await browser.get(f"{relay.admin_url}/", headers={"accept": "text/html"})
        assert asked.status_code == 401
        assert b"<form" in asked.content
        assert "script-src" not in asked.headers["content-security-policy"]
        own = {"origin": relay.admin_url}
        wrong = await browser.post(f"{relay.admin_url}/login", data={"token": "x"}, headers=own)
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
        assert "That is no server token" in wrong.text
        assert "That is no server token" not in asked.text
        form = {"token": token(relay, "admin")}
        foreign = await browser.post(f"{relay.admin_url}/login", data=form, headers={"origin": "https://evil.example"})
        assert foreign.status_code == 403
        answer = await browser.post(f"{relay.admin_url}/login", data=form, headers=own)
        assert answer.status_code == 303
        for flag in ("HttpOnly", "SameSite=Strict", "Path=/"):
            assert flag in answer.headers["set-cookie"]
        assert (await browser.get(f"{relay.admin_url}/")).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_what_changes_something_needs_the_token_and_the_same_origin_on_loopback_too(method: str) -> None:
    async with running_edge() as relay:
        own, good = relay.admin_url, token(relay, "admin")
        assert await status(relay, "/status.json", method) == 401
        assert await status(relay, "/status.json", method, cookie=f"relay_admin={good}") == 403
        assert await status(relay, "/status.json", method, cookie=f"relay_admin={good}", origin="https://a.b") == 403
        bearer = f"Bearer {good}"
        assert await status(relay, "/status.json", method, authorization=bearer, origin="https://a.b") == 403
        for allowed in ({"authorization": bearer}, {"cookie": f"relay_admin={good}", "origin": own}):
            assert await status(relay, "/status.json", method, **allowed) == 405, "there is nothing to change"
