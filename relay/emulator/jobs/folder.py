"""The folder that stands for S3, as jobs use it."""

from collections.abc import Iterable

from relay.emulator.state import Emulator
from relay.emulator.store.s3_folder import S3Error
from relay.emulator.wire.errors import invalid

_OFF = "The emulator has no S3: start it with --s3-dir DIR, a folder in which s3://bucket/key is the file bucket/key."


def check_s3(emulator: Emulator) -> None:
    """InvalidInputException when there is no folder: a job that could never end well is not even made."""
    if emulator.s3 is None:
        raise invalid(_OFF)


def read_all(emulator: Emulator, location: str) -> list[tuple[str, bytes]]:
    """Name and content of every file at a location; `S3Error` when it can't be read."""
    if emulator.s3 is None:
        raise S3Error(_OFF)
    return emulator.s3.read(location)


def write(emulator: Emulator, location: str, name: str, lines: Iterable[bytes]) -> None:
    """Put a file into the folder at a location; `S3Error` when it can't be written."""
    if emulator.s3 is None:
        raise S3Error(_OFF)
    emulator.s3.write(location, name, b"".join(lines))
