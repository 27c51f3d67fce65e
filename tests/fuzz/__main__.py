"""`make fuzz MINUTES=n`: mutated requests to the edge through real sockets, both ways compared; figures at the end."""

import argparse
import asyncio
import random
import sys
from pathlib import Path

from relay.core.event_loop import new_loop
from tests.fuzz.coverage import traced
from tests.fuzz.run import Figures, run

SAVED = Path("build/fuzz")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--inputs", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)  # noqa: T201
    with asyncio.Runner(loop_factory=new_loop) as runner:
        figures = runner.run(run(seed=chosen.seed, most=chosen.inputs, minutes=chosen.minutes, grow=True))
    with asyncio.Runner() as runner, traced() as lines:  # asyncio's own loop: its callbacks can be traced
        runner.run(run(seed=1, most=1500))
    show(figures)
    for room, share in lines.share().items():
        print(f"  lines of {room}: {share:.0%}")  # noqa: T201
    if figures.findings:
        SAVED.mkdir(parents=True, exist_ok=True)
        (SAVED / f"{chosen.seed}.txt").write_text("\n\n".join(figures.findings))
        print(f"\nfindings are in {SAVED}/{chosen.seed}.txt; the first:\n{figures.findings[0][:2000]}")  # noqa: T201
    sys.exit(1 if figures.findings else 0)


def show(figures: Figures) -> None:
    """Print what a run came to."""
    flat = figures.memory_kb[len(figures.memory_kb) // 4 :] or [0]
    lines = [
        f"inputs: {figures.inputs:,} in {figures.seconds:,.0f} s, each to both ways in",
        f"new in the corpus: {figures.new}",
        "answers: " + ", ".join(f"{status}: {count:,}" for status, count in sorted(figures.by_status.items())),
        f"reached intake: {figures.share():.1%}; events accepted and checked as the service does: {figures.accepted:,}",
        "slowest: " + ", ".join(f"{took_s * 1000:.0f} ms {notes[:3]}" for took_s, notes in figures.slowest[:3]),
        f"memory after the first quarter: {min(flat) / 1024:.0f} to {max(flat) / 1024:.0f} MB",
        f"findings: {len(figures.findings)}",
    ]
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
