"""One duty a file, a file one can read at once, a folder one can see at once."""

from collections import Counter
from pathlib import Path

from tests.support.tree import ROOT, files

MOST_LINES = 350
MOST_FILES = 20

CODE = {".py", ".ts", ".js", ".mjs", ".sql", ".css", ".html"}
LEFT_BEHIND = (".db", ".db-wal", ".db-shm", ".lock", ".reserve")
DRAWINGS = "examples/shop/static/art"
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "manager", "misc"}


def test_no_file_is_longer_than_one_can_read_at_once() -> None:
    lines = {str(file): len((ROOT / file).read_text().splitlines()) for file in code()}
    assert {file: count for file, count in lines.items() if count > MOST_LINES} == {}


def test_no_folder_has_more_files_than_one_can_see_at_once() -> None:
    full = Counter(str(file.parent) for file in kept())
    assert {folder: count for folder, count in full.items() if count > MOST_FILES} == {}


def test_a_name_says_what_is_inside() -> None:
    parts = {part for file in code() for part in (*file.parts[:-1], file.stem)}
    assert not parts & NAMES_THAT_SAY_NOTHING


def code() -> list[Path]:
    return [file for file in kept() if file.suffix in CODE]


def kept() -> list[Path]:
    """Every file that a person writes and reads."""
    return [file for file in files() if str(file.parent) != DRAWINGS and not file.name.endswith(LEFT_BEHIND)]
