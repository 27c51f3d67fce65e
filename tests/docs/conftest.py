"""The wheel of this tree, built once, and an environment it is installed in."""

import asyncio
import sys
from pathlib import Path

import pytest

from relay.core.version import VERSION
from tests.docs.stage.host import Host
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


@pytest.fixture(scope="session")
async def environment(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """A virtual environment with this version in it, which no test changes."""
    folder = tmp_path_factory.mktemp("environment")
    host = Host(folder, {}, wheels)
    await asyncio.to_thread(host.prepare)
    await host.run(f"pip install -q 'personalize-relay=={VERSION}'")
    return folder / "venv"
