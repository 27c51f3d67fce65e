"""Which pages are made from the code, and how."""

from pathlib import Path
from typing import Final

from scripts.reference import (
    command_pages,
    import_graph,
    metrics_page,
    numbers_page,
    reasons_page,
    settings_page,
    way_picture,
)

DOCS: Final = Path(__file__).parents[2] / "docs"
NOTE: Final = "<!-- Made from the code: make reference -->\n\n"
BEGIN: Final = "<!-- import graph: made from the code by `make reference` -->\n"
END: Final = "<!-- end of the import graph -->\n"


def pages() -> dict[Path, str]:
    """Every page that is made from the code, and what it has to say now."""
    reference = DOCS / "reference"
    return {
        reference / "settings.md": NOTE + settings_page.page(),
        reference / "metrics.md": NOTE + metrics_page.page(),
        reference / "reasons.md": NOTE + reasons_page.page(),
        reference / "numbers.md": NOTE + numbers_page.page(),
        reference / "exit-codes.md": NOTE + command_pages.exit_codes(),
        reference / "command-line.md": NOTE + command_pages.command_line(),
        DOCS / "pictures" / "way.svg": way_picture.picture(),
        DOCS / "architecture.md": _with_graph((DOCS / "architecture.md").read_text()),
    }


def _with_graph(text: str) -> str:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/architecture.md lacks one of the lines {BEGIN!r} and {END!r}")
    return before + BEGIN + "\n" + import_graph.drawing() + "\n\n" + END + after
