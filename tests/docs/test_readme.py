"""The README says what the settings are; this keeps it true."""

import re
from pathlib import Path

from relay.core.settings import PREFIX, Settings

README = (Path(__file__).parents[2] / "README.md").read_text()


def documented() -> set[str]:
    rows = [line.split("|")[1] for line in README.splitlines() if line.startswith(f"| `{PREFIX}")]
    return {name for row in rows for name in re.findall(r"`(RELAY_\w+)`", row)}


def test_every_setting_has_a_row_and_every_row_is_a_setting() -> None:
    fields = {PREFIX + name.upper() for name in Settings.model_fields if name != "sites"}
    assert documented() == fields
