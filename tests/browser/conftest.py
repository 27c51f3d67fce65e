"""Of every browser: a collector for each test, and pages bundled once with the libraries of others."""

import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from relay.core.bundled import bundled
from tests.support.collector import Collector, collecting


@pytest.fixture
async def collector() -> AsyncGenerator[Collector]:
    async with collecting() as running:
        yield running


def _bundle(mode: str, folder: Path) -> Path:
    subprocess.run(["node", "build.mjs", mode, str(folder)], cwd=bundled("snippet").parent, check=True)
    return folder


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of js-snippet/test/pages, each with its libraries in one file."""
    return _bundle("--pages", tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples of js-snippet/examples as single files."""
    return _bundle("--examples", tmp_path_factory.mktemp("examples"))
