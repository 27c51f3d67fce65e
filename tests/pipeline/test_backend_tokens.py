"""The examples of minting identity tokens, each run in its own language and held against a relay."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from relay.tokens import IdentityClaims
from tests.support.relay import KEY, ROOT, running_edge

FOLDER = ROOT / "examples" / "backend-tokens"
COMMANDS = {
    "itsdangerous": [sys.executable, "mint.py", "USER"],
    "the relay": [sys.executable, "mint.py", "USER", "--with-the-relay"],
    "node": ["node", "mint.mjs", "USER"],
    "php": ["php", "mint.php", "USER"],
    "ruby": ["ruby", "mint.rb", "USER"],
    "go": ["go", "run", "mint.go", "USER"],
}
USERS = ["u1", "team#42", 'jürgen/ø 日本 "quoted" <&>', "a" * 256]


async def printed(command: list[str], cache: Path) -> str:
    """What a command prints."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=FOLDER,
        env=os.environ | {"RELAY_SECRET_KEYS": f"{KEY}, {'older' * 8}", "PYTHONPATH": str(ROOT), "GOCACHE": str(cache)},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(50):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()


@pytest.mark.parametrize("language", list(COMMANDS))
async def test_the_relay_takes_what_the_example_mints(language: str, tmp_path: Path) -> None:
    command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    async with running_edge() as relay:
        for number, user in enumerate(USERS):
            token = await printed([user if part == "USER" else part for part in command], tmp_path)
            assert relay.edge.tokens.identity(token) == IdentityClaims(user)
            answer = await relay.send(session=f"session-number-{number}", identity=token)
            assert answer["identity"] == "ok"
