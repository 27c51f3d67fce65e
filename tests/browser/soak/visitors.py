"""Random lives of visitors, as many as wanted: `python -m tests.browser.soak.visitors --lives 50 --from 1000`.

Each is a seed of tests/browser/snippet/test_random_visitors.py; one that fails says which, and its story.
"""

import argparse
import asyncio
import sys

from rich.console import Console
from rich.progress import track

from tests.browser.snippet.random_visitors import visit
from tests.support.browser import chromium
from tests.support.collector import collecting


async def run(seeds: range, steps: int) -> bool:
    """Whether every event of every life arrived as whose it was."""
    console = Console(width=110)
    failed = 0
    async with chromium() as browser:
        for seed in track(seeds, description="lives", console=console):
            async with collecting() as collector:
                try:
                    await visit(collector, browser, seed, steps)
                except AssertionError as error:
                    failed += 1
                    console.print(f"[red]seed {seed}:[/red] {error}")
    console.print(f"{len(seeds) - failed} of {len(seeds)} lives were told as they were")
    return not failed


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=50)
    parser.add_argument("--from", type=int, default=1000, dest="first", help="first seed")
    parser.add_argument("--steps", type=int, default=40, help="of each life")
    args = parser.parse_args()
    sys.exit(not asyncio.run(run(range(args.first, args.first + args.lives), args.steps)))


if __name__ == "__main__":
    main()
