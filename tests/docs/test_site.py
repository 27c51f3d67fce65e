"""The docs as a site: built without a warning, every link led somewhere."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.support.tree import ROOT


@pytest.mark.process
async def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    mkdocs = ROOT / "build/validators/bin/mkdocs"
    if not mkdocs.exists():
        pytest.skip("mkdocs is not installed: scripts/install-validators")
    build = await asyncio.create_subprocess_exec(
        *(str(mkdocs), "build", "--quiet", "--strict", "--site-dir", str(tmp_path)),
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await build.communicate()
    assert (build.returncode, said.decode()) == (0, "")
    index = (tmp_path / "index.html").read_text()
    assert "tutorial/first-event/" in index
    assert "https://fonts." not in index, "nothing is fetched from elsewhere"
    guide = (tmp_path / "aws/index.html").read_text()
    assert "/blob/main/examples/deploy/aws/single.yaml" in guide
