"""`personalize-relay spool move` and `spool migrate` as processes, also killed ones."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from relay.core.clock import SystemClock
from relay.core.model import NewRecord
from relay.spool.postgres.link import Server
from relay.spool.postgres.spool import PostgresSpool
from relay.spool.sqlite.spool import SqliteSpool
from tests.cli.test_serve import run
from tests.spool.leases import balances, deliver_all
from tests.support.postgres import Cluster
from tests.support.records import beacon, new_record
from tests.support.relay import ROOT, relay_environ, until

pytestmark = pytest.mark.process

MANY = 4000


def opened(path: Path) -> SqliteSpool:
    return SqliteSpool(path, clock=SystemClock(), max_bytes=1 << 30)


async def fill(path: Path, records: list[NewRecord]) -> None:
    async with opened(path) as spool:
        await spool.append(records)


async def move(old: Path, new: Path) -> tuple[int, str, str]:
    return await run("spool", "move", "--spool", str(old), "--to", f"sqlite:///{new}")


async def test_a_spool_is_moved_once_and_told_where_the_rest_is(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    await fill(old, [new_record("e0"), new_record("e1")])
    code, out, err = await move(old, new)
    assert (code, out) == (0, "")
    assert f"2 events that wait, 0 buried, 0 bindings are in {new} now." in err
    assert f"What was here is {old}.moved" in err
    code, _, err = await move(old, new)
    assert (code, err) == (3, f"Nothing to move: all of it was moved before, {old}.moved is left.\n")
    async with opened(new) as spool:
        assert await deliver_all(spool) == ["e0", "e1"]


async def test_what_cannot_be_moved_is_said(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    code, _, err = await move(old, new)
    assert (code, err) == (1, f"there is no spool at {old}\n")
    await fill(old, [new_record("e0")])
    assert (await move(old, old))[0] == 2
    async with opened(old):
        code, _, err = await move(old, new)
        assert code == 1
        assert "another process uses the spool" in err
    code, _, err = await run("spool", "move", "--spool", str(old), "--to", "memory:")
    assert code == 2
    assert "memory" in err


@pytest.mark.parametrize("kind", ["file", "database"])
async def test_killed_again_and_again_it_moves_everything_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    old = tmp_path / "old.db"
    new: Path | Cluster = tmp_path / "new.db"
    if kind == "database":
        request.getfixturevalue("database")
        new = request.getfixturevalue("cluster")
    await fill(old, [beacon(f"a{n}", f"b{n}", session_id=f"session-{n % 50:012}") for n in range(MANY)])
    kills = 0
    for least in (1, MANY // 2, MANY):
        kills += await killed_once_there(old, new, least)
    assert kills >= 1
    code, _, err = await run("spool", "move", "--spool", str(old), "--to", url_of(new))
    assert code in (0, 3), err
    async with open_target(new) as spool:
        assert balances(spool)
        assert spool.stats().accepted == 2 * MANY
        delivered = await deliver_all(spool)
    assert len(delivered) == len(set(delivered)) == 2 * MANY
    numbers = [int(one[1:]) for one in delivered if one.startswith("a")]
    for session in range(50):
        of_session = [number for number in numbers if number % 50 == session]
        assert of_session == sorted(of_session)


def url_of(new: Path | Cluster) -> str:
    return f"sqlite:///{new}" if isinstance(new, Path) else new.url


def open_target(new: Path | Cluster) -> SqliteSpool | PostgresSpool:
    if isinstance(new, Path):
        return opened(new)
    return PostgresSpool(Server(new.url), clock=SystemClock(), max_bytes=1 << 30)


async def killed_once_there(old: Path, new: Path | Cluster, least: int) -> bool:
    """Move, and kill it once the target holds so many records; whether it was still at it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "spool", "move", "--spool", str(old), "--to", url_of(new)),
        env=os.environ | {"PYTHONPATH": str(ROOT)} | relay_environ(),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: process.returncode is not None or rows(new) >= least, deadline_s=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        code = await process.wait()
    return code == -signal.SIGKILL


def rows(path: Path | Cluster) -> int:
    if isinstance(path, Cluster):
        try:
            return int(path.sql("SELECT count(*) FROM relay.records"))
        except subprocess.CalledProcessError:  # it is being made
            return 0
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as sql:
        try:
            count: int = sql.execute("SELECT count(*) FROM records").fetchone()[0]
        except sqlite3.Error:  # it is being made
            return 0
    return count


async def test_migrate_makes_the_spool_and_says_when_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    code, _, err = await run("spool", "migrate", "--spool", str(path))
    assert (code, err) == (0, f"{path} is of this version now.\n")
    assert (await run("spool", "migrate", "--spool", str(path)))[0] == 3
    assert (await run("spool", "status", "--spool", str(path)))[0] == 0
