"""`personalize-relay token ...`: mint tokens and look at them."""

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from relay.core.clock import SystemClock
from relay.core.settings import load_token_settings
from relay.identity.tokens import SCOPES, Claims, IdentityClaims, Scope, ServerClaims, SiteClaims, TokenFault, Tokens

_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file; default relay.toml, if there is one.",
)
_KINDS: tuple[tuple[str, type[Claims]], ...] = (
    ("site", SiteClaims),
    ("identity", IdentityClaims),
    ("server", ServerClaims),
)
_EXPLAINED = {
    TokenFault.MISSING: "there is nothing",
    TokenFault.MALFORMED: "not a token, or one that was changed on its way",
    TokenFault.FORGED: "not signed with any of RELAY_SECRET_KEYS",
    TokenFault.BAD_PAYLOAD: "rightly signed, but what it says is not what a token of this kind says",
    TokenFault.EXPIRED: "expired",
    TokenFault.FROM_FUTURE: "signed by a clock too far ahead of this one (RELAY_TOKEN_LEEWAY_S)",
    TokenFault.REVOKED: "revoked",
}


@click.group()
def command() -> None:
    """Mint and look at tokens. They are signed with the first of RELAY_SECRET_KEYS."""


@command.command()
@click.option("--site", "site_name", help="Name of the site; default RELAY_SITE.")
@_config
def site(site_name: str | None, config: Path | None) -> None:
    """Print a site token: public, for the page's script tag."""
    settings = load_token_settings(config=config)
    _mint(settings.keys(), SiteClaims(site_name or settings.site))


@command.command()
@click.argument("user_id")
@click.option("--session", "session_id", help="Good for this session only.")
@click.option("--ttl", "ttl_s", type=click.IntRange(1), metavar="S", help="Ends after so many seconds.")
@_config
def identity(user_id: str, session_id: str | None, ttl_s: int | None, config: Path | None) -> None:
    """Print an identity token for USER_ID, as the site's backend would make it after login."""
    settings = load_token_settings(config=config)
    exp = None if ttl_s is None else SystemClock().now_ms() // 1000 + ttl_s
    _mint(settings.keys(), IdentityClaims(sub=user_id, sid=session_id, exp=exp))


@command.command()
@click.option("--site", "site_name", help="Name of the site; default RELAY_SITE.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="What it allows; default all; repeatable."
)
@_config
def server(site_name: str | None, scopes: tuple[Scope, ...], config: Path | None) -> None:
    """Print a server token: secret, from a backend to the relay's API."""
    settings = load_token_settings(config=config)
    _mint(settings.keys(), ServerClaims(site_name or settings.site, scopes or SCOPES))


@command.command()
@click.argument("token")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_config
def inspect(token: str, as_json: bool, config: Path | None) -> None:
    """Say of which kind TOKEN is, what is in it, how old it is, and whether a relay with these keys takes it.

    Exits 1 when it does not. Revocation by site is known to the relay only.
    """
    settings = load_token_settings(config=config)
    tokens = Tokens(
        settings.keys(),
        clock=SystemClock(),
        leeway_s=settings.token_leeway_s,
        identity_max_age_s=settings.identity_max_age_s,
    )
    report = _report(tokens, token)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        for name, value in report.items():
            click.echo(f"{name}: {value if isinstance(value, str) else msgspec.json.encode(value).decode()}")
    sys.exit(0 if report["accepted"] else 1)


@command.command()
def keygen() -> None:
    """Print a new secret key."""
    click.echo(secrets.token_urlsafe(32))


def _mint(keys: tuple[str, ...], claims: Claims) -> None:
    try:
        click.echo(Tokens(keys, clock=SystemClock()).mint(claims))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _report(tokens: Tokens, token: str) -> dict[str, object]:
    fault = TokenFault.FORGED
    for kind, claims_type in _KINDS:
        found = tokens.verify(claims_type, token)
        if isinstance(found, TokenFault):
            fault = found if found is not TokenFault.FORGED else fault
            continue
        judged = {"site": tokens.site, "identity": tokens.identity, "server": tokens.server}[kind](token)
        return {
            "accepted": not isinstance(judged, TokenFault),
            "kind": kind,
            "claims": msgspec.to_builtins(found.claims),
            "signed_at": datetime.fromtimestamp(found.signed_at_s, UTC).isoformat(),
            "why": _EXPLAINED[judged] if isinstance(judged, TokenFault) else "in order",
        }
    return {"accepted": False, "kind": "unknown", "why": _EXPLAINED[fault]}
