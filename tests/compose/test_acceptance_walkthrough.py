"""Every command of docs/trackers.md, one after the other, as a reader would type them."""

import asyncio
import csv
import io
import os
import re
import socket
import sys
from pathlib import Path

import pytest

from tests.support.relay import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

PAGE = (ROOT / "docs" / "trackers.md").read_text("utf-8")
LOOK = """
curl() { python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode(), end="")' "$1"; }
echo LOOK; curl http://127.0.0.1:8082/_emulator/interactions.csv
echo LOOK; curl http://127.0.0.1:8082/_emulator/items
"""
WAIT = """
trap 'kill $(jobs -p)' EXIT
until (exec 3<>/dev/tcp/127.0.0.1/8082) 2>/dev/null; do sleep 0.05; done
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def test_the_walk_through_works_line_by_line(tmp_path: Path) -> None:
    first, *blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 9
    command = tmp_path / "personalize-relay"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m relay "$@"\n')
    command.chmod(0o755)
    script = "set -euo pipefail\n" + first + WAIT + "".join(blocks) + LOOK
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script.replace("8082", str(free_port()))),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = (text.decode() for text in await process.communicate())
    assert process.returncode == 0, out + err
    said, interactions, items = out.split("LOOK\n")
    assert "event tracker 'shop' is ACTIVE" in said
    assert "event types and" not in err
    assert [(row["USER_ID"], row["EVENT_TYPE"]) for row in csv.DictReader(io.StringIO(interactions))] == [
        ("anna", "View"),
        ("anna", "Purchase"),
    ]
    assert [line.split('"itemId":"')[1].split('"')[0] for line in items.splitlines()] == ["mug", "rug"]
    assert "No event trackers." in err
