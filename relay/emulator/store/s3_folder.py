"""A local folder that stands for S3: `s3://BUCKET/KEY` is the file BUCKET/KEY in it.

Nothing outside the folder is ever touched: names are taken apart, each part is opened from the one before, no link is
followed, and only ordinary files are read or written.
"""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MAX_FILE_BYTES: Final = 1024 * 1024 * 1024
"""Of one file that is read: 1 GB, the service's bound for an incremental import."""

MAX_FILES: Final = 1000
"""Of one location [the quotas page of the developer guide]."""

_SCHEME: Final = "s3://"
_OPEN_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class S3Error(Exception):
    """A location can't be read or written; the message says why, in the words of the one who gave it."""


class S3Folder:
    """One folder; the buckets are the folders in it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, location: str) -> list[tuple[str, bytes]]:
        """Name and content of the file at a location, or of each file in the folder at it, by name.

        Raises:
            S3Error: There is nothing, or something that is no ordinary file.
        """
        parts = _parts(location)
        try:
            with self._folder(parts[:-1]) as parent:
                return self._read_at(parent, parts[-1], location)
        except OSError as error:
            raise S3Error(f"{location} can't be read: {_why(error)}.") from None

    def write(self, location: str, name: str, content: bytes) -> None:
        """Put a file of that name into the folder at a location, which is made where it is missing.

        Raises:
            S3Error: It can't be written.
        """
        parts = _parts(location)
        _check_part(name, location)
        try:
            with self._folder(parts, make=True) as folder:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                fd = os.open(name, flags, 0o644, dir_fd=folder)
                with open(fd, "wb") as file:
                    if not stat.S_ISREG(os.fstat(fd).st_mode):
                        raise S3Error(f"{location} can't be written: {name} is no ordinary file.")
                    file.write(content)
        except OSError as error:
            raise S3Error(f"{location} can't be written: {_why(error)}.") from None

    def _read_at(self, parent: int, name: str, location: str) -> list[tuple[str, bytes]]:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            return [(name, _content(parent, name, location))]
        with _opened(name, parent) as folder:
            names = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))
            if len(names) > MAX_FILES:
                raise S3Error(f"{location} has more than {MAX_FILES} files.")
            files = [
                (one, _content(folder, one, location))
                for one in names
                if not stat.S_ISDIR(os.stat(one, dir_fd=folder, follow_symlinks=False).st_mode)
            ]
        if not files:
            raise S3Error(f"{location} has no files.")
        return files

    @contextmanager
    def _folder(self, parts: list[str], *, make: bool = False) -> Generator[int]:
        current = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=current)
                inner = os.open(part, _OPEN_FOLDER, dir_fd=current)
                os.close(current)
                current = inner
            yield current
        finally:
            os.close(current)


@contextmanager
def _opened(name: str, parent: int) -> Generator[int]:
    folder = os.open(name, _OPEN_FOLDER, dir_fd=parent)
    try:
        yield folder
    finally:
        os.close(folder)


def _content(folder: int, name: str, location: str) -> bytes:
    fd = os.open(name, _OPEN_FILE, dir_fd=folder)
    with open(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise S3Error(f"{location} can't be read: {name} is no ordinary file.")
        if status.st_size > MAX_FILE_BYTES:
            raise S3Error(f"{location} can't be read: {name} has more than {MAX_FILE_BYTES} bytes.")
        return file.read()


def _parts(location: str) -> list[str]:
    if not location.startswith(_SCHEME):
        raise S3Error(f"{location} is no location in S3: s3://bucket/key.")
    parts = location.removeprefix(_SCHEME).rstrip("/").split("/")
    for part in parts:
        _check_part(part, location)
    return parts


def _check_part(part: str, location: str) -> None:
    if part in {"", ".", ".."} or "\0" in part or "/" in part:
        raise S3Error(f"{location} is no location in S3: s3://bucket/key.")


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, NotADirectoryError) or error.errno == errno.ELOOP:
        return "it leads through a link or a file"
    return (error.strerror or "it is not possible").lower()
