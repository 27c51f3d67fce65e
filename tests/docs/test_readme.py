"""The README's short table of settings agrees with the reference, which is made from the code."""

import re
from pathlib import Path

from relay.core.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]


def rows(page: str) -> dict[str, str]:
    """Setting → its default, as the page has it; one row may have several."""
    found: dict[str, str] = {}
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith(f"| `{PREFIX}"):
            _, names, defaults, *_ = line.split("|")
            several = re.findall(r"`(RELAY_\w+)`", names)
            values = defaults.split()
            found |= dict(zip(several, values * len(several) if len(values) == 1 else values, strict=False))
    return found


def test_the_readme_says_the_default_of_a_setting_as_the_code_has_it() -> None:
    required = ("RELAY_SECRET_KEYS", "RELAY_TRACKING_ID", "RELAY_ALLOWED_ORIGINS")
    short, full = rows("README.md"), rows("docs/reference/settings.md")
    assert {name for name, default in short.items() if default == "required"} == {*required}
    assert {name: full.get(name) for name in short if name not in required} == {
        name: default for name, default in short.items() if name not in required
    }


def test_every_setting_is_in_the_reference() -> None:
    assert rows("docs/reference/settings.md").keys() == {
        PREFIX + name.upper() for name in Settings.model_fields if name != "sites"
    }
