"""A real nginx in front of a relay, with the file of examples/deploy."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.relay import ROOT

DOCUMENTED = ROOT / "examples" / "deploy" / "nginx.conf"
CLUSTER = ROOT / "examples" / "deploy" / "compose" / "cluster.nginx.conf"
MAIN = """
{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {documented}
}}
"""


@asynccontextmanager
async def nginx_before(url: str, folder: Path) -> AsyncGenerator[str]:
    """The URL of an nginx in front of this relay: the documented file, but for its addresses, certificate and cache."""
    port = _free_port()
    changes = [
        (r"server 127\.0\.0\.1:8080;", f"server {url.removeprefix('http://')};"),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        (r"listen \[::\]:443 ssl;", ""),
        (r"ssl_certificate(_key)? [^;]*;", ""),
        (r"/var/cache/nginx/relay", f"{folder}/cache"),
    ]
    async with _running(DOCUMENTED.read_text(), changes, port, folder) as there:
        yield there


@asynccontextmanager
async def nginx_before_all(ports: Sequence[int], folder: Path) -> AsyncGenerator[int]:
    """The port of an nginx that gives each request to the next of these relays: the file of the compose example.

    The server's API, which that file keeps inside, is open to the tests.
    """
    port = _free_port()
    servers = "".join(f"server 127.0.0.1:{one};\n" for one in ports)
    changes = [
        (r"server relay-1:8080;\s*server relay-2:8080;", servers),
        (r"listen 80;", f"listen 127.0.0.1:{port};"),
        (r"location / \{\s*return 404;", "location /api/ { proxy_pass http://relay;"),
        (r"/var/cache/nginx/relay", f"{folder}/cache"),
    ]
    async with _running(CLUSTER.read_text(), changes, port, folder):
        yield port


@asynccontextmanager
async def _running(documented: str, changes: Sequence[tuple[str, str]], port: int, folder: Path) -> AsyncGenerator[str]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed; scripts/install-test-tools does it")
    text = documented
    for pattern, by in changes:
        text, count = re.subn(pattern, by, text)
        assert count, f"the documented file has no {pattern}"
    config = folder / "nginx.conf"
    config.write_text(MAIN.format(folder=folder, documented=text, user="user root root;" if os.getuid() == 0 else ""))
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)
    )
    try:
        await _listening(port, process, folder)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def _listening(port: int, process: asyncio.subprocess.Process, folder: Path) -> None:
    async with asyncio.timeout(10):
        while True:
            assert process.returncode is None, (folder / "error.log").read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
