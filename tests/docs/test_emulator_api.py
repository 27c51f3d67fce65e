"""docs/emulator-api.md: its shell lines by the AWS command, its Python in a test suite of somebody else's."""

import sys
from pathlib import Path

import anyio
import pytest

from tests.docs.blocks import blocks
from tests.docs.stage.walk import walk
from tests.support.tree import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

PAPER = "docs/emulator-api.md"
SHOP = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.docs.stage.shop_of_theirs import click_something, start_my_shop
"""
"""What the paper leaves to the reader."""


async def test_the_aws_command_asks_the_emulator(tmp_path: Path, wheels: Path) -> None:
    (block,) = blocks(PAPER, "sh")
    emulator, rest = block.text.split("\n", 1)
    said = await walk(
        "python3 -m venv venv && . venv/bin/activate && pip install -q personalize-relay && mkdir s3\n"
        f"{emulator} >emulator.log &\n"
        "until curl -sf http://127.0.0.1:8082/_emulator/stats >/dev/null; do sleep 0.2; done\n" + rest,
        tmp_path,
        wheels,
    )
    assert "arn:aws:personalize:::recipe/aws-ecomm-" in said


async def test_a_suite_of_somebody_else_sees_a_click_arrive(tmp_path: Path) -> None:
    suite, fixture = (block.text for block in blocks(PAPER, "python"))
    (tmp_path / "conftest.py").write_text(fixture)
    (tmp_path / "test_click.py").write_text(SHOP + suite)
    (tmp_path / "test_fixture.py").write_text(
        "def test_it_is_given(personalize_emulator):\n    assert personalize_emulator.events() == []\n"
    )
    ended = await anyio.run_process(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], cwd=tmp_path, check=False
    )
    assert b"2 passed" in ended.stdout, ended.stdout.decode()
