"""`make fuzz MINUTES=n`: mutated beacons and calls of the server API through real sockets; figures at the end.

Memory grows while what the relay remembers for its pages fills up (20,000 beacons and calls, with all that is odd in
them): 78 MB after 2,000 inputs, 120 after 110,000, 125 after 200,000, 128 after 270,000.
"""

import argparse
import asyncio
import os
import random
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.coverage import traced
from tests.fuzz.run import Figures, job, run, save

SAVED = Path("build/fuzz")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--inputs", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}, {chosen.jobs} jobs", flush=True)  # noqa: T201
    many = -(-chosen.inputs // chosen.jobs)
    with ProcessPoolExecutor(chosen.jobs, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(job, chosen.seed + number, many, chosen.minutes) for number in range(chosen.jobs)]
        done = [one.result() for one in running]
    save([seed for figures in done for seed in figures.seeds])
    with asyncio.Runner() as runner, traced() as lines:  # asyncio's own loop: its callbacks can be traced
        runner.run(run(seed=1, most=1500))
    show(done)
    for room, share in lines.share().items():
        print(f"  lines of {room}: {share:.0%}")  # noqa: T201
    findings = [one for figures in done for one in figures.findings]
    if findings:
        SAVED.mkdir(parents=True, exist_ok=True)
        (SAVED / f"{chosen.seed}.txt").write_text("\n\n".join(findings))
        print(f"\nfindings are in {SAVED}/{chosen.seed}.txt; the first:\n{findings[0][:2000]}")  # noqa: T201
    sys.exit(1 if findings else 0)


def show(done: list[Figures]) -> None:
    """Print what the jobs came to."""
    inputs, seconds = sum(one.inputs for one in done), max(one.seconds for one in done)
    statuses = sum((one.by_status for one in done), Counter[int]())
    reached = sum(one.reached_intake for one in done) / max(1, inputs)
    slowest = sorted((slow for one in done for slow in one.slowest), key=lambda slow: -slow[0])
    lines = [
        f"inputs: {inputs:,} in {seconds:,.0f} s ({inputs / max(seconds, 0.1):,.0f} a second), each to both ways in",
        f"new in the corpus: {sum(one.new for one in done)}",
        "answers: " + ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items())),
        f"reached intake: {reached:.1%}; events checked as the service does: {sum(one.accepted for one in done):,}",
        "slowest: " + ", ".join(f"{took_s * 1000:.0f} ms {notes[:3]}" for took_s, notes in slowest[:3]),
        *(f"memory of job {number}: {_memory(one)}" for number, one in enumerate(done, 1)),
        f"findings: {sum(len(one.findings) for one in done)}",
    ]
    print("\n".join(lines))  # noqa: T201


def _memory(figures: Figures) -> str:
    """Minute by minute; load and both relays are one process.

    It is to be flat once what is remembered is full: ids of events (300,000 in each relay), the last 20,000 events.
    """
    minutes: list[int] = []
    for at_s, kb in figures.memory_kb:
        if at_s >= 60 * (len(minutes) + 1):
            minutes.append(kb)
    by_minute = " ".join(f"{kb / 1024:.0f}" for kb in minutes) or "less than a minute"
    return f"{by_minute} MB at the end of each minute, {max(kb for _, kb in figures.memory_kb) / 1024:.0f} MB at most"


if __name__ == "__main__":
    main()
