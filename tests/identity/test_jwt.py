"""Identity from JWTs: what is taken, and the classic attacks."""

import base64
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from relay.core.errors import RelayError
from relay.identity.jwks import AGAIN_S, PATIENCE_S, Jwks
from relay.identity.jwt import MOST_NAMED, JwtFault, JwtIdentity, is_jwt
from relay.identity.tokens import SCOPES, IdentityClaims, ServerClaims, SiteClaims, TokenFault, Tokens
from tests.support.clock import FakeClock
from tests.support.http_server import serving

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
OTHER_KEY = rsa.generate_private_key(65537, 2048)
SIGNERS: dict[str, Any] = {"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}


def jwk(algorithm: str, key_id: str) -> dict[str, Any]:
    makers: dict[str, Callable[[Any], str]] = {
        "RS256": RSAAlgorithm.to_jwk,
        "ES256": ECAlgorithm.to_jwk,
        "EdDSA": OKPAlgorithm.to_jwk,
    }
    made: dict[str, Any] = json.loads(makers[algorithm](SIGNERS[algorithm].public_key()))
    return made | {"kid": key_id, "use": "sig"}


KEYS = {"keys": [jwk(algorithm, algorithm) for algorithm in SIGNERS]}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def judging(keys: Jwks, clock: FakeClock) -> JwtIdentity:
    return JwtIdentity(
        keys, issuer="https://login.example", audience="relay", claim="sub", clock=clock, leeway_s=60, max_age_s=3600
    )


@pytest.fixture
async def judge(clock: FakeClock, tmp_path: Path) -> AsyncGenerator[JwtIdentity]:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(KEYS))
    async with Jwks(str(file), clock=clock) as keys:
        yield judging(keys, clock)


def claims(clock: FakeClock, **changes: Any) -> dict[str, Any]:
    now_s = clock.now_ms() // 1000
    whole = {"iss": "https://login.example", "aud": "relay", "sub": "u1", "iat": now_s, "exp": now_s + 600} | changes
    return {name: value for name, value in whole.items() if value is not None}


def signed(payload: dict[str, Any], algorithm: str = "RS256", *, key: Any = None, **header: Any) -> str:
    headers = {"kid": algorithm} | header
    kept = {name: value for name, value in headers.items() if value is not None}
    return jwt.encode(payload, key or SIGNERS[algorithm], algorithm=algorithm, headers=kept)


def raw(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"x") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("algorithm", list(SIGNERS))
async def test_the_three_algorithms_are_taken(judge: JwtIdentity, clock: FakeClock, algorithm: str) -> None:
    assert judge.identity(signed(claims(clock), algorithm)) == IdentityClaims("u1")


async def test_a_key_of_another_name_or_owner_is_not(judge: JwtIdentity, clock: FakeClock) -> None:
    assert judge.identity(signed(claims(clock), key=OTHER_KEY)) is TokenFault.FORGED
    assert judge.identity(signed(claims(clock), kid="unknown")) is TokenFault.FORGED
    assert judge.identity(signed(claims(clock), kid="ES256")) is TokenFault.FORGED
    assert judge.identity(signed(claims(clock), kid=None)) is TokenFault.FORGED


async def test_no_algorithm_and_shared_secrets_are_refused(judge: JwtIdentity, clock: FakeClock) -> None:
    public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name in ("none", "None", "HS256", "RS512", "", None, 5):
        assert judge.identity(raw({"alg": name, "kid": "RS256"}, claims(clock))) is TokenFault.MALFORMED
    confused = jwt.api_jws.PyJWS().encode(
        json.dumps(claims(clock)).encode(), public.hex().encode(), algorithm="HS256", headers={"kid": "RS256"}
    )
    assert judge.identity(confused) is TokenFault.MALFORMED


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"iss": "https://evil.example"}, TokenFault.FORGED),
        ({"iss": None}, TokenFault.FORGED),
        ({"aud": "somebody"}, TokenFault.FORGED),
        ({"aud": None}, TokenFault.FORGED),
        ({"exp": None}, TokenFault.FORGED),
        ({"sub": None}, TokenFault.FORGED),
        ({"sub": ""}, TokenFault.BAD_PAYLOAD),
        ({"sub": "undefined"}, TokenFault.BAD_PAYLOAD),
        ({"sub": "x" * 257}, TokenFault.BAD_PAYLOAD),
        ({"exp": 1e300}, TokenFault.BAD_PAYLOAD),
    ],
    ids=str,
)
async def test_claims_that_are_not_for_us_are_refused(
    judge: JwtIdentity, clock: FakeClock, changes: dict[str, Any], fault: TokenFault
) -> None:
    assert judge.identity(signed(claims(clock, **changes))) is fault


async def test_times_are_judged_with_leeway_and_our_greatest_age(judge: JwtIdentity, clock: FakeClock) -> None:
    token = signed(claims(clock))
    long = signed(claims(clock, exp=clock.now_ms() // 1000 + 10**6))
    clock.advance(655)
    assert judge.identity(token) == IdentityClaims("u1")
    clock.advance(10)
    assert judge.identity(token) is TokenFault.EXPIRED
    assert judge.identity(long) == IdentityClaims("u1")
    clock.advance(3600)
    assert judge.identity(long) is TokenFault.EXPIRED
    ahead_s = clock.now_ms() // 1000 + 100
    assert judge.identity(signed(claims(clock, iat=ahead_s))) is TokenFault.FROM_FUTURE
    assert judge.identity(signed(claims(clock, nbf=ahead_s))) is TokenFault.FROM_FUTURE


@pytest.mark.parametrize(
    ("given", "user"),
    [(42, "42"), (0, "0"), (-7, "-7"), (2**63, "9223372036854775808"), ("042", "042")],
    ids=str,
)
async def test_a_user_id_that_is_a_whole_number_is_its_text(
    judge: JwtIdentity, clock: FakeClock, given: object, user: str
) -> None:
    assert judge.identity(signed(claims(clock, sub=given, jti=5))) == IdentityClaims(user)


@pytest.mark.parametrize("given", [True, False, 4.5, 42.0, [42], {"id": 42}, 10**300], ids=lambda x: repr(x)[:9])
async def test_a_user_id_that_is_no_whole_number_is_none(judge: JwtIdentity, clock: FakeClock, given: object) -> None:
    assert judge.identity(signed(claims(clock, sub=given))) is TokenFault.BAD_PAYLOAD


async def test_why_a_token_is_not_taken_is_said_in_words(judge: JwtIdentity, clock: FakeClock) -> None:
    for token, words in (
        (signed(claims(clock, iss="https://evil.example")), "RELAY_JWT_ISSUER"),
        (signed(claims(clock, aud="somebody")), "RELAY_JWT_AUDIENCE"),
        (signed(claims(clock, exp=None)), "claim exp is missing"),
        (signed(claims(clock, sub="")), "RELAY_JWT_CLAIM"),
        (signed(claims(clock), kid="rotated"), "'rotated'"),
        (signed(claims(clock), key=OTHER_KEY), "signature"),
        (signed(claims(clock), kid="ES256"), "for ES256"),
        (signed(claims(clock, exp=clock.now_ms() // 1000 - 100)), "expired 1"),
        (signed(claims(clock, iat=clock.now_ms() // 1000 + 100)), "s ahead"),
        ("junk", "not a JWT"),
    ):
        fault = judge.verify(token)
        assert isinstance(fault, JwtFault), token
        assert words in fault.why


@pytest.mark.parametrize(
    "junk", [None, 5, "", "a.b.c", "..", "\ud800", "é.é.é", "x" * 10**6, {}, "e30.e30.e30"], ids=lambda x: repr(x)[:9]
)
async def test_junk_is_a_fault_and_never_an_error(judge: JwtIdentity, junk: object) -> None:
    await judge.prepare(junk)
    assert judge.identity(junk) is TokenFault.MALFORMED


async def test_shared_secrets_among_the_keys_are_left_out(tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(
        json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}, {"kty": "new"}, 5, jwk("RS256", "r")]})
    )
    async with Jwks(str(file), clock=clock) as keys:
        assert keys.find("s") is None
        assert keys.find("r") is not None
        assert keys.find(None) is not None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys":[]}', '{"keys":[{"kty":"oct","k":"AA"}]}'])
async def test_a_file_without_keys_stops_the_start(tmp_path: Path, clock: FakeClock, content: str) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(content)
    with pytest.raises(RelayError, match="RELAY_JWT_JWKS"):
        async with Jwks(str(file), clock=clock):
            pass


class Provider:
    """An identity provider's keys over HTTP."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"keys": [jwk("RS256", "old")]}
        self.asked = 0
        self.answer: Response | None = None

    async def __call__(self, _request: Request) -> Response:
        self.asked += 1
        return self.answer or JSONResponse(self.keys)


async def test_a_new_key_is_found_and_unknown_ones_cannot_make_us_ask_all_the_time(clock: FakeClock) -> None:
    provider = Provider()
    async with (
        serving(Starlette(routes=[Route("/jwks", provider.__call__)])) as url,
        Jwks(f"{url}/jwks", clock=clock) as keys,
    ):
        judge = judging(keys, clock)
        token = signed(claims(clock), kid="new")
        await judge.prepare(token)
        assert judge.identity(token) is TokenFault.FORGED
        assert provider.asked == 1, "it was read a moment ago"
        provider.keys["keys"].append(jwk("RS256", "new"))
        clock.advance(AGAIN_S)
        for number in range(50):
            await judge.prepare(signed(claims(clock), kid=f"made up {number}"))
        assert provider.asked == 2
        await judge.prepare(token)
        assert judge.identity(token) == IdentityClaims("u1")
        provider.keys = {"keys": [jwk("RS256", "new")]}
        clock.advance(AGAIN_S)
        await judge.prepare(signed(claims(clock), kid="another"))
        assert judge.identity(signed(claims(clock), kid="old")) is TokenFault.FORGED


@pytest.mark.parametrize(
    "answer",
    [Response(status_code=500), Response(b"<html>"), Response(b" " * 300_000), RedirectResponse("/elsewhere")],
    ids=["500", "html", "large", "redirect"],
)
async def test_a_provider_that_misbehaves_leaves_the_keys_as_they_were(clock: FakeClock, answer: Response) -> None:
    provider = Provider()
    async with (
        serving(Starlette(routes=[Route("/jwks", provider.__call__)])) as url,
        Jwks(f"{url}/jwks", clock=clock) as keys,
    ):
        provider.answer = answer
        clock.advance(AGAIN_S)
        await keys.look_for("unknown")
        assert keys.problems()
        assert keys.find("old") is not None
    async with Jwks("http://127.0.0.1:9/jwks", clock=clock) as keys:
        assert keys.problems()


async def test_a_token_younger_than_the_last_reading_is_told_to_come_again_and_an_older_one_is_not(
    clock: FakeClock,
) -> None:
    provider = Provider()
    async with (
        serving(Starlette(routes=[Route("/jwks", provider.__call__)])) as url,
        Jwks(f"{url}/jwks", clock=clock) as keys,
    ):
        verifier = judging(keys, clock)
        older = signed(claims(clock, iat=clock.now_ms() // 1000 - 60), kid="new")
        clock.advance(3)
        provider.keys["keys"].append(jwk("RS256", "new"))
        token = signed(claims(clock), kid="new")
        wait_s = await verifier.prepare(token)
        assert wait_s == AGAIN_S - 3
        assert await verifier.prepare(older) == 0, "its key would have been there"
        assert await verifier.prepare(signed(claims(clock, iat=None), kid="new")) == wait_s, (
            "nobody knows how old it is"
        )
        assert await verifier.prepare(signed(claims(clock, iat=None), kid="never")) == wait_s
        ahead_s = clock.now_ms() // 1000 + 3600
        assert await verifier.prepare(signed(claims(clock, iat=ahead_s), kid="new")) == 0, "it is refused anyway"
        clock.advance(wait_s)
        assert await verifier.prepare(token) == 0
        assert verifier.identity(token) == IdentityClaims("u1")
        assert provider.asked == 2
        assert await verifier.prepare(signed(claims(clock, iat=None), kid="never")) == 0, "it was looked for meanwhile"


async def test_while_the_keys_cannot_be_read_a_token_is_told_to_come_again_but_not_for_ever(clock: FakeClock) -> None:
    provider = Provider()
    async with (
        serving(Starlette(routes=[Route("/jwks", provider.__call__)])) as url,
        Jwks(f"{url}/jwks", clock=clock) as keys,
    ):
        verifier = judging(keys, clock)
        clock.advance(60)
        token = signed(claims(clock), kid="new")
        clock.advance(20)
        provider.answer = Response(status_code=503)
        assert await verifier.prepare(token) == AGAIN_S
        assert await verifier.prepare(signed(claims(clock, iat=clock.now_ms() // 1000 - 600), kid="new")) == 0
        clock.advance(PATIENCE_S)
        assert await verifier.prepare(token) == 0
        provider.answer = None
        provider.keys["keys"].append(jwk("RS256", "new"))
        clock.advance(AGAIN_S)
        assert await verifier.prepare(token) == 0
        assert keys.find("new") is not None


async def test_keys_that_are_named_are_remembered_within_a_bound(clock: FakeClock, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(KEYS))
    async with Jwks(str(file), clock=clock) as keys:
        verifier = judging(keys, clock)
        clock.advance(1)
        for number in range(MOST_NAMED + 5):
            assert await verifier.prepare(signed(claims(clock, iat=None), kid=f"made up {number}")) == AGAIN_S - 1
        assert len(verifier._first_named) == MOST_NAMED


async def test_no_token_of_ours_looks_like_a_jwt(clock: FakeClock) -> None:
    assert is_jwt(signed(claims(clock)))
    assert is_jwt(jwt.encode(claims(clock), "a-shared-secret-of-a-site-somewhere", algorithm="HS256"))
    for made in (IdentityClaims("u1"), SiteClaims("default"), ServerClaims("default", SCOPES)):
        assert not is_jwt(Tokens(["k" * 32], clock=clock).mint(made))
    assert not is_jwt("junk")
