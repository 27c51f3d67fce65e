"""What happens to files behind a spool's back."""

import shutil
import sqlite3
from pathlib import Path


def copy_as_after_a_crash(path: Path, to: Path) -> Path:
    """The spool's files as they lie on the disk now, without anybody closing anything."""
    to.mkdir()
    for file in path.parent.glob(path.name + "*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, to / file.name)
    return to / path.name


def flip_byte(path: Path, at: int) -> None:
    """One bit of a file turns."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x01]))


def offset_of(path: Path, needle: bytes) -> int:
    """Where in a file something stands."""
    offset = path.read_bytes().find(needle)
    assert offset >= 0
    return offset


def sql(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Run a statement on a spool that is closed."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()
