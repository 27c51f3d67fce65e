"""Faults that were there once, put back one at a time: the tests of their names must notice.

A mutation is an entry of a TOML file beside this one: where, which text, what it becomes, and the tests that must fail
then. Each runs in a copy of the tree, so that nothing here is touched.
"""

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from tests.support.tree import ROOT

HERE: Final = Path(__file__).parent
_NOT_COPIED: Final = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "build", "__pycache__", ".*_cache", ".hypothesis", "*.db", "*.db-*", "*.lock"
)
_NOTICED: Final = (1, -signal.SIGKILL)
"""It failed, or hung and was ended."""
_HUNG_S: Final = 60
"""A test that takes so long has noticed: what was put back makes it wait for ever."""


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place that changes."""

    file: str
    old: str
    """Stands there exactly once."""
    new: str


class Mutation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault put back."""

    name: str
    """What is wrong then."""
    fault: str
    """The row of docs/cases.md, of the faults that were there once."""
    tests: list[str]
    """Each must fail: `tests/….py::test_…`."""
    edit: list[Edit]


class _Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mutation: list[Mutation]


class OutdatedError(Exception):
    """The code is not what a mutation was written for."""


def mutations() -> list[Mutation]:
    """All of them, of every TOML file here."""
    pages = [msgspec.convert(tomllib.loads(path.read_text()), _Page) for path in sorted(HERE.glob("*.toml"))]
    return [one for page in pages for one in page.mutation]


def apply(mutation: Mutation, root: Path) -> None:
    """Put the fault into a tree.

    Raises:
        OutdatedError: a file has not the old text exactly once, or would not be Python any more.
    """
    for edit in mutation.edit:
        path = root / edit.file
        text = path.read_text() if path.exists() else ""
        found = text.count(edit.old)
        if found != 1:
            raise OutdatedError(f"{mutation.name}: {edit.file} has {found} times:\n{edit.old}")
        changed = text.replace(edit.old, edit.new)
        if path.suffix == ".py":
            try:
                compile(changed, edit.file, "exec")
            except SyntaxError as error:
                raise OutdatedError(f"{mutation.name}: {edit.file} is no Python then: {error}") from None
        path.write_text(changed)


@contextmanager
def copy() -> Iterator[Path]:
    """The tree, somewhere else, until the block ends."""
    with TemporaryDirectory(prefix="mutation-") as folder:
        root = Path(folder) / "tree"
        shutil.copytree(ROOT, root, ignore=_NOT_COPIED, symlinks=True)
        yield root


def unnoticed(mutation: Mutation) -> list[str]:
    """What is wrong: the tests that do not fail with the fault there, and why, if that can be said. None is good.

    Raises:
        OutdatedError: see `apply`.
    """
    with copy() as root:
        apply(mutation, root)
        return [*_undefined(mutation, root), *(said for test in mutation.tests if (said := _green(test, root)))]


def not_green(tests: Iterable[str]) -> str:
    """What the tests say without any fault, if they fail: then their failing would mean nothing."""
    with copy() as root:
        done = _pytest(root, *sorted(set(tests)))
        return "" if done.returncode == 0 else done.stdout[-4000:]


def _green(test: str, root: Path) -> str:
    done = _pytest(root, "-x", test)
    if done.returncode in _NOTICED:
        return ""
    last = (done.stdout.strip() or done.stderr.strip()).rpartition("\n")[2]
    return f"{test}: {'still green' if done.returncode == 0 else f'cannot run: {last}'}"


def _pytest(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    options = ("-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", f"--timeout={_HUNG_S}")
    # What is installed here is the tree itself: the copy has to come first, for processes that a test starts, too.
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, wrong = process.communicate(timeout=_HUNG_S * len(arguments))
    except subprocess.TimeoutExpired:  # pytest itself was kept from ending the test
        os.killpg(process.pid, signal.SIGKILL)
        said, wrong = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, said, wrong)


def _undefined(mutation: Mutation, root: Path) -> list[str]:
    """A name that does not exist makes any test fail, and shows nothing."""
    files = [edit.file for edit in mutation.edit if edit.file.endswith(".py")]
    if not files:
        return []
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--quiet", "--select", "F821"]
    done = subprocess.run([*command, *files], cwd=root, capture_output=True, text=True, check=False)
    return [done.stdout] if done.returncode else []
