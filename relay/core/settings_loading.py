"""Reads the settings, once: environment first, then `relay.toml`, then the default.

Every problem is reported together, as `SettingsError`; `load_sound_settings` is for who looks at the rest all the same.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from pydantic import ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from relay.core.errors import SettingsError
from relay.core.setting_values import MIN_KEY_CHARS
from relay.core.settings import PREFIX, Settings, Site, SpoolSettings, TokenSettings

DEFAULT_CONFIG: Final = Path("relay.toml")

_STAND_INS: Final[Mapping[str, object]] = {"secret_keys": ["-" * MIN_KEY_CHARS], "spool_url": "memory:"}
"""For what is wrong, where there is no default, or where it would be looked at as if it had been chosen."""

_Kind = TypeVar("_Kind", bound=BaseSettings)


def load_settings(environ: Mapping[str, str] | None = None, *, config: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        environ: Instead of the process's environment.
        config: A file that must be there; without it `relay.toml` of the working directory, if there is one.

    Raises:
        SettingsError: with one line for every problem.
    """
    env = _environment(environ)
    problems = _unknown_variables(env)
    return _load(Settings, env, config, problems)


def load_sound_settings(environ: Mapping[str, str] | None = None, *, config: Path | None = None) -> Settings:
    """As `load_settings`, with what is wrong left out: for looking at the rest, not for serving.

    A site that is wrong is not there, a setting that is wrong has its default; there may be no site at all.
    """

    class Sound(Settings):
        @field_validator("*", mode="wrap")
        @classmethod
        def _or_none(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
            try:
                return handler(value)
            except ValueError:
                name = str(info.field_name)
                if name == "sites" and isinstance(value, Mapping):
                    return _sound_sites(cast("Mapping[str, Any]", value), handler)
                if name in _STAND_INS:
                    return handler(_STAND_INS[name])
                return cls.model_fields[name].get_default()

    table = {name: value for name, value in _read_toml(config, []).items() if name in Settings.model_fields}
    return _validated(Sound, _environment(environ), {"secret_keys": _STAND_INS["secret_keys"], **table})


def _sound_sites(sites: Mapping[str, Any], handler: ValidatorFunctionWrapHandler) -> dict[str, Site]:
    found: dict[str, Site] = {}
    for name, site in sites.items():
        with suppress(ValueError):
            found |= handler({name: site})
    return found


def load_as(kind: type[_Kind], environ: Mapping[str, str] | None = None, *, config: Path | None = None) -> _Kind:
    """As `load_settings`, for commands that need other settings, or fewer, than a relay that serves."""
    return _load(kind, _environment(environ), config, [])


def load_token_settings(environ: Mapping[str, str] | None = None, *, config: Path | None = None) -> TokenSettings:
    """As `load_settings`, without asking for what only a serving relay needs."""
    return load_as(TokenSettings, environ, config=config)


def load_spool_settings(environ: Mapping[str, str] | None = None, *, config: Path | None = None) -> SpoolSettings:
    """As `load_settings`, for commands that only need to know where the spool is."""
    return load_as(SpoolSettings, environ, config=config)


def _environment(environ: Mapping[str, str] | None) -> dict[str, str]:
    return dict(os.environ if environ is None else environ)  # noqa: TID251 - the one place that reads it


def _load(kind: type[_Kind], env: Mapping[str, str], config: Path | None, problems: list[str]) -> _Kind:
    table = _read_toml(config, problems)
    try:
        settings = _validated(kind, env, table)
    except ValidationError as error:
        problems += [_line(one["loc"], one["msg"]) for one in error.errors(include_url=False, include_input=False)]
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _validated(kind: type[_Kind], env: Mapping[str, str], table: dict[str, Any]) -> _Kind:
    def sources(settings_cls: type[BaseSettings], **_others: object) -> tuple[PydanticBaseSettingsSource, ...]:
        variables = EnvSettingsSource(settings_cls)
        variables.env_vars = {
            name.lower(): text for name, text in env.items() if name.startswith(PREFIX) and name != "RELAY_SITES"
        }
        return variables, InitSettingsSource(settings_cls, table)

    loaded: Any = type(kind.__name__, (kind,), {"settings_customise_sources": sources, "__module__": __name__})
    return cast("_Kind", loaded())


def _known() -> list[str]:
    return [PREFIX + name.upper() for name in Settings.model_fields if name != "sites"]


def _unknown_variables(env: Mapping[str, str]) -> list[str]:
    known = _known()
    lines: list[str] = []
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            lines.append(f"{name}: no such setting; {f'did you mean {near[0]}?' if near else 'unset it'}")
    return lines


def _read_toml(config: Path | None, problems: list[str]) -> dict[str, Any]:
    path = config or DEFAULT_CONFIG
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if config is not None:
            problems.append(f"--config: there is no file {str(path)!r}")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path}: cannot be read as TOML: {error}")
    return {}


def _line(where: tuple[int | str, ...], message: str) -> str:
    loc = [str(part) for part in where] or ["settings"]
    text = message.removeprefix("Value error, ")
    if loc[0] == "sites":
        name = f"[sites.{loc[1]}] {' '.join(loc[2:])}".strip() if len(loc) > 1 else "[sites]"
    else:
        name = PREFIX + loc[0].upper()
    if text == "Field required":
        text = "is required, as in the variable of the same name"
        if loc[0] == "secret_keys":
            text = "is required: a key of 32 characters or more; `personalize-relay token keygen` makes one"
    elif text == "Extra inputs are not permitted":
        near = difflib.get_close_matches(
            str(loc[-1]), Site.model_fields if loc[0] == "sites" else Settings.model_fields
        )
        name = name if loc[0] == "sites" else f"{DEFAULT_CONFIG.name} {loc[0]}"
        text = f"no such setting; {f'did you mean {near[0]}?' if near else 'take it out'}"
    return f"{name}: {text}"
