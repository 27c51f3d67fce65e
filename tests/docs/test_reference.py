"""docs/reference/ and the import graph are what the code says now; every word in them has its meaning."""

import re
from pathlib import Path

import pytest

from scripts.reference.documented import member_texts
from scripts.reference.pages import DOCS, pages

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
