"""`make soak-cluster MINUTES=n SEEDS=m`: several relays on one database, and everything goes wrong.

Ends with 1 if a promise was broken. Each seed is a run of its own, from an empty database to the verdict; the time is
shared among them. With a `--seed` printed by an earlier run the visitors do the same again and the faults come in the
same order; when each strikes is up to the machine.
"""

import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from tests.faults.cluster.deaths import trouble
from tests.faults.cluster.shared_arena import RELAYS, SharedArena, shared_arena
from tests.faults.driver import Habits
from tests.faults.oracle import WRONGS, Verdict
from tests.faults.report import became, counts
from tests.faults.weather import change


async def one_seed(folder: Path, *, seed: int, seconds: float, visitors: int) -> tuple[Verdict, list[str]]:
    """A run; its verdict and figures."""
    habits = Habits(visitors=visitors, think_s=0.2, at_once=0.3, most_undelivered=4000, front_says=(502, 504))
    async with shared_arena(folder, seed=seed, habits=habits) as run:
        started = time.monotonic()
        run.driver.come()
        weather = asyncio.create_task(change(run.service, run.rng, longest_s=5))
        try:
            await trouble(run, run.rng, over=lambda: time.monotonic() - started >= seconds)
        finally:
            weather.cancel()
            await asyncio.gather(weather, return_exceptions=True)
        verdict = await run.quiet()
        return verdict, list(figures(run, verdict, seconds=time.monotonic() - started))


def figures(run: SharedArena, verdict: Verdict, *, seconds: float) -> Iterator[str]:
    """Of a run, one a line."""
    yield f"seed {run.seed}, {seconds / 60:.1f} minutes, {RELAYS} relays"
    yield from became(verdict)
    yield f"stored, answer lost      {run.driver.stored_unanswered}"
    yield "answers                  " + counts(run.driver.answers)
    yield "faults                   " + counts(run.faults)
    yield "faults of the service    " + counts(run.service.struck)
    for name in WRONGS:
        yield f"{name:<24} {verdict.wrongs[name]}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="Of all seeds together, quiet phases not counted.")
@click.option("--seeds", default=1, show_default=True, help="So many runs.")
@click.option("--seed", default=None, type=int, help="The first; of an earlier run. Default: any.")
@click.option("--visitors", default=24, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Where to keep the logs; default: a temporary one.")
def main(minutes: float, seeds: int, seed: int | None, visitors: int, folder: Path | None) -> None:
    """Run until the time is over, then print the figures."""
    first = random.SystemRandom().getrandbits(31) if seed is None else seed
    where = folder or Path(tempfile.mkdtemp(prefix="relay-soak-"))
    good = True
    for number in range(first, first + seeds):
        own = where / str(number)
        own.mkdir(parents=True, exist_ok=True)
        _say(f"seed {number}, logs in {own}")
        run = one_seed(own, seed=number, seconds=minutes * 60 / seeds, visitors=visitors)
        verdict, lines = asyncio.run(run)
        for line in [*lines, *verdict.stories]:
            _say(line)
        good = good and verdict.is_good
    if good and folder is None:
        shutil.rmtree(where)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
