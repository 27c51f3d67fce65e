"""Crashes at chosen system calls: strace kills the relay as it enters the N-th one, and its log proves where that was.

A storage window is named only by what the log shows; the two windows of delivery by what the service saw.
"""

import asyncio
import re
import shutil
from asyncio.subprocess import Process
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.faults.process.relay_process import RelayProcess


class Window(StrEnum):
    """Where a crash can be."""

    BEFORE_WRITE = "before write"
    MID_WRITE = "in the middle of a write"
    BEFORE_FSYNC = "between write and fsync"
    BEFORE_ANSWER = "after fsync before answer"
    CHECKPOINT = "during a checkpoint"
    VACUUM = "during vacuum"
    DELIVERY = "during delivery"
    BEFORE_SETTLE = "between delivery and settle"
    START = "during start"
    DRAIN = "during drain"


NAMED: Final = (
    Window.BEFORE_WRITE, Window.BEFORE_FSYNC, Window.BEFORE_ANSWER, Window.DELIVERY, Window.BEFORE_SETTLE,
    Window.VACUUM,
)  # fmt: skip
"""Every soak has to crash in each of these."""

TRACED: Final = "pwrite64,fdatasync,fcntl,write"
HAS_STRACE: Final = shutil.which("strace") is not None
_LINE: Final = re.compile(r"(\d+) +(?:(\w+)\((.*)|<\.\.\. \w+ resumed>(.*))")
_FRAME: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\.*, 24, \d+\)')
_WRITE_LOCK: Final = "l_type=F_WRLCK, l_whence=SEEK_SET, l_start=120,"
"""What SQLite takes on the -shm file to begin a transaction that writes."""
_ANSWER: Final = '"HTTP/1.1 202'


class Strace:
    """A strace attached to a running relay."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def so_far(self) -> str:
        """What is logged by now."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    async def finished(self) -> str:
        """Wait until the relay has ended; what was logged."""
        async with asyncio.timeout(30):
            await self._process.wait()
        return self.so_far

    async def detach(self) -> None:
        """Let the relay go on."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()


async def attach(relay: RelayProcess, *inject: str, paths: tuple[Path, ...] = ()) -> Strace:
    """Attach to every thread of the relay.

    Args:
        relay: Running.
        inject: What strace is to inject, as `fdatasync:signal=KILL:when=3`; counted for each thread from now on.
        paths: Look only at calls on these.
    """
    log = relay.folder / "strace.log"
    log.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-y", "-s", "14", "-o", str(log), "-p", str(relay.pid), "-e", f"trace={TRACED}"),
        *[part for one in inject for part in ("-e", f"inject={one}")],
        *[part for path in paths for part in ("-P", str(path))],
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(20):
        said = await process.stderr.readline()
    if b"attached" not in said and process.returncode is None:
        await process.wait()  # the relay was gone already
    return Strace(process, log)


def window_of(log: str, spool: Path) -> Window | None:
    """Where strace killed the relay; None when it did not, or when the log proves no window."""
    calls = list(_calls(log))
    killed = next((one for one in reversed(calls) if not one.done), None)
    if killed is None:
        return None
    wal, mark = f"<{spool}-wal>", f"<{spool}.lock>"
    earlier = [one for one in calls[: calls.index(killed)] if one.thread == killed.thread and f"<{spool}" in one.rest]
    if f"<{spool}>" in killed.rest:
        return Window.CHECKPOINT
    if killed.name == "fcntl" and _WRITE_LOCK in killed.rest:
        return Window.BEFORE_WRITE
    if killed.name == "fdatasync" and wal in killed.rest:
        return Window.VACUUM if _shrinks(earlier) else Window.BEFORE_FSYNC
    if killed.name == "pwrite64" and wal in killed.rest:
        if not earlier:
            return None
        return Window.MID_WRITE if wal in earlier[-1].rest and earlier[-1].name == "pwrite64" else Window.BEFORE_WRITE
    if (killed.name == "pwrite64" and mark in killed.rest) or (killed.name == "write" and _ANSWER in killed.rest):
        return Window.BEFORE_ANSWER
    return None


def gives_space_back(log: str) -> bool:
    """Whether what the relay last wrote, and perhaps has yet to sync, makes its file smaller."""
    return _shrinks(_calls(log))


@dataclass(slots=True)
class _Call:
    thread: str
    name: str
    rest: str
    done: bool


def _calls(log: str) -> Iterator[_Call]:
    pending: dict[str, _Call] = {}
    for line in log.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        thread, name, rest, resumed = match.groups()
        if name is not None:
            pending[thread] = call = _Call(thread, name, rest, not rest.endswith(("<unfinished ...>", "= ?")))
            yield call
        elif thread in pending and not resumed.endswith("= ?"):
            pending[thread].done = True


def _shrinks(calls: Iterable[_Call]) -> bool:
    sizes = [size for one in calls if "-wal>" in one.rest and (size := _pages_after(one))]
    return len(sizes) > 1 and sizes[-1] < sizes[-2]


def _pages_after(call: _Call) -> int:
    """If the call writes the last frame of a commit into the WAL: how many pages the database then has; else 0."""
    match = _FRAME.search(call.rest)
    if call.name != "pwrite64" or match is None:
        return 0
    head = match[1].encode().decode("unicode_escape").encode("latin-1")
    return int.from_bytes(head[4:8], "big")
