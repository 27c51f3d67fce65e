"""The lock is what pyproject.toml asks for, and names no place to get it from: after a change there, `make lock`."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "requirements"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = {
    "run": [],
    "build": ["build"],
    "dev": ["build", "lint", "test", "bench"],
    "image": [],
    "validators": ["validators"],
}


def locked(name: str) -> dict[str, str]:
    """Package → version."""
    lines = (FOLDER / f"{name}.txt").read_text().splitlines()
    found = (re.match(r"([\w.-]+)==([^\s;\\]+)", line) for line in lines)
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def asked(name: str) -> Iterator[Requirement]:
    if name not in ("build", "validators"):
        yield from map(Requirement, PROJECT["project"]["dependencies"])
    if name == "image":
        for extra, wanted in PROJECT["project"]["optional-dependencies"].items():
            yield from map(Requirement, wanted if extra != "browser" else ())
    for group in GROUPS[name]:
        yield from map(Requirement, PROJECT["dependency-groups"][group])


@pytest.mark.parametrize("name", GROUPS)
def test_the_lock_has_all_that_is_asked_for_in_a_version_that_fits(name: str) -> None:
    versions = locked(name)
    unmet = [str(one) for one in asked(name) if versions.get(canonicalize_name(one.name), "none") not in one.specifier]
    assert unmet == [], "run `make lock`"


@pytest.mark.parametrize("name", ["run", "build", "image"])
def test_the_tests_run_with_what_the_image_gets(name: str) -> None:
    assert locked(name).items() <= locked("dev").items()


@pytest.mark.parametrize("name", GROUPS)
def test_every_package_has_hashes_and_none_an_address(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text()
    entries = re.findall(r"^[\w.-]+==.*(?: \\\n    --hash=sha256:[0-9a-f]{64})+$", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) >= len(locked(name))
    assert not re.search(r"://|/|index-url|find-links", text)
