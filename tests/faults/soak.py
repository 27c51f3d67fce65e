"""`make soak MINUTES=n`: everything goes wrong for as long as one likes; ends with 1 if a promise was broken.

With a `--seed` printed by an earlier run the visitors do the same again and the faults come in the same order; when
each strikes is up to the machine.
"""

import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import click

from tests.faults.arena import Arena, arena
from tests.faults.deaths import AIMED, die, until_met
from tests.faults.driver import Habits
from tests.faults.oracle import Verdict
from tests.faults.report import lines, missing_windows
from tests.faults.weather import change
from tests.faults.windows import HAS_STRACE, NAMED

ROUND_S: Final = 120.0
"""Faults for so long, then a quiet phase and a verdict, then the next round."""


async def one_round(run: Arena, *, over: Callable[[], bool], is_last: Callable[[], bool] = bool) -> Verdict:
    """Deaths and weather until it is over, then the verdict.

    In the last round, windows that chance has missed are aimed at first: on a busy machine lives are few.
    """
    run.driver.come()
    weather = asyncio.create_task(change(run.service, run.rng))
    try:
        while not over():
            await die(run, run.rng)
    finally:
        weather.cancel()
        await asyncio.gather(weather, return_exceptions=True)
    if is_last() and HAS_STRACE:
        await run.service.misbehave()
        for window in missing_windows(run):
            if window in AIMED:
                await until_met(run, window)
    return await run.quiet()


def _past(end_s: float) -> bool:
    return time.monotonic() >= end_s


async def soak(folder: Path, *, minutes: float, seed: int, visitors: int) -> bool:
    """Round after round; whether every promise was kept and every named window was met."""
    started = time.monotonic()
    end_s = started + minutes * 60
    habits = Habits(visitors=visitors, most_undelivered=4000)
    async with arena(folder, seed=seed, habits=habits, forked=True) as run:
        while True:
            round_end_s = min(end_s, time.monotonic() + ROUND_S)
            verdict = await one_round(run, over=partial(_past, round_end_s), is_last=partial(_past, end_s - 1))
            seconds = time.monotonic() - started
            over = not verdict.is_good or time.monotonic() >= end_s - 1
            if over:
                break
            _say(
                f"{seconds / 60:5.1f} min  answered {verdict.answered}  delivered {verdict.delivered}"
                f"  kill -9 {run.relay.kills}  lost {verdict.wrongs['lost']}"
            )
        for line in lines(run, verdict, seconds=seconds):
            _say(line)
        missed = missing_windows(run)
        if missed:
            _say("no crash seen             " + ", ".join(missed))
        for story in verdict.stories:
            _say(story)
    return verdict.is_good and not missed


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@click.command()
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--seed", default=None, type=int, help="Of an earlier run; default: any.")
@click.option("--visitors", default=24, show_default=True)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to keep spool and logs; default: a temporary one."
)
def main(minutes: float, seed: int | None, visitors: int, folder: Path | None) -> None:
    """Run until the time is over, then print the figures."""
    seed = random.SystemRandom().getrandbits(31) if seed is None else seed
    where = folder or Path(tempfile.mkdtemp(prefix="relay-soak-"))
    where.mkdir(parents=True, exist_ok=True)
    _say(f"seed {seed}, spool and logs in {where}")
    if not HAS_STRACE:
        _say(f"strace is not installed: {', '.join(NAMED)} cannot all be met")
    good = asyncio.run(soak(where, minutes=minutes, seed=seed, visitors=visitors))
    if good and folder is None:
        shutil.rmtree(where)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
