"""A host as the papers assume it: a command on the PATH, a unit of systemd, a folder with the spool.

`systemctl` starts and stops what the unit's ExecStart says, for real; `pip` installs from the wheels that were built
here and from those of earlier releases, and never asks an index.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.docs.stage.lent import lend
from tests.support.tree import ROOT

RELEASES: Final = ROOT / "tests" / "releases"

_SYSTEMCTL: Final = r"""#!/bin/sh
# start|stop|restart personalize-relay
set -eu
pid="$HOST/relay.pid"
stop() {
  [ -f "$pid" ] || return 0
  kill -TERM "$(cat "$pid")"
  while kill -0 "$(cat "$pid")" 2>/dev/null; do sleep 0.05; done
  rm "$pid"
}
start() {
  cd "$HOST"
  set -a; . ./env; set +a
  rm -f serve.log  # what the one before said is not that this one is ready
  personalize-relay serve >serve.log 2>&1 &
  echo $! >"$pid"
  until grep -qs "^relay on " serve.log; do
    kill -0 "$(cat "$pid")" 2>/dev/null || { cat serve.log >&2; exit 1; }
    sleep 0.05
  done
}
case "$1" in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  *) echo "no such verb: $1" >&2; exit 2 ;;
esac
"""
_SUDO: Final = """#!/bin/sh
# sudo -u relay COMMAND: here everything is the relay's user.
[ "$1" = -u ] && shift 2
exec "$@"
"""


class Ran(NamedTuple):
    """What became of some lines."""

    code: int
    out: str
    err: str


class Host:
    """One folder, one relay."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str], wheels: Path, *, environment: Path | None = None
    ) -> None:
        self.folder = folder
        self.settings = dict(settings)
        """Of the unit, and of the operator's shell."""
        self.variables: dict[str, str] = {}
        """What the reader's shell has beside them."""
        self._wheels = wheels
        self._venv = environment or folder / "venv"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings['RELAY_PORT']}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.settings['RELAY_ADMIN_PORT']}"

    def prepare(self) -> None:
        """Lay out the environment: it has what the relay stands on, and no relay yet."""
        subprocess.run([sys.executable, "-m", "venv", self._venv], check=True)
        (self._site_packages() / "dependencies.pth").write_text(f"{lend(self._venv / 'lent')}\n")
        for name, text in {"systemctl": _SYSTEMCTL, "sudo": _SUDO}.items():
            (self._venv / "bin" / name).write_text(text)
            (self._venv / "bin" / name).chmod(0o755)

    def write_settings(self) -> None:
        """The unit's EnvironmentFile."""
        lines = (f"{name}='{value}'\n" for name, value in self.settings.items())
        (self.folder / "env").write_text("".join(lines))

    async def run(self, lines: str, *, fails: bool = False) -> Ran:
        """Run lines of a paper in this folder, as a shell would that stops at the first fault."""
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", lines),
            cwd=self.folder,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        ran = Ran(process.returncode or 0, out.decode(), err.decode())
        assert fails or ran.code == 0, f"{lines}\n{ran}\n{self.log()}"
        return ran

    async def pending(self) -> int:
        """Events that wait, as `spool status` has it."""
        found = re.search(r'"pending": (\d+)', (await self.run("personalize-relay spool status --json")).out)
        assert found
        return int(found[1])

    def log(self) -> str:
        """What the relay has said since its last start."""
        log = self.folder / "serve.log"
        return log.read_text() if log.exists() else ""

    def _site_packages(self) -> Path:
        return next((self._venv / "lib").glob("python3*/site-packages"))

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        return kept | {
            "PATH": f"{self._venv / 'bin'}:{os.environ['PATH']}",
            "HOST": str(self.folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": f"{self._wheels} {RELEASES}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **self.settings,
            **self.variables,
        }


@asynccontextmanager
async def host_with(version: str, folder: Path, wheels: Path, settings: Mapping[str, str]) -> AsyncGenerator[Host]:
    """A host with this version installed; nothing of it runs at the end."""
    host = Host(folder, settings, wheels)
    await asyncio.to_thread(host.prepare)
    await host.run(f"pip install -q 'personalize-relay=={version}'")
    async with in_order(host):
        yield host


@asynccontextmanager
async def in_order(host: Host) -> AsyncGenerator[None]:
    """Its settings are there, and nothing of it runs at the end."""
    host.write_settings()
    try:
        yield
    finally:
        await host.run("systemctl stop personalize-relay", fails=True)
