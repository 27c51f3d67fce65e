"""Asks the admin listener of a running relay, for the commands that show what its pages show."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
import click

from relay.cli.screen import harmless
from relay.core.clock import SystemClock
from relay.core.errors import RelayError
from relay.core.settings import AdminSettings
from relay.core.settings_loading import load_as
from relay.identity.tokens import ServerClaims, Tokens

_TIMEOUT_S: Final = 30
_Command = TypeVar("_Command", bound=Callable[..., Any])


def asking(command: _Command) -> _Command:
    """Adds `--admin`, `--config` and `--json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--config",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Settings file; default relay.toml, if there is one.",
        ),
        click.option(
            "--admin", metavar="URL", help="The admin listener; default RELAY_ADMIN_HOST and RELAY_ADMIN_PORT."
        ),
    ):
        command = option(command)
    return command


def ask(path: str, admin: str | None, config: Path | None, *, body: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON of a page; of a POST, if there is a body.

    A token is made with RELAY_SECRET_KEYS, where they are set: whoever has them may look.

    Raises:
        RelayError: the relay does not answer, or not with that.
        SettingsError: the settings are not usable.
    """
    settings = load_as(AdminSettings, config=config)
    url = (admin or _own(settings)).rstrip("/")
    headers = {"accept": "application/json"}
    keys = tuple(key.get_secret_value() for key in settings.secret_keys)
    if keys:
        token = Tokens(keys, clock=SystemClock()).mint(ServerClaims(settings.site, ("admin",)))
        headers["authorization"] = f"Bearer {token}"
    return asyncio.run(_asked(url + path, headers, body))


def say_whose(found: dict[str, Any]) -> None:
    """Whose counts these are, where there is more than one relay: on standard output, as they belong to them."""
    if said := found["counted"]["says"]:
        click.echo(harmless(said))


def _own(settings: AdminSettings) -> str:
    host = settings.admin_host
    try:
        address = ip_address(host)
    except ValueError:
        return f"http://{host}:{settings.admin_port}"
    if address.is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.admin_port}" if ":" in host else f"http://{host}:{settings.admin_port}"


async def _asked(url: str, headers: dict[str, str], body: dict[str, str] | None) -> dict[str, Any]:
    place = "/".join(url.split("/")[:3])
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), headers=headers) as http,
            http.request("GET" if body is None else "POST", url, json=body, allow_redirects=False) as answer,
        ):
            if answer.status not in (200, 404):
                detail = {
                    401: "it wants a token: set RELAY_SECRET_KEYS to the relay's",
                    421: "it does not answer to that name: see RELAY_ADMIN_HOSTS",
                }.get(answer.status, "is it a relay's admin listener?")
                raise RelayError(f"{place} answers {answer.status}: {detail}")
            found: dict[str, Any] = await answer.json()
            if "error" in found and answer.status == 404:
                raise RelayError(f"{place} has no such page: is it a relay's admin listener, of this version?")
            return found
    except (aiohttp.ClientError, ValueError, TimeoutError) as error:
        hint = "is the relay running? --admin, RELAY_ADMIN_HOST and RELAY_ADMIN_PORT say where"
        raise RelayError(f"{place} cannot be asked ({type(error).__name__}): {hint}") from error
