"""Who is measured: the relay as it is deployed, and the peers, each a server on the first CPU."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tests.bench.machine import LOAD_CPU, SERVER_CPU
from tests.bench.processes import ROOT, free_port, python, running

SECRET = "bench-secret-key-bench-secret-key-0000"
ORIGIN = "https://shop.example"
AWS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "emulator",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Contestant(msgspec.Struct, frozen=True):
    """A running server."""

    name: str
    pid: int
    url: str
    shape: str
    """`beacon` for the relay's body and headers, `peer` for plain JSON."""
    admin_url: str | None = None


@contextlib.contextmanager
def relay(
    *,
    sink_url: str | None,
    name: str = "relay",
    extra: Mapping[str, str] | None = None,
    cpu: int | str = SERVER_CPU,
    config: Path | None = None,
) -> Iterator[Contestant]:
    """`personalize-relay serve` on a SQLite spool; without a sink, events stay on disk for the round.

    `config` names the sites; without it there is one.
    """
    port, admin = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        env = {
            **AWS,
            "RELAY_SECRET_KEYS": SECRET,
            **({} if config else {"RELAY_TRACKING_ID": "bench", "RELAY_ALLOWED_ORIGINS": ORIGIN}),
            "RELAY_PORT": str(port),
            "RELAY_ADMIN_PORT": str(admin),
            "RELAY_SPOOL_URL": f"sqlite:///{Path(folder) / 'spool.db'}",
            "RELAY_SPOOL_MAX_BYTES": str(20 * 1024**3),
            "RELAY_RATE_LIMIT_IP": "1000000000/s",
            "RELAY_PUT_EVENTS_PER_S": "1000000",
            "RELAY_LINGER_S": "0" if sink_url else "3600",
            "RELAY_MAX_LINGER_S": "30" if sink_url else "3600",
            "RELAY_DRAIN_S": "1",
            "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": sink_url or "http://127.0.0.1:9",
            **(extra or {}),
        }
        base = f"http://127.0.0.1:{port}"
        command = python("-m", "relay", "serve", *([] if config is None else ["--config", str(config)]))
        with running(command, ready_url=f"{base}/healthz", env=env, cpu=cpu) as pid:
            yield Contestant(name, pid, f"{base}/r/e", "beacon", f"http://127.0.0.1:{admin}")


@contextlib.contextmanager
def uvicorn_peer(name: str, module: str, *, sink_url: str) -> Iterator[Contestant]:
    """A peer written in Python, under the same uvicorn as the relay."""
    port = free_port()
    command = python("-m", "uvicorn", f"tests.bench.peers.{module}:app", "--port", str(port))
    command += ["--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"]
    env = {**AWS, "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": sink_url}
    with running(command, ready_url=f"http://127.0.0.1:{port}/healthz", env=env) as pid:
        yield Contestant(name, pid, f"http://127.0.0.1:{port}/r/e", "peer")


@contextlib.contextmanager
def lean_floor() -> Iterator[Contestant]:
    """Decode, check, encode and nothing else, on a bare protocol."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = python("-m", "tests.bench.peers.lean_floor", str(port))
    with running(command, ready_url=f"{base}/healthz") as pid:
        yield Contestant("lean floor: decode, check, encode, forget", pid, f"{base}/r/e", "beacon")


@contextlib.contextmanager
def fastify_peer(*, sink_url: str) -> Iterator[Contestant]:
    """The peer written in JavaScript."""
    port = free_port()
    server = ROOT / "tests/bench/peers/fastify/server.mjs"
    env = {**AWS, "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": sink_url, "NODE_ENV": "production"}
    with running(["node", str(server), str(port)], ready_url=f"http://127.0.0.1:{port}/healthz", env=env) as pid:
        yield Contestant("Fastify + SDK v3", pid, f"http://127.0.0.1:{port}/r/e", "peer")


@contextlib.contextmanager
def cheap_sink() -> Iterator[str]:
    """The far side, on the load's CPU; yields its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    probe = f"{url}/"
    with running(python("-m", "tests.bench.load.cheap_sink", str(port)), ready_url=probe, cpu=LOAD_CPU):
        yield url
