"""`personalize-relay token ...`: mint tokens and look at them."""

import asyncio
import secrets
import sys
from pathlib import Path

import click
import msgspec

from relay.cli.token.report import inspected
from relay.core.clock import SystemClock
from relay.core.inspection_settings import InspectionSettings
from relay.core.settings_loading import load_as, load_token_settings
from relay.identity.tokens import ALL_SCOPES, SCOPES, Claims, IdentityClaims, Scope, ServerClaims, SiteClaims, Tokens

_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file; default relay.toml, if there is one.",
)


@click.group()
def command() -> None:
    """Mint and look at tokens. They are signed with the first of RELAY_SECRET_KEYS."""


@command.command()
@click.option("--site", "site_name", help="Name of the site; default RELAY_SITE.")
@_config
def site(site_name: str | None, config: Path | None) -> None:
    """Print a site token: public, for the page's script tag."""
    settings = load_as(InspectionSettings, config=config)
    _mint(settings.keys(), SiteClaims(_known_site(site_name, settings)))


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
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(ALL_SCOPES),
    help=f"What it allows; default {', '.join(SCOPES)}. Only by name: allow, which takes an erasure back, and admin, "
    "which opens the pages of the admin listener. Repeatable.",
)
@_config
def server(site_name: str | None, scopes: tuple[Scope, ...], config: Path | None) -> None:
    """Print a server token: secret, from a backend to the relay's API."""
    settings = load_as(InspectionSettings, config=config)
    _mint(settings.keys(), ServerClaims(_known_site(site_name, settings), scopes or SCOPES))


@command.command()
@click.argument("token")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_config
def inspect(token: str, as_json: bool, config: Path | None) -> None:
    """Say of which kind TOKEN is, what is in it, how old it is, and whether a relay with these settings takes it.

    A JWT is checked with the keys, issuer, audience and claim of RELAY_JWT_*, which needs the extra:
    pip install 'personalize-relay[jwt]'. Exits 1 when a relay would not take it, and says why.
    """
    settings = load_as(InspectionSettings, config=config)
    report = asyncio.run(inspected(token.strip(), settings, SystemClock()))
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


def _known_site(name: str | None, settings: InspectionSettings) -> str:
    """The site that is meant; a token of one that the settings do not have would be refused by every relay."""
    site, known = name or settings.site, settings.known_sites()
    if known and site not in known:
        raise click.UsageError(f"--site: there is no site {site!r}; there is {', '.join(known)}")
    if not known and name not in (None, settings.site):
        click.echo(f"These settings name no sites; a relay takes this token if it has [sites.{name}].", err=True)
    return site
