"""The README's short table of settings agrees with the reference, and each figure says how one comes to it."""

import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_every_figure_says_how_one_comes_to_it(page: str) -> None:
    _, _, table = (ROOT / page).read_text().partition("| What | Figure | Again |\n|---|---|---|\n")
    cells = [line.split("|") for line in table.partition("\n\n")[0].splitlines()]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert len(cells) > 3
    for _, what, figure, again, _ in cells:
        assert re.search(r"\d|printed", figure), what
        made = re.fullmatch(r" `(?:make ([a-z-]+)|python -m (tests[.\w]+)).*` ", again)
        assert made, what
        assert made[1] in targets or (ROOT / f"{made[2].replace('.', '/')}.py").exists(), again
