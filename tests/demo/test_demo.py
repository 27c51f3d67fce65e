"""`personalize-relay demo` as a process: starts, replays, and goes without leaving anything behind."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support.demo import free_ports, running_demo

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]


async def run(*arguments: str, cwd: Path, **env: str) -> tuple[int, str]:
    """The command until it ends: exit code, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "demo", *arguments),
        cwd=cwd,
        env=os.environ | env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(80):
        out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(path.parent.name))
    return sorted(found)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_serves_everything_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with running_demo("--data", str(data), cwd=tmp_path) as demo:
        assert f"Shop      {demo.shop}" in demo.said
        page = await demo.text(f"{demo.shop}/")
        assert f'<script async src="{demo.relay}/r/s.js" data-token="' in page
        async with httpx2.AsyncClient() as http:
            for url in (f"{demo.relay}/r/s.js", f"{demo.relay}/readyz", f"{demo.admin}/metrics", f"{demo.emulator}/"):
                assert (await http.get(url)).status_code == 200
        children = _children(demo.process.pid)
        assert len(children) == 3
    assert not any(map(_is_alive, children))
    assert (data / "secret-key").stat().st_mode & 0o077 == 0


async def test_the_shops_policy_lets_in_only_itself_the_relay_and_the_emulator() -> None:
    async with running_demo("--no-replay") as demo, httpx2.AsyncClient() as http:
        for path, status in (("/", 200), ("/p/monstera", 200), ("/cart", 200), ("/nothing", 404)):
            answer = await http.get(demo.shop + path)
            assert answer.status_code == status
            policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
            assert policy["default-src"] == "'none'"
            assert policy["script-src"] == f"'self' {demo.relay}"
            assert policy["connect-src"] == f"'self' {demo.relay} {demo.emulator}"
            assert " style=" not in answer.text
            assert "<script>" not in answer.text
        forged = await http.post(
            f"{demo.shop}/login", data={"user": "ada"}, headers={"origin": "https://other.example"}
        )
        assert forged.status_code == 403
        assert (await http.post(f"{demo.shop}/login", data={"user": "mallory"})).status_code == 400
        assert (await http.post(f"{demo.shop}/session", data={"id": "no"})).status_code == 400


async def test_a_replay_prints_its_figures_and_ends(tmp_path: Path) -> None:
    # A folder of its own: what lies beside the checkout is nobody's business here.
    (tmp_path / "here").mkdir()
    port = free_ports(4)
    code, out = await run("--replay", "auto", "--exit", cwd=tmp_path / "here", DEMO_PORT=str(port))
    assert code == 0, out
    assert "trace.jsonl" in out
    assert "accepted = delivered" in out
    assert "Traceback" not in out


async def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    port = free_ports(4)
    with socket.create_server(("127.0.0.1", port + 2)):
        code, out = await run(cwd=tmp_path, DEMO_PORT=str(port))
    assert code == 1
    assert f"port {port + 2}, for the emulator" in out
    assert "DEMO_PORT" in out
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--exit"], "--exit needs --replay"),
        (["--replay", "nothing.csv"], "there is no file 'nothing.csv'"),
        (["--speed", "quick"], "'quick' is not a factor"),
    ],
)
async def test_wrong_use_is_code_2(tmp_path: Path, arguments: list[str], problem: str) -> None:
    code, out = await run(*arguments, cwd=tmp_path)
    assert code == 2
    assert problem in out


async def test_a_file_that_is_no_click_stream_is_one_line_and_code_1(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk, bread\n", encoding="utf-8")
    code, out = await run("--replay", "notes.txt", "--exit", cwd=tmp_path)
    assert code == 1
    assert "notes.txt: not as a click stream should be" in out
    assert "Traceback" not in out


async def test_a_part_that_dies_ends_the_demo_with_code_1_and_its_name() -> None:
    port = free_ports(4)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "demo", "--no-replay", "--port", str(port)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            await process.stdout.readuntil(b"Ctrl-C stops everything.")
            children = _children(process.pid)
            os.kill(children[-1], signal.SIGKILL)
            out = (await process.stdout.read()).decode()
            assert await process.wait() == 1
    finally:
        if process.returncode is None:
            process.kill()
    assert "ended by itself" in out
    assert "Traceback" not in out
    assert not any(map(_is_alive, children))


async def test_a_narrow_terminal_of_an_old_windows_shows_the_addresses_first_and_whole() -> None:
    async with running_demo("--no-replay", env={"COLUMNS": "60", "PYTHONIOENCODING": "cp1252"}) as demo:
        lines = demo.said.splitlines()
        shop = next(number for number, line in enumerate(lines) if demo.shop in line)
        assert shop < next(number for number, line in enumerate(lines) if "RELAY_SECRET_KEYS=" in line)
        for url in (demo.shop, demo.emulator, f"{demo.relay}/r", demo.admin):
            assert any(line.strip().endswith(url) for line in lines), url
        tour = [line for line in lines if line.strip()[:2] in ("1.", "2.", "3.", "4.", "5.")]
        assert len(tour) == 5
        assert all(len(line) <= 70 for line in tour)
