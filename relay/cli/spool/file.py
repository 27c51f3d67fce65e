"""Which file the commands about the spool mean."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from relay.core.errors import SettingsError, SpoolError
from relay.core.settings_loading import load_spool_settings

_SQLITE: Final = "sqlite:///"
_Command = TypeVar("_Command", bound=Callable[..., Any])


def with_spool(command: _Command) -> _Command:
    """Adds `--spool` and `--config`, for `spool_path`."""
    config = click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Settings file; default relay.toml, if there is one.",
    )
    return click.option("--spool", metavar="FILE", help="The spool's file; default: that of RELAY_SPOOL_URL.")(
        config(command)
    )


def spool_path(spool: str | None, config: Path | None) -> Path:
    """The file.

    Raises:
        SpoolError: it is not there.
        SettingsError: the setting is not usable, or says that there is no file.
    """
    if spool is not None:
        return _present(Path(spool.removeprefix(_SQLITE)))
    url = load_spool_settings(config=config).spool_url
    if not url.startswith(_SQLITE):
        raise SettingsError(["RELAY_SPOOL_URL: this spool is in the relay's memory; there is no file to look at"])
    return _present(Path(url.removeprefix(_SQLITE)))


def _present(path: Path) -> Path:
    if not path.exists():
        raise SpoolError(f"there is no spool at {path.absolute()}; --spool or RELAY_SPOOL_URL names another")
    return path
