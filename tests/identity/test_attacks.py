"""The known attacks on tokens, sessions and identity, each by its name, over real HTTP.

Those that are one beacon with one token are rows of `test_table.py`; those on JWTs are in
`tests/identity/test_jwt.py`.
"""

import base64
import hashlib
import json
import string
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from relay.core.clock import SystemClock
from relay.core.errors import SettingsError
from relay.identity.tokens import SCOPES, IdentityClaims, ServerClaims, SiteClaims, Tokens, mint_identity
from tests.support.clock import FakeClock
from tests.support.emulator import running_emulator
from tests.support.relay import KEY, ORIGIN, SESSION, Client, RunningEdge, make_settings, running_edge, running_relay

ATTACKER, VICTIM = "session-of-the-attacker", "session-of-the-victim"
COOKIE = "__Host-relay-identity"
BOOKS = '[sites.books]\ntracking_id = "books"\nallowed_origins = ["https://books.example"]\n'


@pytest.fixture
async def edge() -> AsyncGenerator[RunningEdge]:
    async with running_edge(identity_cookie=COOKIE) as running:
        yield running


async def sent(edge: RunningEdge) -> list[tuple[str, str | None]]:
    """Session and user of every record that waits."""
    return [(record.key.session_id, record.user_id) for record in await edge.records()]


async def test_session_mismatch_the_attackers_session_with_the_victims_token(edge: RunningEdge) -> None:
    stolen = edge.login("victim", session_id=VICTIM)
    assert (await edge.send(session=ATTACKER, identity=stolen))["identity"] == "mismatch"
    assert (await edge.send(session=ATTACKER))["identity"] == "none"
    assert await sent(edge) == [(ATTACKER, None)] * 2


async def test_fixation_by_url_nothing_is_read_from_the_query(edge: RunningEdge) -> None:
    query = f"sessionId={ATTACKER}&identity={edge.login('attacker')}&token=x&userId=attacker"
    body = json.dumps(edge.beacon(session=VICTIM))
    answer = await edge.http.post(f"{edge.url}/r/e?{query}", content=body, headers={"origin": ORIGIN})
    assert answer.json()["identity"] == "none"
    assert await sent(edge) == [(VICTIM, None)]


async def test_fixation_by_login_a_victim_in_the_attackers_session_becomes_nobody_elses(edge: RunningEdge) -> None:
    await edge.send(session=ATTACKER, identity=edge.login("attacker"))
    assert (await edge.send(session=ATTACKER, identity=edge.login("victim")))["identity"] == "conflict"
    assert (await edge.send({"eventType": "View"}, session=ATTACKER))["identity"] == "none"
    records = await sent(edge)
    (of_victim,) = [session for session, user in records if user == "victim"]
    assert [record for record in records if record[0] == ATTACKER] == [(ATTACKER, "attacker")] * 2
    # The victim's session follows from the secret key: from what the attacker has it cannot be worked out.
    assert ATTACKER not in of_victim
    assert len(of_victim) > 40


async def test_stolen_token_it_ends_with_its_time_and_the_session_it_bound_stays_one_users(edge: RunningEdge) -> None:
    stolen = edge.login("victim", session_id=VICTIM, ttl_s=1)
    later = FakeClock(SystemClock().now_ms() + 3600_000)
    async with running_edge(clock=later) as tomorrow:
        assert (await tomorrow.send(session=VICTIM, identity=stolen))["identity"] == "expired"
        assert await sent(tomorrow) == [(VICTIM, None)]


async def test_shared_computer_the_next_user_gets_neither_history_nor_session() -> None:
    async with running_emulator() as emulator, running_relay(env=emulator.env) as relay:
        first, second = "session-before-logout", "session-after-logout"
        await relay.send({"eventType": "View", "itemId": "anonymous-then-ann"}, session=first)
        await relay.send({"eventType": "View", "itemId": "ann"}, session=first, identity=relay.login("ann"))
        await relay.send({"eventType": "View", "itemId": "anonymous-then-bob"}, session=second)
        await relay.send({"eventType": "View", "itemId": "bob"}, session=second, identity=relay.login("bob"))
        # A tab nobody closed, and a login without a logout before it.
        await relay.send({"eventType": "View", "itemId": "late-ann"}, session=first)
        await relay.send({"eventType": "View", "itemId": "bob-again"}, session=first, identity=relay.login("bob"))
        await relay.delivered()
        csv = (await relay.http.get(f"{emulator.url}/_emulator/interactions.csv")).text
    joined = {row.split(",")[1]: row.split(",")[0] for row in csv.splitlines()[1:]}
    assert joined == {
        "anonymous-then-ann": "ann",
        "ann": "ann",
        "late-ann": "ann",
        "anonymous-then-bob": "bob",
        "bob": "bob",
        "bob-again": "bob",
    }


async def test_poisoning_one_address_cannot_have_more_events_by_making_up_sessions() -> None:
    async with running_edge(rate_limit_ip="1/s") as edge:
        codes = [(await edge.post(edge.beacon(session=f"made-up-session-{n:04}"))).status_code for n in range(14)]
    assert codes[:10] == [202] * 10
    assert codes[-1] == 429


async def test_event_id_pre_emption_an_id_used_in_another_session_is_no_duplicate_here(edge: RunningEdge) -> None:
    taken_first = {"eventType": "View", "eventId": "guessed"}
    assert (await edge.send(taken_first, session=ATTACKER))["accepted"] == 1
    assert (await edge.send(taken_first, session=VICTIM))["accepted"] == 1
    await edge.send({"eventType": "View"}, {"eventType": "View"}, session=VICTIM)
    made = [record.event_id for record in await edge.records() if record.event_id != "guessed"]
    assert len(set(made)) == 2
    assert all(len(event_id) == 32 for event_id in made), "nobody guesses 128 bits"


async def test_replay_of_a_captured_beacon_has_no_effect_also_after_a_restart(tmp_path: Path) -> None:
    spool = f"sqlite:///{tmp_path / 'spool.db'}"
    async with running_emulator() as emulator:
        async with running_relay(env=emulator.env, spool_url=spool) as relay:
            captured = relay.beacon(
                {"eventType": "Purchase", "itemId": "p1", "eventId": "e1"}, identity=relay.login("victim")
            )
            assert (await relay.post(captured)).json()["accepted"] == 1
            await relay.delivered()
            for _ in range(3):
                again = (await relay.post(captured)).json()
                assert (again["accepted"], again["rejected"][0]["reason"]) == (0, "duplicate")
            await relay.delivered()
            assert len(emulator.bodies()) == 1
        async with running_relay(env=emulator.env, spool_url=spool) as relay:
            await relay.post(captured)
            await relay.delivered()
            csv = (await relay.http.get(f"{emulator.url}/_emulator/interactions.csv")).text
    assert {(one["eventId"], one["userId"]) for one in emulator.events()} == {("e1", "victim")}
    assert len(csv.splitlines()) == 2, "the head and one purchase"


async def test_malleated_tokens_one_signature_is_one_token(edge: RunningEdge) -> None:
    body, _, signature = edge.login("u1").rpartition(".")
    site_body, _, site_signature = edge.site_token.rpartition(".")
    alphabet = string.ascii_letters + string.digits + "-_"

    def twins(text: str) -> list[str]:
        same_bytes = base64.urlsafe_b64decode(text + "=")
        unused_bits = [text[:-1] + one for one in alphabet if one != text[-1]]
        alike = [one for one in unused_bits if base64.urlsafe_b64decode(one + "=") == same_bytes]
        assert len(alike) == 3
        return [*alike, text + "=", text + "==", text[:5] + "!" + text[5:], text + "\n", " " + text]

    for twin in twins(signature):
        assert (await edge.send(identity=f"{body}.{twin}"))["identity"] == "invalid"
    for twin in twins(site_signature):
        assert (await edge.post(edge.beacon(token=f"{site_body}.{twin}"))).status_code == 401
    assert {user for _, user in await sent(edge)} == {None}


async def test_confusion_of_purposes_no_kind_of_token_is_good_for_another(edge: RunningEdge) -> None:
    tokens = Tokens([KEY], clock=edge.clock)
    site, identity = tokens.mint(SiteClaims("default")), tokens.mint(IdentityClaims("default"))
    server = tokens.mint(ServerClaims("default", SCOPES))
    for token in (identity, server):
        assert (await edge.post(edge.beacon(token=token))).status_code == 401
    for token in (site, server):
        assert (await edge.send(identity=token))["identity"] == "invalid"
    for token in (site, identity):
        headers = {"authorization": f"Bearer {token}"}
        answer = await edge.http.post(f"{edge.url}/api/v1/erase", json={"userId": "u1"}, headers=headers)
        assert answer.status_code == 401


SHA256 = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@pytest.mark.parametrize(
    ("salt", "signer"),
    [
        ("relay.identity.v1", {}),
        ("relay.identity.v1", {"key_derivation": "hmac"}),
        ("relay.identity.v1", {"key_derivation": "concat", "digest_method": hashlib.sha256}),
        ("relay.identity.v1", {"key_derivation": "django-concat", "digest_method": hashlib.sha256}),
        ("relay.identity.v1", {"key_derivation": "none", "digest_method": hashlib.sha256}),
        ("relay.identity.v1", {"key_derivation": "hmac", "digest_method": hashlib.sha512}),
        ("relay.identity.v2", SHA256),
        ("relay.identity.v1signer", SHA256),
        ("itsdangerous", SHA256),
        ("", SHA256),
    ],
    ids=str,
)
async def test_confusion_of_algorithms_the_key_in_other_hands_makes_no_identity(
    edge: RunningEdge, salt: str, signer: dict[str, object]
) -> None:
    # A backend often signs cookies and mail links with the same library; with the same key, by mistake.
    token = URLSafeTimedSerializer(KEY, salt=salt, signer_kwargs=signer).dumps({"sub": "victim"})
    assert (await edge.send(identity=token))["identity"] == "invalid"
    assert await sent(edge) == [(SESSION, None)]


@pytest.mark.parametrize("keys", ["", ",", " , ", "short", f"{KEY},short", f"{KEY},{KEY}"])
def test_empty_keys_and_short_ones_stop_the_start(keys: str) -> None:
    with pytest.raises(SettingsError, match="RELAY_SECRET_KEYS"):
        make_settings(secret_keys=keys)


@pytest.mark.parametrize("keys", [f"{KEY},", f",{KEY}", f"{KEY}, ,"])
async def test_empty_keys_a_comma_too_many_lets_nobody_sign_with_nothing(keys: str) -> None:
    async with running_edge(secret_keys=keys) as edge:
        for key in ("", " ", "\0"):
            token = URLSafeTimedSerializer(key, salt="relay.identity.v1", signer_kwargs=SHA256).dumps({"sub": "victim"})
            assert (await edge.send(identity=token))["identity"] == "invalid"


async def test_clocks_a_relay_whose_clock_falls_back_keeps_its_sessions_and_its_events() -> None:
    clock = FakeClock()
    async with running_edge(clock=clock) as edge:
        token = edge.login("u1")
        page = edge.site_token
        assert (await edge.send(identity=token))["identity"] == "ok"
        clock.step(-50)
        assert (await edge.send(identity=token, token=page))["identity"] == "ok"
        clock.step(-3600)
        assert (await edge.post(edge.beacon(identity=token, token=page))).json()["error"] == "token_from_future"
        assert (await edge.send(identity=token))["identity"] == "invalid"
        clock.step(3650)
        assert (await edge.send(identity=token, token=page))["identity"] == "ok"
        assert {user for _, user in await sent(edge)} == {"u1"}


@pytest.mark.parametrize(
    "token",
    [
        "x" * 60_000,
        "." * 60_000,
        f"{'A' * 30_000}.{'A' * 20_000}.{'A' * 43}",
        mint_identity("victim", secret_key="forged" * 6) + "A" * 50_000,
        "\ud800",
        "\udfff.\ud800.\ud800",
        "\0",
        "\uff45\uff59\uff2a",
        ["x"] * 10_000,
        {"sub": "victim"},
        2**70,
        True,
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_huge_tokens_and_surrogates_are_invalid_and_hurt_nobody(edge: RunningEdge, token: object) -> None:
    assert (await edge.send(identity=token))["identity"] == "invalid"
    as_site = await edge.post(edge.beacon(token=token))
    assert as_site.status_code in (400, 401)
    as_bytes = str(token).encode("utf-8", "surrogatepass").replace(b"\0", b"zero")[:8000]
    bearer = {b"authorization": b"Bearer " + as_bytes}
    answer = await edge.http.post(f"{edge.url}/api/v1/erase", content=b"{}", headers=bearer)
    assert answer.status_code == 401
    assert await sent(edge) == [(SESSION, None)]


async def with_cookie(edge: Client, cookie: str, **headers: str) -> tuple[int, str | None]:
    answer = await edge.post(edge.beacon(), cookie=cookie, **headers)
    return answer.status_code, answer.json().get("identity")


@pytest.mark.parametrize(
    "origin",
    [
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.",
        "https://SHOP.example",
        "https://evil.shop.example",
        "https://shop.example@evil.example",
        "null",
    ],
)
async def test_cookies_are_not_for_origins_that_only_look_allowed(edge: RunningEdge, origin: str) -> None:
    assert await with_cookie(edge, f"{COOKIE}={edge.login('victim')}", origin=origin) == (403, None)
    assert await edge.records() == []


async def test_cookies_are_not_for_requests_that_hide_their_origin(edge: RunningEdge) -> None:
    cookie = f"{COOKIE}={edge.login('victim')}"
    for where in ("cross-site", "same-site"):
        assert await with_cookie(edge, cookie, origin="", sec_fetch_site=where) == (403, None)
    assert await with_cookie(edge, cookie, origin="", sec_fetch_site="none") == (202, "none")
    assert await with_cookie(edge, cookie, origin=ORIGIN, sec_fetch_site="same-site") == (202, "ok")


async def test_cookies_of_one_sites_visitor_are_not_for_the_pages_of_another_site(tmp_path: Path) -> None:
    (tmp_path / "relay.toml").write_text(BOOKS)
    async with running_edge(config=tmp_path / "relay.toml", identity_cookie=COOKIE) as edge:
        cookie = f"{COOKIE}={edge.login('victim')}"
        assert await with_cookie(edge, cookie, origin="https://books.example") == (403, None)
        assert await edge.records() == []


async def test_cookies_that_are_too_long_or_not_set_are_no_cookies() -> None:
    async with running_edge() as edge:  # without RELAY_IDENTITY_COOKIE
        assert await with_cookie(edge, f"{COOKIE}={edge.login('victim')}") == (202, "none")
    async with running_edge(identity_cookie=COOKIE) as edge:
        token = edge.login("victim")
        assert await with_cookie(edge, f"{COOKIE}={token}; junk={'x' * 17_000}") == (202, "none")
        assert await with_cookie(edge, f"{COOKIE}=; other={token}") == (202, "none")
        assert await with_cookie(edge, f"{COOKIE}x={token}; x{COOKIE}={token}") == (202, "none")
        assert {user for _, user in await sent(edge)} == {None}
