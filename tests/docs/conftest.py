"""The wheel of this tree, built once."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.tree import ROOT


@pytest.fixture(scope="session")
async def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that has it."""
    folder = tmp_path_factory.mktemp("wheels")
    build = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(folder),
            str(ROOT),
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await build.communicate()
    assert build.returncode == 0, said.decode()
    return folder
