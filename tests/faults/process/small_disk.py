"""A disk of a few megabytes: a tmpfs in a mount namespace of its own, which outlives the relays killed on it."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

UNAVAILABLE: Final = (
    None
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("unshare") and shutil.which("nsenter")
    else "a small tmpfs needs root, unshare and nsenter"
)
"""Why there can be none; None when there can."""


class SmallDisk:
    """Mounted where only commands that begin with `within` see it."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.root = Path(f"/proc/{pid}/root{folder}")
        """The disk as everybody else sees it."""
        self.within: Sequence[str] = ("nsenter", f"--target={pid}", "--mount", f"--wd={folder.parent}")

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Somebody else's file takes what is free."""
        state = os.statvfs(self.root)
        left = state.f_bavail * state.f_frsize - leave_bytes
        with suppress(OSError), (self.root / "filler").open("wb", buffering=0) as file:
            for _ in range(0, max(0, left), 4096):  # the relay may be faster with the last page
                file.write(bytes(4096))

    def clear(self) -> None:
        """That file goes."""
        (self.root / "filler").unlink(missing_ok=True)


@asynccontextmanager
async def small_disk(folder: Path, *, megabytes: int) -> AsyncGenerator[SmallDisk]:
    """A disk at `folder`; gone afterwards, with what is on it."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240  takes a microsecond
    script = 'mount -t tmpfs -o size="$1"m tmpfs "$2" && echo mounted && exec sleep 100000'
    holder = await asyncio.create_subprocess_exec(
        *("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(megabytes), str(folder)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        async with asyncio.timeout(10):
            said = await holder.stdout.readline()
        assert said == b"mounted\n", "the tmpfs could not be mounted"
        yield SmallDisk(folder, holder.pid)
    finally:
        holder.kill()
        await holder.wait()
