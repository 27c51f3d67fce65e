"""A PostgreSQL of the tests' own: a cluster in a folder, on a free port, as an unprivileged user, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypedDict

from tests.support.tree import ROOT

_VERSIONS: Final = Path("/usr/lib/postgresql")
_PACKAGED: Final = ROOT / "build" / "postgresql" / "node_modules"
"""What scripts/install-postgresql brings: servers, and no clients."""
READY_S: Final = 30


def bin_folder(version: str | None = None) -> Path:
    """Where `psql` and all the rest is; the newest, or one of a major version.

    Raises:
        LookupError: there is none, with what to do.
    """
    found = sorted(_VERSIONS.glob(f"{version or '*'}/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if found:
        return found[-1].parent
    on_path = None if version else shutil.which("initdb")
    if on_path is None:
        raise LookupError(f"PostgreSQL {version or ''} is not installed: apt-get install postgresql".replace("  ", " "))
    return Path(on_path).resolve().parent


def server_folder(version: str | None) -> Path:
    """Where `initdb` and `postgres` are, of a major version; by default of `TEST_POSTGRESQL`, else the newest.

    Raises:
        LookupError: there is none, with what to do.
    """
    version = version or os.environ.get("TEST_POSTGRESQL")
    packaged = _PACKAGED / f"postgresql-{version}" / "native" / "bin"
    return packaged if (packaged / "initdb").exists() else bin_folder(version)


class Cluster:
    """One server, started and stopped at will."""

    def __init__(self, folder: Path, *, version: str | None = None) -> None:
        self.folder = folder
        self._server = server_folder(version)
        self._clients = bin_folder()
        self.port = free_port()
        self._user = unprivileged()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the database, for a role that is no superuser."""
        return f"postgresql://relay@127.0.0.1:{self.port}/relay"

    @property
    def admin_url(self) -> str:
        """The same as superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/relay"

    def make(self) -> None:
        """Make the cluster, start it, and make role and database."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            self.folder.parent.chmod(0o711)  # the server's user has to get there
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._run(
            self._server / "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        )
        self.start()
        self.sql("CREATE ROLE relay LOGIN", database="postgres")
        self.sql("CREATE DATABASE relay OWNER relay", database="postgres")

    def follow(self, primary: "Cluster") -> None:
        """Be a copy of another server, started; that one answers no commit before it is here, too."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        origin = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
        copy = ("-D", self.data, "-d", origin, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        self._run(self._clients / "pg_basebackup", *copy)
        self.start()
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        primary.sql("SELECT pg_reload_conf()")
        deadline_s = time.monotonic() + READY_S
        while primary.sql("SELECT sync_state FROM pg_stat_replication") != "sync":
            if time.monotonic() > deadline_s:
                raise RuntimeError("the standby does not follow")
            time.sleep(0.05)  # it can only be asked about

    def promote(self) -> None:
        """A standby becomes a server of its own; it takes commits on return."""
        self.sql("SELECT pg_promote(true, 60)")

    @property
    def pid(self) -> int:
        """Of the process whose children serve."""
        assert self._process is not None
        return self._process.pid

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    def put(self, file: Path, *, mode: int) -> None:
        """A copy of a file into the data directory, for the server's user."""
        copy = self.data / file.name
        shutil.copyfile(file, copy)
        copy.chmod(mode)
        if self._user is not None:
            os.chown(copy, self._user.pw_uid, self._user.pw_gid)

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = (self.folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [
                self._server / "postgres", "-D", self.data, "-p", str(self.port), "-k", "",
                "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "shared_buffers=64MB",
            ],
            stdout=log, stderr=log, **as_user(self._user),
        )  # fmt: skip
        log.close()
        deadline_s = time.monotonic() + READY_S
        while subprocess.run(
            [self._clients / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"], check=False
        ).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)  # its start can only be asked about

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: at once and in order (SIGINT), or by SIGKILL."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=READY_S)
            self._process = None

    def crash(self) -> None:
        """Kill every process of it, as a power cut would."""
        if self._process is not None:
            parent = self._process.pid
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            for pid in (parent, *map(int, children)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(timeout=READY_S)
            self._process = None
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def sql(self, text: str, *, database: str = "relay") -> str:
        """What psql prints of a statement, as superuser."""
        run = subprocess.run(
            [
                self._clients / "psql", "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.port),
                "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-c", text,
            ],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return run.stdout.strip()

    def _run(self, *command: str | Path) -> None:
        subprocess.run(command, check=True, capture_output=True, **as_user(self._user))


def running_cluster(folder: Path, *, version: str | None = None) -> contextlib.AbstractContextManager[Cluster]:
    """A cluster, made on entering, stopped on leaving.

    Raises:
        LookupError: PostgreSQL cannot be had here, with what to do.
    """
    return _running(Cluster(folder, version=version))


@contextlib.contextmanager
def _running(cluster: Cluster) -> Iterator[Cluster]:
    try:
        cluster.make()
        yield cluster
    finally:
        cluster.stop(signal.SIGQUIT)


class Other(TypedDict, total=False):
    """Arguments of `subprocess`: who runs it."""

    user: int
    group: int
    extra_groups: list[int]
    cwd: str


def as_user(user: pwd.struct_passwd | None) -> Other:
    """What makes a process somebody else's; None: it stays ours."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL and PgBouncer refuse to run as root: then as this user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError("no unprivileged user to run PostgreSQL as")


def free_port() -> int:
    """Nobody listens there now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
