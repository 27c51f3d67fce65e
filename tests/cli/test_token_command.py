"""`personalize-relay token`, as a process: what it says of a token is what a relay with these settings does."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm

from relay.core.clock import SystemClock
from relay.identity.tokens import SCOPES, IdentityClaims, ServerClaims, SiteClaims, Tokens
from tests.cli.test_serve import run
from tests.support.relay import KEY, relay_environ

pytestmark = pytest.mark.process

SIGNER = ed25519.Ed25519PrivateKey.generate()
TOKENS = Tokens([KEY], clock=SystemClock())
IN_AN_HOUR_S = SystemClock().now_ms() // 1000 + 3600


async def inspected(token: str, **env: str) -> tuple[int, dict[str, Any]]:
    code, out, err = await run("token", "inspect", "--json", token, **{"RELAY_SECRET_KEYS": KEY} | env)
    assert err == ""
    return code, json.loads(out)


def signed(**changes: Any) -> str:
    claims = {"iss": "https://login.example", "aud": "relay", "sub": 42, "exp": IN_AN_HOUR_S} | changes
    return jwt.encode(claims, SIGNER, algorithm="EdDSA", headers={"kid": "k1"})


@pytest.fixture
def jwt_env(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "jwks.json"
    key = json.loads(OKPAlgorithm.to_jwk(SIGNER.public_key())) | {"kid": "k1"}
    file.write_text(json.dumps({"keys": [key]}))
    return {
        "RELAY_JWT_JWKS": str(file),
        "RELAY_JWT_ISSUER": "https://login.example",
        "RELAY_JWT_AUDIENCE": "relay",
    }


async def test_a_jwt_the_relay_takes_is_accepted_with_its_user(jwt_env: dict[str, str]) -> None:
    code, said = await inspected(signed(), **jwt_env)
    assert (code, said["kind"], said["claims"]) == (0, "jwt", {"sub": "42"})


async def test_a_jwt_the_relay_refuses_is_told_why(jwt_env: dict[str, str]) -> None:
    for token, env, why in (
        (signed(aud="else"), jwt_env, "RELAY_JWT_AUDIENCE"),
        (signed(), jwt_env | {"RELAY_JWT_CLAIM": "user"}, "claim user is missing"),
        (signed(exp=5), jwt_env, "expired"),
        (signed(), {}, "RELAY_JWT_JWKS"),
        (signed(), {"RELAY_JWT_JWKS": jwt_env["RELAY_JWT_JWKS"]}, "RELAY_JWT_ISSUER, RELAY_JWT_AUDIENCE"),
    ):
        code, said = await inspected(token, **env)
        assert (code, said["accepted"], said["kind"]) == (1, False, "jwt")
        assert why in said["why"]


async def test_keys_for_jwts_that_cannot_be_read_are_one_line(jwt_env: dict[str, str]) -> None:
    code, out, err = await run(
        "token", "inspect", signed(), **jwt_env | {"RELAY_SECRET_KEYS": KEY, "RELAY_JWT_JWKS": "http://127.0.0.1:9/k"}
    )
    assert (code, out) == (1, "")
    assert [line for line in err.splitlines() if "RELAY_JWT_JWKS" in line] == err.splitlines()[-1:]


async def test_a_revoked_token_is_not_called_accepted() -> None:
    for token, variable in (
        (TOKENS.mint(SiteClaims("default")), "RELAY_SITE_TOKENS_NOT_BEFORE"),
        (TOKENS.mint(ServerClaims("default", SCOPES)), "RELAY_SERVER_TOKENS_NOT_BEFORE"),
    ):
        code, said = await inspected(token, **{variable: str(IN_AN_HOUR_S)})
        assert (code, said["accepted"]) == (1, False)
        assert variable in said["why"]
        assert (await inspected(token, **{variable: "1700000000"}))[0] == 0


async def test_a_site_revokes_its_own_tokens_only(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(
        f'[sites.books]\ntracking_id = "t1"\nallowed_origins = ["https://a.example"]\n'
        f"tokens_not_before = {IN_AN_HOUR_S}\n"
        '[sites.music]\ntracking_id = "t2"\nallowed_origins = ["https://b.example"]\n'
    )
    for site, code in (("books", 1), ("music", 0), ("shoes", 1)):
        token = TOKENS.mint(SiteClaims(site))
        found, _, _ = await run("token", "inspect", token, "--config", str(file), RELAY_SECRET_KEYS=KEY)
        assert found == code, site


@pytest.mark.parametrize("kind", ["site", "server"])
async def test_no_token_is_made_for_a_site_that_does_not_exist(kind: str, tmp_path: Path) -> None:
    code, out, err = await run("token", kind, "--site", "shoes", **relay_environ())
    assert (code, out) == (2, "")
    assert "there is default" in err
    file = tmp_path / "relay.toml"
    file.write_text('[sites.books]\ntracking_id = "t1"\nallowed_origins = ["https://a.example"]\n')
    code, out, err = await run("token", kind, "--config", str(file), RELAY_SECRET_KEYS=KEY)
    assert (code, out) == (2, ""), "RELAY_SITE is not one of the file's"
    assert "there is books" in err
    code, out, err = await run("token", kind, "--site", "books", "--config", str(file), RELAY_SECRET_KEYS=KEY)
    assert (code, err) == (0, "")


async def test_where_the_settings_name_no_sites_the_token_is_made_and_the_doubt_is_told() -> None:
    code, out, err = await run("token", "site", "--site", "books", RELAY_SECRET_KEYS=KEY)
    assert code == 0
    assert TOKENS.site(out.strip()) == SiteClaims("books")
    assert "[sites.books]" in err


async def test_an_identity_token_is_told_with_blanks_around_it() -> None:
    code, said = await inspected(f" {TOKENS.mint(IdentityClaims('u1'))}\n")
    assert (code, said["claims"]) == (0, {"sub": "u1"})
