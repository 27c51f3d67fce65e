"""The emulator's memory on disk: one JSON line for each call and each change of a resource, only ever appended.

Written through to the operating system before the answer goes out, so it outlives the process; not synced, so it does
not outlive the machine. A last line that was cut off is dropped when the journal is read.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from relay.emulator.control.resources import Resource
from relay.emulator.store.bulk import Interaction
from relay.emulator.store.calls import Call
from relay.emulator.store.dataset_records import RecordKind

FILE_NAME: Final = "journal.jsonl"


class JournalError(Exception):
    """The journal can't be used; the message says why."""


class CallEntry(msgspec.Struct, tag="call", omit_defaults=True):
    """A call, taken or refused."""

    call: Call


class ResourceEntry(msgspec.Struct, tag="resource"):
    """A resource as it is after a change."""

    resource: Resource


class NumberEntry(msgspec.Struct, tag="number"):
    """The number of the last call that was forgotten on demand."""

    last_n: int


class RowsEntry(msgspec.Struct, tag="rows"):
    """Interactions of an import job."""

    dataset_arn: str
    rows: list[Interaction]
    replace: bool


class RecordsEntry(msgspec.Struct, tag="records"):
    """Users, items or actions of an import job: id and `properties`."""

    kind: RecordKind
    dataset_arn: str
    rows: list[tuple[str, str]]
    replace: bool


class DropEntry(msgspec.Struct, tag="drop"):
    """What a deleted dataset held is gone."""

    dataset_arn: str
    dataset_type: str


Entry = CallEntry | ResourceEntry | NumberEntry | RowsEntry | RecordsEntry | DropEntry

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Journal:
    """One file in one folder, used by one process. `open` comes first."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._fd = -1

    def open(self) -> None:
        """Make the folder and the file where they are missing; `JournalError` when another emulator has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock()

    def read(self) -> Iterator[Entry]:
        """Every entry, oldest first. A torn last line is cut off; `JournalError` for a bad one before it."""
        good = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    yield _decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    raise JournalError(f"{self._path}, line {number}: not an entry of a journal") from None
                good += len(line)
        os.ftruncate(self._fd, good)

    def append(self, entry: Entry) -> None:
        """Write one entry through to the operating system."""
        line = memoryview(_encode(entry) + b"\n")
        while line:
            line = line[os.write(self._fd, line) :]

    def rewrite(self, entries: Iterable[Entry]) -> None:
        """Hold these entries and nothing else; either wholly done or not at all."""
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"".join(_encode(entry) + b"\n" for entry in entries))
        fd = os.open(fresh, os.O_RDWR | os.O_APPEND)
        fresh.replace(self._path)
        self._fd, old = fd, self._fd
        self._lock()
        os.close(old)

    def close(self) -> None:
        """Give the file back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise JournalError(f"{self._path} is in use by another emulator") from None
