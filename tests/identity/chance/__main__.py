"""`make soak-identity MINUTES=n`: run after run, each with a seed of its own; ends with 1 at the first wrong."""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from tests.identity.chance.stage import running_world


async def one_run(seed: int, seconds: float) -> tuple[str, Counter[str]]:
    """What went wrong, empty if nothing did; and what happened."""
    with tempfile.TemporaryDirectory(prefix="relay-identity-") as folder:
        async with running_world(Path(folder), seed) as world:
            await world.run(seconds)
    return (world.story() if world.ledger.wrongs else ""), world.ledger.seen


@click.command()
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--seconds", default=10.0, show_default=True, help="Of one run.")
@click.option("--seed", default=None, type=int, help="Of the first run; default: any.")
def main(minutes: float, seconds: float, seed: int | None) -> None:
    """Runs until the time is over or a rule is broken."""
    seed = random.SystemRandom().getrandbits(31) if seed is None else seed
    end_s = time.monotonic() + minutes * 60
    while True:
        story, seen = asyncio.run(one_run(seed, seconds))
        click.echo(f"seed {seed}: {'wrong' if story else 'good'}  {dict(seen)}")
        if story:
            click.echo(story)
            sys.exit(1)
        if time.monotonic() >= end_s:
            return
        seed += 1


if __name__ == "__main__":
    main()
