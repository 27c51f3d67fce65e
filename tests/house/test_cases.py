"""docs/cases.md names a test for every case, and every test it names is there."""

import ast
import re
from functools import cache

from tests.support.tree import ROOT

PAGE = ROOT / "docs/cases.md"
SECTIONS = {
    *("HTTP", "JSON", "Fields", "Token", "Identity and session", "CDN and proxy", "Sink", "Storage", "Shutdown"),
    *("Distributed", "Pages", "Faults that were there once"),
}


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "docs" / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


def rows() -> list[str]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [line for line in lines if not line.startswith(("| Case |", "| Fault |"))]


def test_every_case_has_a_test_that_can_be_found_by_its_name() -> None:
    missing = [row for row in rows() if not re.search(r"\[test_\w+\]\(\S+\.py\)", row.rpartition(" | ")[2])]
    assert missing == []
    assert len(rows()) > 80


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"\[(test_\w+)\]\((\S+\.py)\)", "\n".join(rows()))
    assert [(name, path) for name, path in named if name not in names_in(path)] == []


def test_no_section_is_left_out() -> None:
    assert set(re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE)) == SECTIONS
