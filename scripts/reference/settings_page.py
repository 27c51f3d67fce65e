"""docs/reference/settings.md."""

from typing import Any

from pydantic_core import PydanticUndefined

from relay.core.setting_values import Rate
from relay.core.settings import PREFIX, Settings, Site, TokenSettings
from scripts.reference.documented import member_texts, table

HEAD = """# Settings

Environment first, then `relay.toml` (`--config`), then the default; in the file the names are in lower case and without
`RELAY_`. All problems are reported at once, and the process does not start. `personalize-relay check` shows what is in
force, secrets masked. AWS region, credentials and endpoints come from the ordinary AWS variables and files.
"""

SITES = """
## Several sites

A table `[sites.NAME]` each in `relay.toml`:
"""


def page() -> str:
    """The whole page."""
    texts = member_texts(TokenSettings) | member_texts(Settings)
    rows = [
        [f"`{PREFIX}{name.upper()}`", _default(field.default, texts[name]), texts[name]]
        for name, field in Settings.model_fields.items()
        if name != "sites"
    ]
    site_texts = member_texts(Site)
    sites = [[f"`{name}`", _default(one.default, ""), site_texts[name]] for name, one in Site.model_fields.items()]
    return "\n".join(
        [HEAD, table(["Variable", "Default", "Meaning"], rows), SITES, table(["Key", "Default", "Meaning"], sites), ""]
    )


def _default(value: Any, text: str) -> str:
    """As one would write it."""
    match value:
        case _ if value is PydanticUndefined or text.startswith("Required"):
            return "required" if not text or text.startswith("Required.") else "unset"
        case None | ():
            return "unset"
        case bool():
            return f"`{int(value)}`"
        case Rate():
            return f"`{value.per_s:g}/s`"
        case float():
            return f"`{value:.10g}`"
        case tuple():
            return f"`{','.join(map(str, value))}`"
        case _:
            return f"`{value}`"
