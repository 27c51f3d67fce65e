"""Tokens: what is taken, what is not, and the traps of the library."""

import hashlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode

from relay.identity.tokens import (
    MAX_TOKEN_CHARS,
    SCOPES,
    IdentityClaims,
    ServerClaims,
    SiteClaims,
    TokenFault,
    Tokens,
    mint_identity,
)
from tests.support.clock import FakeClock

OLD, NEW = "old" * 12, "new" * 12


def plain_serializer(salt: str, key: str = NEW) -> URLSafeTimedSerializer:
    """As examples/backend-tokens writes it, for a backend without our package."""
    return URLSafeTimedSerializer(
        key, salt=salt, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(clock: FakeClock) -> Tokens:
    return Tokens([NEW, OLD], clock=clock, leeway_s=60, identity_max_age_s=3600)


def test_what_is_minted_is_taken(tokens: Tokens) -> None:
    assert tokens.site(tokens.mint(SiteClaims("shop"))) == SiteClaims("shop")
    identity = IdentityClaims(sub="u1", sid="s" * 16)
    assert tokens.identity(tokens.mint(identity)) == identity
    server = ServerClaims("shop", SCOPES)
    assert tokens.server(tokens.mint(server)) == server


def test_a_token_of_the_documented_format_is_taken() -> None:
    from relay.core.clock import SystemClock  # noqa: PLC0415 - the library signs with the machine's time

    tokens = Tokens([NEW], clock=SystemClock())
    assert tokens.site(plain_serializer("relay.site.v1").dumps({"site": "shop"})) == SiteClaims("shop")
    assert tokens.identity(plain_serializer("relay.identity.v1").dumps({"sub": "u1"})) == IdentityClaims("u1")


def test_what_the_relay_mints_the_library_reads(tokens: Tokens) -> None:
    assert plain_serializer("relay.identity.v1").loads(tokens.mint(IdentityClaims("ü" * 256))) == {"sub": "ü" * 256}


def test_no_kind_is_taken_for_another(tokens: Tokens) -> None:
    site = tokens.mint(SiteClaims("shop"))
    identity = tokens.mint(IdentityClaims("shop"))
    assert tokens.identity(site) is TokenFault.FORGED
    assert tokens.site(identity) is TokenFault.FORGED
    assert tokens.server(site) is TokenFault.FORGED


def test_the_first_key_signs_and_all_verify(clock: FakeClock) -> None:
    before = Tokens([OLD], clock=clock)
    during = Tokens([NEW, OLD], clock=clock)
    after = Tokens([NEW], clock=clock)
    old_token, new_token = before.mint(SiteClaims("shop")), during.mint(SiteClaims("shop"))
    assert during.site(old_token) == SiteClaims("shop")
    assert after.site(new_token) == SiteClaims("shop")
    assert after.site(old_token) is TokenFault.FORGED
    assert before.site(new_token) is TokenFault.FORGED


@pytest.mark.parametrize(
    ("ahead_s", "fault"),
    [(2, None), (59, None), (60, None), (62, TokenFault.FROM_FUTURE), (600, TokenFault.FROM_FUTURE)],
)
def test_a_signer_whose_clock_is_ahead_is_taken_within_the_leeway(
    ahead_s: int, fault: TokenFault | None, tokens: Tokens, clock: FakeClock
) -> None:
    ahead = FakeClock(clock.now_ms() + ahead_s * 1000)
    token = mint_identity("u1", secret_key=NEW, clock=ahead)
    assert tokens.identity(token) == (fault or IdentityClaims("u1"))
    site = Tokens([NEW], clock=ahead).mint(SiteClaims("shop"))
    assert tokens.site(site) == (fault or SiteClaims("shop"))


def test_an_identity_token_ends_with_its_age_also_when_it_was_seen_before(tokens: Tokens, clock: FakeClock) -> None:
    token = tokens.mint(IdentityClaims("u1"))
    assert tokens.identity(token) == IdentityClaims("u1")
    clock.advance(3600 + 58)
    assert tokens.identity(token) == IdentityClaims("u1")
    clock.advance(3)
    assert tokens.identity(token) is TokenFault.EXPIRED


def test_an_identity_token_may_end_sooner_but_not_later(tokens: Tokens, clock: FakeClock) -> None:
    soon = mint_identity("u1", secret_key=NEW, ttl_s=10, clock=clock)
    late = mint_identity("u1", secret_key=NEW, ttl_s=10**6, clock=clock)
    clock.advance(72)
    assert tokens.identity(soon) is TokenFault.EXPIRED
    clock.advance(3600)
    assert tokens.identity(late) is TokenFault.EXPIRED


def test_a_clock_stepped_back_an_hour_refuses_and_recovers(tokens: Tokens, clock: FakeClock) -> None:
    token = tokens.mint(IdentityClaims("u1"))
    clock.step(-3600)
    assert tokens.identity(token) is TokenFault.FROM_FUTURE
    clock.step(3600)
    assert tokens.identity(token) == IdentityClaims("u1")


def test_site_tokens_made_before_a_moment_are_revoked(clock: FakeClock) -> None:
    token = Tokens([NEW], clock=clock).mint(SiteClaims("shop"))
    now_s = clock.now_ms() // 1000
    assert Tokens([NEW], clock=clock, site_not_before_s={"shop": now_s + 1}).site(token) is TokenFault.REVOKED
    assert Tokens([NEW], clock=clock, site_not_before_s={"shop": now_s}).site(token) == SiteClaims("shop")
    assert Tokens([NEW], clock=clock, site_not_before_s={"other": now_s + 1}).site(token) == SiteClaims("shop")
    server = Tokens([NEW], clock=clock).mint(ServerClaims("shop", ("events",)))
    assert Tokens([NEW], clock=clock, server_not_before_s=now_s + 1).server(server) is TokenFault.REVOKED


@pytest.mark.parametrize(
    "junk",
    [None, 5, True, [], {}, "", ".", "..", "a.b", "a.b.c", "x" * 10**6, "é.é.é", "\ud800", "\0", ".a.b.c", b"bytes"],
    ids=repr,
)
def test_junk_is_a_fault_and_never_an_error(junk: object, tokens: Tokens) -> None:
    for judge in (tokens.site, tokens.identity, tokens.server):
        assert isinstance(judge(junk), TokenFault)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert isinstance(Tokens([NEW], clock=FakeClock()).site(text), TokenFault)


@given(st.integers(0, 200), st.characters())
def test_a_token_with_one_character_changed_is_not_taken(place: int, character: str) -> None:
    tokens = Tokens([NEW], clock=FakeClock())
    token = tokens.mint(SiteClaims("shop"))
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    assert (changed == token) == (tokens.site(changed) == SiteClaims("shop"))


def test_malleated_twins_are_not_tokens_and_cannot_fill_the_cache(tokens: Tokens) -> None:
    token = tokens.mint(SiteClaims("shop"))
    body, _, signature = token.rpartition(".")
    library = plain_serializer("relay.site.v1")
    twins = [f"{body}.{signature[:9]}!{signature[9:]}", token + "=", f"{body}.{signature}=="]
    twins += [token[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    verifying = [twin for twin in twins if library.loads_unsafe(twin)[0] and twin != token]
    assert len(verifying) >= 4, "the trap is still there in the library"
    assert all(tokens.site(twin) is TokenFault.MALFORMED for twin in verifying)
    assert tokens.site(token) == SiteClaims("shop")
    assert len(tokens._young) + len(tokens._old) == 1


@pytest.mark.parametrize(
    "payload",
    [
        "shop",
        ["shop"],
        {},
        {"site": 5},
        {"site": None},
        {"site": ""},
        {"site": "  "},
        {"site": "x" * 257},
        {"site": "undefined"},
        {"site": "a\0b"},
        {"site": "\ud800"},
        {"site": "shop", "admin": True},
        {"site": float("nan")},
    ],
    ids=repr,
)
def test_a_payload_that_is_not_exactly_the_kind_s_is_refused(payload: object, tokens: Tokens) -> None:
    signer = tokens._serializers["relay.site.v1"].make_signer()
    token = signer.sign(base64_encode(json.dumps(payload).encode())).decode()
    assert tokens.site(token) is TokenFault.BAD_PAYLOAD


def test_nobody_can_mint_what_nobody_would_take(tokens: Tokens) -> None:
    for user in ("", " ", "undefined", "null", "x" * 257, "\ud800", "a\0"):
        with pytest.raises(ValueError, match="not valid"):
            tokens.mint(IdentityClaims(user))


def test_a_compressed_payload_may_not_grow_without_bound(tokens: Tokens) -> None:
    bomb = json.dumps({"site": "x", "y": "0" * 1_000_000}).encode()
    payload = b"." + base64_encode(zlib.compress(bomb, 9))
    signer = tokens._serializers["relay.site.v1"].make_signer()
    token = signer.sign(payload).decode()
    assert len(token) < MAX_TOKEN_CHARS
    assert tokens.site(token) is TokenFault.BAD_PAYLOAD


def test_a_token_is_compressed_only_where_it_would_be_too_long(tokens: Tokens) -> None:
    for user, session, is_compressed in [
        ("a" * 256, None, False),
        ("ada", "3" * 38, False),
        ("😀" * 256, "😀" * 256, True),
    ]:
        claims = IdentityClaims(user, session, exp=2_000_000_000)
        token = tokens.mint(claims)
        assert token.startswith(".") is is_compressed
        assert len(token) < MAX_TOKEN_CHARS
        assert tokens.identity(token) == claims


def test_the_cache_is_bounded_and_keeps_what_is_used(monkeypatch: pytest.MonkeyPatch, tokens: Tokens) -> None:
    monkeypatch.setattr("relay.identity.tokens.MAX_CACHED", 4)
    used = tokens.mint(SiteClaims("used"))
    first = tokens.verify(SiteClaims, used)
    for number in range(10):
        assert tokens.site(tokens.mint(SiteClaims(f"shop{number}"))) == SiteClaims(f"shop{number}")
        assert tokens.verify(SiteClaims, used) is first
    assert len(tokens._young) + len(tokens._old) <= 4
