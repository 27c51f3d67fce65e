"""Which spool the commands mean."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from relay.compose.spool import look_into, url_of
from relay.core.clock import SystemClock
from relay.core.errors import SettingsError, SpoolError
from relay.core.settings_loading import load_spool_settings
from relay.spool.administration import SpoolAdministration

_Command = TypeVar("_Command", bound=Callable[..., Any])

as_json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def with_spool(command: _Command) -> _Command:
    """Adds `--spool` and `--config`, for `chosen_spool`."""
    config = click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Settings file; default relay.toml, if there is one.",
    )
    return click.option(
        "--spool", metavar="FILE", help="The spool's file, or its URL; default: that of RELAY_SPOOL_URL."
    )(config(command))


def chosen_spool(spool: str | None, config: Path | None) -> SpoolAdministration:
    """The one that is meant.

    Raises:
        SpoolError: it is not there.
        SettingsError: the setting is not usable, or says that there is nothing to look at.
    """
    found = named_spool(spool, config)
    if not asyncio.run(found.is_there()):
        raise SpoolError(f"there is no spool at {found.name}; --spool or RELAY_SPOOL_URL names another")
    return found


def named_spool(spool: str | None, config: Path | None) -> SpoolAdministration:
    """The same, whether or not it is there."""
    settings = load_spool_settings(config=config)
    found = look_into(settings.spool_url if spool is None else url_of(spool), SystemClock(), iam=settings.spool_iam)
    if found is None:
        raise SettingsError(["RELAY_SPOOL_URL: this spool is in the relay's memory; there is no file to look at"])
    return found
