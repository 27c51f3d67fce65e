"""`personalize-relay snippet`: the script tag."""

from html import escape
from pathlib import Path

import click

from relay.core.bundled import bundled
from relay.core.clock import SystemClock
from relay.core.settings_loading import load_settings
from relay.identity.tokens import SiteClaims, Tokens
from relay.web.routes.snippet_file import SnippetFile


@click.command()
@click.option(
    "--url", help="Where browsers reach the relay, such as https://events.shop.example; default its own address."
)
@click.option("--site", "site_name", help="Name of the site; default RELAY_SITE.")
@click.option("--pin", is_flag=True, help="This very build, with `integrity`: it stays served after upgrades.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file; default relay.toml, if there is one.",
)
def command(url: str | None, site_name: str | None, pin: bool, config: Path | None) -> None:
    """Print the script tag for the page, with a site token made now.

    Pages with it follow the installed version within an hour; with --pin they stay with this build.
    """
    settings = load_settings(config=config)
    site = site_name or settings.site
    if site not in settings.all_sites():
        raise click.UsageError(f"--site: there is no site {site!r}; there is {', '.join(settings.all_sites())}")
    token = Tokens(settings.keys(), clock=SystemClock()).mint(SiteClaims(site))
    file = SnippetFile.read(bundled("snippet"))
    base = (url or f"http://{settings.host}:{settings.port}").rstrip("/") + settings.prefix
    attributes = {"src": f"{base}/{file.name if pin else 's.js'}", "data-token": token}
    if pin:
        attributes |= {"integrity": file.integrity, "crossorigin": "anonymous"}
    shown = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    if settings.forward_impressions:
        shown += " data-impressions"
    click.echo(f"<script async {shown}></script>")
