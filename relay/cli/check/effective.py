"""The settings as they are in force, secrets masked."""

import re
from typing import Final

from pydantic import SecretStr

from relay.core.setting_values import Rate
from relay.core.settings import PREFIX, Settings, Site

_PASSWORD: Final = re.compile(r"(://[^/@:]*:|[?&](?:ssl)?password=)[^&@]*")
"""In the URL of a spool."""


def effective(settings: Settings) -> list[str]:
    """One line a setting, secrets masked."""
    lines = [
        f"{PREFIX}{name.upper()}={_shown(getattr(settings, name))}"
        for name in type(settings).model_fields
        if name != "sites"
    ]
    for site, table in settings.sites.items():
        lines += [f"[sites.{site}] {name}={_shown(getattr(table, name))}" for name in Site.model_fields]
    return lines


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case Rate():
            return f"{value.per_s:g}/s"
        case SecretStr():
            return f"{'*' * 8} ({len(value.get_secret_value())} characters)"
        case tuple():
            return ",".join(_shown(one) for one in value)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - any setting
        case float():
            return f"{value:.15g}"
        case _:
            return _PASSWORD.sub(rf"\1{'*' * 8}", str(value))
