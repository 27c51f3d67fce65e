"""A real PgBouncer in transaction mode before a cluster of the tests: fewer connections to it than come in."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.postgres import READY_S, Cluster, as_user, free_port, unprivileged
from tests.support.tree import ROOT

POOL: Final = 3
"""Connections to the database, for whoever comes: a relay's next statement is mostly made by another than its last."""
_CONFIG: Final = """
[databases]
relay = host=127.0.0.1 port={there} dbname=relay
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
logfile = {folder}/pgbouncer.log
"""


class Bouncer:
    """Started and stopped at will, always on the same port."""

    def __init__(self, program: str, cluster: Cluster, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._user = unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        folder.mkdir()
        self._config = folder / "pgbouncer.ini"
        self._config.write_text(_CONFIG.format(there=cluster.port, port=self.port, folder=folder, pool=POOL))
        (folder / "users").write_text('"relay" ""\n')
        if self._user is not None:
            folder.parent.chmod(0o711)  # its user has to get there
            shutil.chown(folder, self._user.pw_uid, self._user.pw_gid)

    @property
    def url(self) -> str:
        """Of the database behind it."""
        return f"postgresql://relay@127.0.0.1:{self.port}/relay"

    def start(self) -> None:
        """Start, and wait until somebody listens."""
        self._process = subprocess.Popen(
            [self._program, "-q", self._config], stderr=subprocess.DEVNULL, **as_user(self._user)
        )
        deadline_s = time.monotonic() + READY_S
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"PgBouncer did not start: {(self._folder / 'pgbouncer.log').read_text()[-2000:]}")
            time.sleep(0.02)  # its start can only be asked about

    def stop(self) -> None:
        """At once: whoever is connected is cut off."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=READY_S)
            self._process = None


@contextlib.contextmanager
def running_pgbouncer(cluster: Cluster, folder: Path) -> Iterator[Bouncer]:
    """A pooler, stopped on leaving.

    Raises:
        LookupError: PgBouncer is not installed, with what to do.
    """
    here = ROOT / "build" / "pgbouncer" / "usr" / "sbin"
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path=f"/usr/sbin:{here}")
    if program is None:
        raise LookupError("PgBouncer is not installed; scripts/install-test-tools does it (apt-get install pgbouncer)")
    bouncer = Bouncer(program, cluster, folder)
    try:
        bouncer.start()
        yield bouncer
    finally:
        bouncer.stop()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
