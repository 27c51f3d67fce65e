"""docs/reference/ and the import graph are what the code says now; every word in them has its meaning."""

import re
from pathlib import Path

import pytest

from relay.core.settings import PREFIX, Settings
from scripts.reference.documented import member_texts
from scripts.reference.pages import DOCS, pages
from tests.support.tree import ROOT, files

PAGES = pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_what_the_code_says(path: Path) -> None:
    assert path.read_text() == PAGES[path], "run `make reference`"


def test_every_page_of_the_reference_is_made_from_the_code() -> None:
    assert {*(DOCS / "reference").iterdir()} == {path for path in PAGES if path.parent.name == "reference"}


def test_every_row_says_what_its_word_means() -> None:
    rows = [
        line
        for path in PAGES
        if path.parent.name == "reference"
        for line in PAGES[path].splitlines()
        if line.startswith("|")
    ]
    assert [row for row in rows if re.search(r"\|\s*\|", row)] == []


class Example:
    """Not a field's."""

    first: int = 1
    """Of the first,
    on two lines."""
    second = 2
    third: str


def test_a_text_belongs_to_the_member_right_above_it() -> None:
    assert member_texts(Example) == {"first": "Of the first, on two lines.", "second": "", "third": ""}


def words(pattern: str) -> dict[str, set[str]]:
    """Word → the papers for people that say it, those made from the code apart."""
    found: dict[str, set[str]] = {}
    for file in files(".md"):
        if file.parts[:2] != ("docs", "reference"):
            for word in re.findall(pattern, (ROOT / file).read_text()):
                found.setdefault(word, set()).add(str(file))
    return found


def test_every_metric_the_papers_name_is_counted() -> None:
    counted = {*re.findall(r"`(relay_\w+)", PAGES[DOCS / "reference" / "metrics.md"])}
    named = words(r"`(relay_[a-z_]+_(?:total|bytes|seconds|records|size|pending))\b")
    assert {word: papers for word, papers in named.items() if word not in counted} == {}


def test_every_setting_the_papers_name_can_be_set() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    named = words(r"`(RELAY_[A-Z_]+[A-Z])(?==|`|:)")
    assert {word: papers for word, papers in named.items() if word not in known} == {}
