"""Relays are replaced by those of the next version, one after the other, while visitors come, and back again.

The next version is this one with one more step of the schema, which adds columns to tables that are written all the
time. It prints how long shards were nobody's.
"""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from relay.spool.postgres.migrate import VERSION
from relay.spool.postgres.statements import PARTS
from tests.faults.cluster.shared_arena import Member, SharedArena, shared_arena
from tests.faults.driver import Habits
from tests.support.tree import ROOT

pytestmark = pytest.mark.timeout(400)
STEP = "\n".join(
    f"ALTER TABLE relay.{table} ADD of_the_next integer NOT NULL DEFAULT 0;"
    for table in ("meta", "shards", "buried", "bindings", "archive_0", *[f"records_{part}" for part in range(PARTS)])
)
NOBODYS = "SELECT count(*) FROM relay.shards WHERE owner IS NULL"
LOOK_S = 0.005


def next_version(folder: Path) -> dict[str, str]:
    """Variables that make a process one of the next version."""
    shutil.copytree(ROOT / "relay", folder / "relay", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "js-snippet").symlink_to(ROOT / "js-snippet")
    steps = folder / "relay" / "spool" / "postgres" / "sql" / "migrations"
    (steps / f"{VERSION + 1:03}.sql").write_text(STEP)
    return {"PYTHONPATH": str(folder)}


@asynccontextmanager
async def watched(run: SharedArena, gaps_s: list[float]) -> AsyncGenerator[None]:
    """Measure how long shards are nobody's, from the first to the last."""
    raw = await asyncpg.connect(run.database.primary.admin_url)

    async def watch() -> None:
        first_s = last_s = 0.0
        try:
            while True:
                if await raw.fetchval(NOBODYS):
                    last_s = time.monotonic()
                    first_s = first_s or last_s
                await asyncio.sleep(LOOK_S)
        finally:
            gaps_s.append(last_s - first_s)

    watching = asyncio.create_task(watch())
    try:
        yield
        while await run.database.sql(NOBODYS) != ["0"]:  # noqa: ASYNC110  it can only be asked about
            await asyncio.sleep(LOOK_S)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        raw.terminate()


async def replace(run: SharedArena, member: Member, by: dict[str, str] | None, gaps_s: list[float]) -> None:
    """As a deployment does it: one goes, one comes, and the others take what there is."""
    async with watched(run, gaps_s):
        assert await member.process.stop() == 0, member.process.last_words()
    await run.obligations(100)
    await member.process.start(by)
    await run.obligations(100)


async def test_neighbouring_versions_take_turns_under_load_and_nothing_is_lost_or_sent_twice(
    tmp_path: Path, seed: int
) -> None:
    habits = Habits(visitors=12, think_s=0.1, at_once=0.3, most_undelivered=4000, front_says=(502, 504))
    (tmp_path / "run").mkdir()
    async with shared_arena(tmp_path / "run", seed=seed, habits=habits, standby=False) as run:
        newer = next_version(tmp_path / "next")
        run.driver.come()
        await run.obligations(100)
        gaps_s: list[float] = []
        for member in run.members:
            await replace(run, member, newer, gaps_s)
            assert await run.database.sql("SELECT version FROM relay.meta") == [str(VERSION + 1)]
        await replace(run, run.members[0], None, gaps_s)
        versions = await run.database.sql("SELECT count(*) FROM relay.relays WHERE beat > now() - interval '10 s'")
        assert versions == [str(len(run.members))], "one of this version beside those of the next"
        verdict = await run.quiet()
        run.judge(verdict)
        assert run.oracle.repeats_after_success == 0
        gaps = ", ".join([f"{gap_s:.3f}" for gap_s in gaps_s])
        sys.stdout.write(f"{verdict.answered} events answered; shards were nobody's for {gaps} s\n")
