"""What a library does not make public is used in one file, by versions that were tried."""

import ast
import tomllib
from collections import defaultdict
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PRIVATE_MODULES = ("uvicorn.protocols", "uvicorn.server", "uvicorn.lifespan")
"""What uvicorn's documentation does not name."""


def uses() -> dict[str, set[str]]:
    """Library → the files that use its private parts."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file in sorted((ROOT / "relay").rglob("*.py")):
        text = file.read_text()
        name = str(file.relative_to(ROOT))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PRIVATE_MODULES):
                found[(node.module or "").partition(".")[0]].add(name)
        if "reportPrivateUsage" in text or '"_session"' in text:
            found["aioboto3"].add(name)
    return found


def test_private_parts_are_used_in_one_file_each() -> None:
    assert {library: files for library, files in uses().items() if len(files) > 1} == {}


def test_libraries_whose_private_parts_are_used_have_an_upper_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounded = {one.name for one in map(Requirement, project["dependencies"]) if "<" in str(one.specifier)}
    assert uses().keys() <= bounded
