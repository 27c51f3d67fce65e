"""A reader who types a whole page: its lines in one shell, on a machine that has no network but itself.

So the ports are those of the page, and nothing can come from elsewhere. What `pip install` takes is the wheel built
here; what that stands on is laid beside it in every environment `python3 -m venv` makes.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import Block
from tests.docs.stage.lent import lend
from tests.support.tree import ROOT

_PYTHON: Final = f"""#!/bin/sh
set -e
"{sys.executable}" "$@"
if [ "$1 $2" = "-m venv" ]; then
  for place in "$3"/lib/python3*/site-packages; do
    echo "$LENT" >"$place/dependencies.pth"
  done
fi
"""
_LOOPBACK_UP: Final = """
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
"""


def alone() -> list[str]:
    """How to run something without the network; skips the test where that cannot be."""
    if shutil.which("unshare") is None or sys.platform != "linux":
        pytest.skip("needs a network of its own (unshare), or the ports of the page would be somebody else's")
    return ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]


async def walk(lines: str, folder: Path, wheels: Path) -> str:
    """Type these lines in an empty folder; what they print. They fail as a shell's do that stops at the first fault."""
    (folder / "bin").mkdir()
    (folder / "bin/python3").write_text(_PYTHON)
    (folder / "bin/python3").chmod(0o755)
    (folder / "up.py").write_text(_LOOPBACK_UP)
    home = folder / "home"
    home.mkdir()
    # What the page leaves running has the shell's output open, so that it would never end: it goes with the shell.
    script = (
        f"trap 'kill -KILL $(jobs -p) 2>/dev/null || true' EXIT\n{sys.executable} {folder}/up.py\ncd {home}\n{lines}\n"
    )
    foreign = ("PIP_", "PYTHON", "RELAY_", "AWS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    process = await asyncio.create_subprocess_exec(
        *alone(),
        *("bash", "-euo", "pipefail", "-c", script),
        env=kept
        | {
            "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONUNBUFFERED": "1",
            "LENT": str(lend(folder / "lent")),
            "TREE": str(ROOT),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    logs = "\n".join(f"== {log.name}\n{log.read_text()}" for log in sorted(home.glob("*.log")))
    assert process.returncode == 0, f"{said.decode()}\n{logs}"
    return said.decode()


def quick_start(typed: list[Block]) -> str:
    """The README's lines that run a relay, the emulator standing for AWS: `serve` behind, the rest once it is ready."""
    (block,) = [one for one in typed if "RELAY_TRACKING_ID=" in one.text]
    install, rest = block.text.replace("<the event tracker's tracking id>", "mine").split("\n", 1)
    assert rest.count("serve\n") == 1
    return (
        "python3 -m venv venv && . venv/bin/activate\n"
        "export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=emulator AWS_ENDPOINT_URL_PERSONALIZE=http://127.0.0.1:8082\n"
        f"{install}\n"
        "personalize-relay emulator --tracking-id mine >emulator.log &\n"
        "until curl -sf http://127.0.0.1:8082/_emulator/stats >/dev/null; do sleep 0.2; done\n"
        + rest.replace("serve\n", "serve &\nuntil curl -sf http://127.0.0.1:8080/readyz; do sleep 0.2; done\n")
    )
