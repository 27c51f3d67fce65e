"""The walls between the rooms hold: the linter finds a probe in every file, and no import goes round in circles."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.reference.import_graph import circles, floors, read_graph, rooms

ROOT = Path(__file__).parents[2]

ROOMS_OF = {
    "starlette": ("relay.web.", "relay.emulator."),
    "uvicorn": ("relay.emulator.", "relay.cli.emulator"),
    "aioboto3": ("relay.sink.personalize.", "relay.personalize.", "relay.cli."),
    "botocore": ("relay.sink.personalize.", "relay.personalize.", "relay.cli."),
}
"""Library → how the names of the modules begin that may import it."""

FROM = re.compile(r"""\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]""")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What lint-imports says of a copy of the relay with every probe in every file."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(ROOT / "relay", copy / "relay", ignore=shutil.ignore_patterns("__pycache__"))
    probes = "".join(f"\nimport {library}" for library in ROOMS_OF)
    for file in (copy / "relay").rglob("*.py"):
        file.write_text(f"{file.read_text()}{probes}\n")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    ended = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("library", ROOMS_OF)
def test_a_library_outside_its_room_is_named_by_the_linter(report: str, library: str) -> None:
    named = set(re.findall(rf"^-?\s+(relay\S*) -> {library} \(l", report, re.MULTILINE))
    assert named == {name for name in read_graph() if not name.startswith(ROOMS_OF[library])}


def test_no_module_imports_itself_round_about_not_even_for_types() -> None:
    assert circles(read_graph()) == []


def test_no_module_of_the_snippet_imports_itself_round_about_not_even_for_types() -> None:
    assert circles(snippet_graph()) == []


def snippet_graph() -> dict[str, frozenset[str]]:
    """File → the files of the snippet it imports, types too."""
    source = ROOT / "js-snippet" / "src"
    files = {path.relative_to(source).as_posix(): path for path in source.rglob("*.ts")}
    imports = {
        name: {(path.parent / found).resolve().with_suffix(".ts") for found in FROM.findall(path.read_text())}
        for name, path in files.items()
    }
    return {name: frozenset(other for other in files if files[other] in imports[name]) for name in files}


def test_rooms_stand_on_each_other_without_a_circle() -> None:
    assert floors(rooms(read_graph()))[-1] == ["core"]


def test_circles_are_found_where_there_are_some() -> None:
    graph = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("ab"), "d": frozenset("a"), "e": frozenset()}
    assert circles(graph) == [["a", "b", "c"]]
