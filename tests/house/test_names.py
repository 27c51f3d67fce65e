"""One word, one meaning: no class has the name of another."""

import ast
from collections import defaultdict
from pathlib import Path

RELAY = Path(__file__).parents[2] / "relay"

APART = {"emulator", "demo"}
"""Rooms that stand for somebody else: Amazon, and visitors."""


def test_a_class_name_means_one_thing() -> None:
    assert {name: files for name, files in classes().items() if len(files) > 1} == {}


def classes() -> dict[str, list[str]]:
    """Class → the files that define it at their top."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted(RELAY.rglob("*.py")):
        path = file.relative_to(RELAY)
        if path.parts[0] in APART:
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path))
    return found
