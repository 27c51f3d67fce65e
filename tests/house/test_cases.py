"""docs/cases.md names a test for every case, and every test it names is there."""

import ast
import re
from functools import cache

from tests.mutations.runner import mutations
from tests.support.tree import ROOT

PAGE = ROOT / "docs/cases.md"
SECTIONS = {
    *("HTTP", "JSON", "Fields", "Token", "Identity and session", "CDN and proxy", "Sink", "Storage", "Shutdown"),
    *("Distributed", "Pages", "What pages, backends and files really send", "Faults that were there once"),
}


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "docs" / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


def faults() -> dict[str, set[str]]:
    """The tests named for each fault that was there once."""
    section = PAGE.read_text().partition("\n## Faults that were there once\n")[2].partition("\n## ")[0]
    found = (line[2:].partition(" | ") for line in section.splitlines() if line.startswith("| "))
    return {fault: set(re.findall(r"\[(test_\w+)\]", tests)) for fault, _, tests in found if fault != "Fault"}


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


def test_every_fault_that_was_there_once_is_put_back_and_a_test_of_its_row_has_to_notice() -> None:
    noticing = {fault: set[str]() for fault in faults()}
    for mutation in mutations():
        assert mutation.fault in noticing, f"{mutation.name}: no row of docs/cases.md is its fault"
        noticing[mutation.fault].update(re.findall(r"::(test_\w+)", " ".join(mutation.tests)))
    assert [fault for fault, tests in faults().items() if not tests & noticing[fault]] == []
    assert len(noticing) > 35
