"""Which release this is: the one place that says so. `scripts/set-version` writes it here, and into the npm package."""

from typing import Final

VERSION: Final = "0.2.0"
