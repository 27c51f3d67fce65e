"""The installed command as a process of its own, with the AWS variables of an emulator."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec


class Finished(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)

    @property
    def lines(self) -> list[str]:
        """What it told on stderr."""
        return self.err.splitlines()


@asynccontextmanager
async def started(
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int = asyncio.subprocess.DEVNULL,
    stderr: int = asyncio.subprocess.PIPE,
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """The command while it runs; killed at the end if it still does."""
    bare = {"AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": "/nonexistent"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", *arguments),
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        cwd=cwd,
        env=bare | dict(env),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def command(
    *arguments: str, env: Mapping[str, str], cwd: Path | None = None, stdin: bytes = b"", timeout_s: float = 50
) -> Finished:
    """Run it to its end."""
    async with started(*arguments, env=env, cwd=cwd, stdin=asyncio.subprocess.PIPE) as process:
        out, err = await asyncio.wait_for(process.communicate(stdin), timeout_s)
        assert process.returncode is not None
        assert b"Traceback" not in err, err.decode()
        return Finished(process.returncode, out.decode(), err.decode())
