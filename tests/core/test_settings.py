"""Settings: where they come from, and that every problem is named at once."""

from pathlib import Path

import pytest

from relay.core.errors import SettingsError
from relay.core.setting_values import Rate
from relay.core.settings_loading import load_settings, load_token_settings

KEY = "k" * 32
GOOD = {
    "RELAY_SECRET_KEYS": KEY,
    "RELAY_TRACKING_ID": "0b6e9d3c-5a7f-41e2-8c90-d1b2a3f4e5d6",
    "RELAY_ALLOWED_ORIGINS": "https://shop.example",
}


def problems(environ: dict[str, str], config: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, config=config)
    return caught.value.problems


def problem(environ: dict[str, str]) -> str:
    (line,) = problems(GOOD | environ)
    return line


def test_the_defaults_are_those_that_are_promised() -> None:
    settings = load_settings(GOOD)
    assert (settings.site, settings.host, settings.port) == ("default", "127.0.0.1", 8080)
    assert (settings.admin_host, settings.admin_port, settings.prefix) == ("127.0.0.1", 8081, "/r")
    assert (settings.spool_url, settings.spool_max_bytes) == ("sqlite:///relay-spool.db", 1073741824)
    assert (settings.sink, settings.linger_s, settings.max_linger_s) == ("personalize", 0, 30)
    assert (settings.put_events_per_s, settings.max_in_flight, settings.max_body_bytes) == (1000, 32, 65536)
    assert (settings.drain_s, settings.token_leeway_s, settings.identity_max_age_s) == (20, 60, 86400)
    assert (settings.binding_ttl_s, settings.link_after_s, settings.max_event_age_s) == (86400, None, 30 * 86400)
    assert (settings.rate_limit_ip, settings.rate_limit_session) == (Rate(50), Rate(20))
    assert (settings.client_ip_header, settings.trusted_proxies, settings.identity_cookie) == (None, (), None)


def test_all_that_is_required_is_asked_for_at_once() -> None:
    named = [line.partition(":")[0] for line in problems({})]
    assert named == ["RELAY_SECRET_KEYS", "RELAY_TRACKING_ID", "RELAY_ALLOWED_ORIGINS"]


def test_every_problem_is_named_at_once() -> None:
    lines = problems(
        {
            "RELAY_SECRET_KEYS": "short",
            "RELAY_TRACKING_ID": "arn:aws:personalize:eu-west-1:1:event-tracker/x",
            "RELAY_ALLOWED_ORIGINS": "*",
            "RELAY_PORT": "eighty",
            "RELAY_PROT": "80",
            "RELAY_RATE_LIMIT_IP": "50",
        }
    )
    named = {line.partition(":")[0] for line in lines}
    assert named == {
        "RELAY_SECRET_KEYS",
        "RELAY_TRACKING_ID",
        "RELAY_ALLOWED_ORIGINS",
        "RELAY_PORT",
        "RELAY_PROT",
        "RELAY_RATE_LIMIT_IP",
    }


def test_problems_are_one_line_each() -> None:
    assert all("\n" not in line for line in problems({"RELAY_ALLOWED_ORIGINS": "x\ny", "RELAY_SINK": "\n"}))


@pytest.mark.parametrize(
    "keys",
    ["", " ", ",", "k" * 31, f"{KEY},short", f"{KEY},{KEY}", "é" * 32],
    ids=["empty", "blank", "only a comma", "one too short", "second too short", "twice the same", "not ASCII"],
)
def test_weak_keys_stop_the_start(keys: str) -> None:
    assert problem({"RELAY_SECRET_KEYS": keys}).startswith("RELAY_SECRET_KEYS: ")


def test_no_secret_is_shown_by_repr_or_by_a_problem() -> None:
    secret = "s3cret-" * 5
    assert secret not in repr(load_settings(GOOD | {"RELAY_SECRET_KEYS": secret}))
    lines = problems(GOOD | {"RELAY_SECRET_KEYS": f"{secret},hunter2", "RELAY_PORT": "x"})
    assert "hunter2" not in "".join(lines)
    assert secret not in "".join(lines)


@pytest.mark.parametrize(
    ("origin", "hint"),
    [
        ("https://shop.example/", "'https://shop.example'"),
        ("https://Shop.Example", "'https://shop.example'"),
        ("https://shop.example/path", "'https://shop.example'"),
        ("https://shop.example:443", "'https://shop.example'"),
        ("http://shop.example:80", "'http://shop.example'"),
        ("shop.example", "https://shop.example"),
        ("null", "https://shop.example"),
        ("https://*.shop.example", "https://shop.example"),
        ("https://shop.example:99999", "https://shop.example"),
        ("ftp://shop.example", "https://shop.example"),
        ("file:///index.html", "`null`"),
        ("capacitor://localhost/", "'capacitor://localhost'"),
        ("Ionic://localhost", "'ionic://localhost'"),
        ("app://", "https://shop.example"),
        ("app://*", "https://shop.example"),
        ("chrome-extension://abc/page.html", "'chrome-extension://abc'"),
        ("capacitor://localhost:0", "https://shop.example"),
        ("*", "RELAY_DEV=1"),
    ],
)
def test_an_origin_that_is_not_exact_is_refused_with_a_hint(origin: str, hint: str) -> None:
    line = problem({"RELAY_ALLOWED_ORIGINS": f"https://good.example,{origin}"})
    assert line.startswith("RELAY_ALLOWED_ORIGINS: ")
    assert hint in line


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "https://a.b-c.example:8443",
        "http://[::1]:8080",
        "capacitor://localhost",
        "ionic://localhost",
        "ionic://localhost:8100",
        "tauri://localhost",
        "app://-",
        "app://obsidian.md",
        "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
        "moz-extension://5d5bca90-31a6-4bd5-8b8f-1f5c2a3d4e5f",
        "safari-web-extension://5D5BCA90-31A6-4BD5-8B8F-1F5C2A3D4E5F",
    ],
)
def test_exact_origins_are_taken(origin: str) -> None:
    assert load_settings(GOOD | {"RELAY_ALLOWED_ORIGINS": origin}).allowed_origins == (origin,)


def test_any_origin_is_for_development() -> None:
    assert load_settings(GOOD | {"RELAY_ALLOWED_ORIGINS": "*", "RELAY_DEV": "1"}).allowed_origins == ("*",)


def test_an_unknown_variable_is_a_problem_with_a_suggestion() -> None:
    assert problem({"RELAY_TRACKINGID": "x"}) == "RELAY_TRACKINGID: no such setting; did you mean RELAY_TRACKING_ID?"


@pytest.mark.parametrize("value", ["5", "5/d", "-1/s", "0/s", "fast", "1e9999/s"])
def test_a_bad_rate_is_a_problem(value: str) -> None:
    assert problem({"RELAY_RATE_LIMIT_SESSION": value}).startswith("RELAY_RATE_LIMIT_SESSION: ")


def test_rates_have_units_and_can_be_off() -> None:
    settings = load_settings(GOOD | {"RELAY_RATE_LIMIT_IP": "120/min", "RELAY_RATE_LIMIT_SESSION": "off"})
    assert (settings.rate_limit_ip, settings.rate_limit_session) == (Rate(2), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RELAY_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("RELAY_TRUSTED_PROXIES", "everyone"),
        ("RELAY_PREFIX", "r"),
        ("RELAY_PREFIX", "/r/"),
        ("RELAY_PREFIX", "/api/x"),
        ("RELAY_PREFIX", "/{x}"),
        ("RELAY_SPOOL_URL", "postgres://db"),
        ("RELAY_SINK", "kinesis"),
        ("RELAY_DRAIN_S", "nan"),
        ("RELAY_DRAIN_S", "-1"),
        ("RELAY_PUT_EVENTS_PER_S", "0"),
        ("RELAY_MAX_BODY_BYTES", "1e9"),
        ("RELAY_SITE", "Über"),
        ("RELAY_IDENTITY_COOKIE", "a;b"),
        ("RELAY_SITE_TOKENS_NOT_BEFORE", "yesterday"),
        ("RELAY_MAX_LINGER_S", "-1"),
    ],
)
def test_a_value_that_makes_no_sense_is_a_problem_of_its_variable(name: str, value: str) -> None:
    assert problem({name: value}).startswith(f"{name}: ")


def test_a_header_is_believed_from_named_proxies_only() -> None:
    assert "RELAY_TRUSTED_PROXIES" in problem({"RELAY_CLIENT_IP_HEADER": "CF-Connecting-IP"})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///relay-spool.db", "postgresql://role@host"),
        ("postgresql://db/relay?sslmode=verify-full", "postgresql://role@host"),
        ("postgresql://relay@a,b/relay?sslmode=verify-full", "one host"),
        ("postgresql://relay@db/relay", "sslmode=verify-full"),
        ("postgresql://relay@db/relay?sslmode=prefer", "sslmode=verify-full"),
    ],
)
def test_tokens_of_iam_are_for_one_database_and_never_sent_in_the_clear(url: str, words: str) -> None:
    iam = {"RELAY_SPOOL_URL": url, "RELAY_SPOOL_IAM": "1"}
    assert words in problem(iam)
    assert load_settings(GOOD | iam | {"RELAY_SPOOL_URL": "postgresql://u@db/r?sslmode=require"}).spool_iam


def test_links_are_off_unless_a_time_is_given() -> None:
    assert load_settings(GOOD).link_after_s is None
    assert load_settings(GOOD | {"RELAY_LINK_AFTER_S": "60"}).link_after_s == 60
    assert problem({"RELAY_LINK_AFTER_S": "-1"}).startswith("RELAY_LINK_AFTER_S: ")


def test_a_site_lingers_no_longer_than_the_most(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('[sites.books]\ntracking_id = "t"\nallowed_origins = ["https://a.example"]\nlinger_s = 45\n')
    (line,) = problems(GOOD, config=file)
    assert line.startswith("RELAY_MAX_LINGER_S: is less than linger_s of [sites.books]")
    settings = load_settings(GOOD | {"RELAY_MAX_LINGER_S": "60"}, config=file)
    assert settings.all_sites()["books"].linger_s == 45


def test_jwts_need_issuer_and_audience_and_keys_nobody_can_swap() -> None:
    lines = problems(GOOD | {"RELAY_JWT_JWKS": "https://login.example/jwks"})
    assert [line.partition(":")[0] for line in lines] == ["RELAY_JWT_ISSUER", "RELAY_JWT_AUDIENCE"]
    both = {"RELAY_JWT_ISSUER": "i", "RELAY_JWT_AUDIENCE": "a"}
    assert "https" in problem({"RELAY_JWT_JWKS": "http://login.example/jwks", **both})
    settings = load_settings(GOOD | both | {"RELAY_JWT_JWKS": "http://localhost:1/jwks"})
    assert (settings.jwt_jwks, settings.jwt_claim) == ("http://localhost:1/jwks", "sub")


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('port = 1\nadmin_port = 2\nsecret_keys = ["' + KEY + '"]\n')
    settings = load_settings({**GOOD, "RELAY_PORT": "3"}, config=file)
    assert (settings.port, settings.admin_port) == (3, 2)


def test_sites_of_the_file_stand_beside_the_one_of_the_variables(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(
        '[sites.books]\ntracking_id = "t2"\nallowed_origins = ["https://books.example"]\nregion = "eu-west-1"\n'
        'event_types = ["View"]\ntokens_not_before = 2026-11-01T00:00:00Z\n'
    )
    sites = load_settings(GOOD, config=file).all_sites()
    assert set(sites) == {"default", "books"}
    assert sites["books"].event_types == ("View",)
    assert sites["books"].tokens_not_before == 1_793_491_200
    alone = load_settings({"RELAY_SECRET_KEYS": KEY}, config=file)
    assert set(alone.all_sites()) == {"books"}


def test_problems_of_the_file_name_the_table(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('prot = 1\n[sites.books]\ntracking_id = "arn:x"\nallowed_origins = ["*"]\nregoin = "x"\n')
    lines = problems({"RELAY_SECRET_KEYS": KEY}, config=file)
    assert any(line.startswith("[sites.books] tracking_id: ") for line in lines)
    assert any(line.startswith("[sites.books] regoin: no such setting; did you mean region?") for line in lines)
    assert "relay.toml prot: no such setting; did you mean port?" in lines


def test_any_origin_in_the_file_needs_dev_too(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('[sites.books]\ntracking_id = "t"\nallowed_origins = ["*"]\n')
    (line,) = problems({"RELAY_SECRET_KEYS": KEY}, config=file)
    assert "RELAY_DEV=1" in line
    load_settings({"RELAY_SECRET_KEYS": KEY, "RELAY_DEV": "1"}, config=file)


def test_the_same_site_twice_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('[sites.default]\ntracking_id = "t"\nallowed_origins = ["https://a.example"]\n')
    assert any("[sites.default]" in line for line in problems(GOOD, config=file))


def test_a_file_that_is_named_must_be_there_and_be_toml(tmp_path: Path) -> None:
    assert problems(GOOD, config=tmp_path / "none.toml")[0].startswith("--config: ")
    broken = tmp_path / "broken.toml"
    broken.write_text("a = ")
    assert "TOML" in problems(GOOD, config=broken)[0]


def test_minting_asks_for_keys_only() -> None:
    assert load_token_settings({"RELAY_SECRET_KEYS": KEY}).keys() == (KEY,)
    with pytest.raises(SettingsError, match="RELAY_SECRET_KEYS"):
        load_token_settings({})
