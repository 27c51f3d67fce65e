"""How far a file has been sent, beside the file, so that a second run goes on where the first one ended.

`FILE.put.json` names the offset up to which every row is settled, in the dataset or among the refused, and
the digest of the bytes before it. `FILE.rejected.jsonl` holds the refused rows. The second is written before the
first: after a crash it may hold rows too many, never too few, and is cut back.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from relay.personalize.errors import BadFileError
from relay.personalize.put.chunks import RefusedRow


class Progress(msgspec.Struct, frozen=True):
    """What is settled."""

    operation: str
    target: str
    """The dataset's ARN."""
    offset: int = 0
    sha256: str = ""
    """Of the file's first `offset` bytes."""
    rows: int = 0
    sent: int = 0
    rejected: int = 0
    rejected_bytes: int = 0
    """Length of the file of refused rows."""
    done: bool = False
    """The end of the file was reached."""


class Journal:
    """Keeps `Progress` on disk, and the refused rows. Use as a context manager after `load`.

    Without a state file (standard input) nothing can be resumed, and refused rows begin anew.
    """

    def __init__(self, *, state_path: Path | None, rejected_path: Path, start: Progress) -> None:
        self.progress = start
        self._state_path = state_path
        self.rejected_path = rejected_path
        self._rejected = -1

    def __enter__(self) -> Self:
        # Not made before the first refusal: a file nobody needs is a question to whoever finds it.
        if self.rejected_path.exists():
            self._open()
            kept = min(self.progress.rejected_bytes, os.fstat(self._rejected).st_size)
            os.ftruncate(self._rejected, kept)
        else:
            kept = 0
        self.progress = msgspec.structs.replace(self.progress, rejected_bytes=kept)
        if kept == 0:
            self._close()
            self.rejected_path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._state_path is not None and self.progress.rows:
            self._write(durable=True)
        self._close()

    def commit(self, *, end: int, sha256: str, rows: int, sent: int, refusals: Sequence[RefusedRow]) -> None:
        """Settle the rows up to `end`; after a kill of the process this is where the next run begins."""
        written = 0
        if refusals:
            lines = b"".join(map(_line, refusals))
            self._open()
            os.lseek(self._rejected, 0, os.SEEK_END)
            view = memoryview(lines)
            while written < len(lines):
                written += os.write(self._rejected, view[written:])
        now = self.progress
        self.progress = msgspec.structs.replace(
            now,
            offset=end,
            sha256=sha256,
            rows=rows,
            sent=now.sent + sent,
            rejected=now.rejected + len(refusals),
            rejected_bytes=now.rejected_bytes + written,
        )
        self._write()

    def finish(self) -> None:
        """The end of the file is reached and everything is settled."""
        self.progress = msgspec.structs.replace(self.progress, done=True)
        self._write(durable=True)

    def _open(self) -> None:
        if self._rejected < 0:
            self._rejected = os.open(self.rejected_path, os.O_RDWR | os.O_CREAT, 0o600)

    def _close(self) -> None:
        if self._rejected >= 0:
            os.close(self._rejected)
            self._rejected = -1

    def _write(self, *, durable: bool = False) -> None:
        if self._state_path is None:
            return
        if durable and self._rejected >= 0:
            os.fsync(self._rejected)
        beside = self._state_path.with_name(self._state_path.name + ".new")
        with beside.open("wb") as file:
            file.write(msgspec.json.encode(self.progress))
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(self._state_path)


def load(state_path: Path, *, operation: str, target: str, restart: bool) -> Progress:
    """What an earlier run settled; a fresh start when there was none, or it was finished for another target.

    Raises:
        BadFileError: an unfinished run for another target, or a state file that cannot be read.
    """
    fresh = Progress(operation=operation, target=target)
    if restart or not state_path.exists():
        return fresh
    try:
        found = msgspec.json.decode(state_path.read_bytes(), type=Progress)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"{state_path} cannot be read ({error}); --restart begins anew"
        raise BadFileError(message) from error
    if (found.operation, found.target) == (operation, target):
        return found
    if found.done:
        return fresh
    message = (
        f"an unfinished {found.operation} of this file to {found.target} exists; finish it, or begin with --restart"
    )
    raise BadFileError(message)


def _line(refusal: RefusedRow) -> bytes:
    row, problem = refusal.row, refusal.problem
    return (
        msgspec.json.encode(
            {
                "row": row.number,
                "reason": problem.reason,
                "detail": problem.detail,
                "data": row.raw.decode(errors="replace").rstrip("\r\n"),
            }
        )
        + b"\n"
    )
