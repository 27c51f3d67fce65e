"""The commands `check`, `token` and `snippet`, as processes."""

import re
from pathlib import Path

import pytest

from relay.core.bundled import bundled
from relay.core.clock import SystemClock
from relay.identity.tokens import IdentityClaims, ServerClaims, SiteClaims, Tokens
from relay.web.routes.snippet_file import SnippetFile
from tests.cli.test_serve import run
from tests.support.emulator import running_emulator
from tests.support.relay import KEY, relay_environ

pytestmark = pytest.mark.process


@pytest.fixture
def tokens() -> Tokens:
    return Tokens([KEY], clock=SystemClock())


async def test_token_alone_is_on_stdout(tokens: Tokens) -> None:
    for arguments, judge, claims in (
        (["site"], tokens.site, SiteClaims("default")),
        (["identity", "team#42"], tokens.identity, IdentityClaims("team#42")),
        (["identity", "u1", "--session", "s" * 16], tokens.identity, IdentityClaims("u1", "s" * 16)),
        (["server", "--scope", "events"], tokens.server, ServerClaims("default", ("events",))),
    ):
        code, out, err = await run("token", *arguments, RELAY_SECRET_KEYS=KEY)
        assert (code, err) == (0, "")
        assert judge(out.removesuffix("\n")) == claims


async def test_inspect_explains_any_token(tokens: Tokens) -> None:
    code, out, _ = await run("token", "inspect", tokens.mint(IdentityClaims("u1")), RELAY_SECRET_KEYS=KEY)
    assert code == 0
    assert "kind: identity" in out
    assert '"sub":"u1"' in out
    code, out, _ = await run("token", "inspect", "--json", "junk", RELAY_SECRET_KEYS=KEY)
    assert code == 1
    assert '"accepted":false' in out
    code, out, _ = await run("token", "inspect", tokens.mint(SiteClaims("s")), RELAY_SECRET_KEYS="other" * 8)
    assert code == 1
    assert "RELAY_SECRET_KEYS" in out


async def test_a_new_key_is_good_enough() -> None:
    _, key, _ = await run("token", "keygen")
    code, _, err = await run("token", "site", RELAY_SECRET_KEYS=key.strip())
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "env"), [(["site"], {}), (["identity", ""], {"RELAY_SECRET_KEYS": KEY}), (["identity"], {})]
)
async def test_wrong_use_is_code_2_with_nothing_on_stdout(arguments: list[str], env: dict[str, str]) -> None:
    code, out, err = await run("token", *arguments, **env)
    assert (code, out) == (2, "")
    assert err


async def test_the_snippet_tag_follows_the_relay(tokens: Tokens) -> None:
    code, out, _ = await run("snippet", "--url", "https://events.shop.example/", **relay_environ())
    match = re.fullmatch(r'<script async src="(\S+)" data-token="(\S+)"></script>\n', out)
    assert code == 0
    assert match
    assert match[1] == "https://events.shop.example/r/s.js"
    assert tokens.site(match[2]) == SiteClaims("default")


async def test_the_pinned_snippet_tag_is_complete(tokens: Tokens) -> None:
    code, out, _ = await run("snippet", "--pin", "--url", "https://events.shop.example/", **relay_environ())
    file = SnippetFile.read(bundled("snippet"))
    assert code == 0
    match = re.fullmatch(
        r'<script async src="(\S+)" data-token="(\S+)" integrity="(\S+)" crossorigin="anonymous"></script>\n', out
    )
    assert match
    assert match[1] == f"https://events.shop.example/r/{file.name}"
    assert tokens.site(match[2]) == SiteClaims("default")
    assert match[3] == file.integrity


async def test_check_finds_nothing_wrong_with_a_good_relay() -> None:
    async with running_emulator() as emulator:
        code, out, err = await run("check", **emulator.env, **relay_environ())
    assert (code, err) == (0, "")
    assert "is ACTIVE" in out
    assert KEY not in out
    assert f"RELAY_SECRET_KEYS=******** ({len(KEY)} characters)" in out
    assert "RELAY_MAX_IN_FLIGHT=32" in out


async def test_check_names_every_problem(tmp_path: Path) -> None:
    async with running_emulator() as emulator:
        code, _, err = await run(
            "check",
            **emulator.env,
            **relay_environ(tracking_id="not-there", spool_url=f"sqlite:///{tmp_path}/none/spool.db"),
        )
    assert code == 1
    assert [line.partition(":")[0] for line in err.splitlines()] == ["RELAY_SPOOL_URL", "site default"]


async def test_check_tells_of_a_tracker_that_failed_what_helps() -> None:
    async with running_emulator(state_seconds=0) as emulator:
        for resource in emulator.emulator.registry.everything():
            if resource.kind == "event-tracker":
                resource.failure = "it could not be made"
        code, _, err = await run("check", **emulator.env, **relay_environ())
    assert code == 1
    assert "CREATE FAILED" in err
    assert "tracker delete arn:" in err
    assert "tracker wait" not in err


async def test_check_is_not_silent_about_what_refuses_every_token_or_every_impression(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    later_s = SystemClock().now_ms() // 1000 + 7200
    file.write_text(
        '[sites.books]\ntracking_id = "t1"\nallowed_origins = ["https://a.example"]\n'
        f'tokens_not_before = {later_s}\nevent_types = ["Click"]\n'
    )
    code, out, err = await run(
        "check", "--offline", "--config", str(file),
        **relay_environ(
            server_tokens_not_before=str(later_s * 1000), site_tokens_not_before="1700000000",
            forward_impressions="1", event_types="Click,Impression",
        ),
    )  # fmt: skip
    assert code == 1
    lines = [line for line in err.splitlines() if "may open" not in line]
    assert [line.partition(": ")[0] for line in lines] == [
        "warning", "RELAY_SERVER_TOKENS_NOT_BEFORE", "[sites.books] tokens_not_before",
    ]  # fmt: skip
    assert "site books" in lines[0]
    assert "Impression" in lines[0]
    assert "milliseconds?" in lines[1]
    assert "RELAY_MAX_EVENT_AGE_S=2592000\n" in out


async def test_check_says_what_is_missing_of_aws() -> None:
    code, _, err = await run("check", **relay_environ(), AWS_REGION="eu-west-1")
    assert code == 1
    assert "credentials" in err.lower()


async def test_check_names_what_is_wrong_beside_bad_settings_and_is_code_2(tmp_path: Path) -> None:
    code, out, err = await run("check", RELAY_PORT="x", RELAY_SPOOL_URL=f"sqlite:///{tmp_path}/none/spool.db")
    assert (code, out) == (2, "")
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        "RELAY_SECRET_KEYS", "RELAY_TRACKING_ID", "RELAY_ALLOWED_ORIGINS", "RELAY_PORT", "RELAY_SPOOL_URL",
        "AWS", "AWS",
    ]  # fmt: skip
    assert "AWS_REGION" in err
    assert "AWS_ACCESS_KEY_ID" in err


async def test_check_looks_at_the_sites_and_the_spool_that_are_sound_beside_those_that_are_not(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(
        'no_such_setting = 1\n[sites.books]\ntracking_id = "arn:aws:x"\nallowed_origins = ["https://a.example"]\n'
        '[sites.music]\ntracking_id = "not-there"\nallowed_origins = ["https://b.example"]\n'
    )
    async with running_emulator() as emulator:
        environ = relay_environ(spool_url="nowhere", linger_s="-1", tracking_id=emulator.tracking_id)
        code, out, err = await run("check", "--config", str(file), **emulator.env, **environ)
        offline, _, less = await run("check", "--offline", "--config", str(file), **emulator.env, **environ)
    assert (code, offline) == (2, 2)
    assert "site default: event tracker" in out
    assert sorted(line.partition(": ")[0] for line in err.splitlines() if not line.startswith("warning")) == [
        "RELAY_LINGER_S", "RELAY_SPOOL_URL", "[sites.books] tracking_id", "relay.toml no_such_setting", "site music",
    ]  # fmt: skip
    assert "site music" not in less
