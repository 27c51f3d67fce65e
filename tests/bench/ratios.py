"""Medians and paired ratios: figures of one run, side by side, since the machine's speed drifts between runs."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

import msgspec
from rich.console import Console
from rich.table import Table

T = TypeVar("T")


class Figure(msgspec.Struct, frozen=True):
    """One figure of one contestant: the median of its rounds, and its ratio to the reference round by round."""

    name: str
    contestant: str
    unit: str
    median: float
    ratio: float | None
    ratio_min: float | None
    ratio_max: float | None


def alternate(contestants: Mapping[str, Callable[[], T]], *, rounds: int) -> dict[str, list[T]]:
    """Run each contestant once a round, in turn, after one round that is not counted."""
    results: dict[str, list[T]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, run in contestants.items():
            result = run()
            if number:
                results[name].append(result)
    return results


def figures(
    name: str, unit: str, results: Mapping[str, Sequence[T]], value: Callable[[T], float], *, reference: str
) -> list[Figure]:
    """A figure for each contestant, with the ratio to `reference` taken within each round."""
    base = [value(result) for result in results[reference]]
    made: list[Figure] = []
    for contestant, rounds in results.items():
        values = [value(result) for result in rounds]
        ratios = sorted(mine / theirs for mine, theirs in zip(values, base, strict=True))
        other = contestant != reference
        made.append(
            Figure(
                name=name,
                contestant=contestant,
                unit=unit,
                median=median(values),
                ratio=median(ratios) if other else None,
                ratio_min=ratios[0] if other else None,
                ratio_max=ratios[-1] if other else None,
            )
        )
    return made


def show(title: str, rows: Sequence[Figure], console: Console) -> None:
    """Print the figures as one table."""
    table = Table(title=title, title_justify="left")
    for column in ("figure", "who", "median", "unit", "x reference", "spread"):
        table.add_column(column, justify="right" if column in ("median", "x reference") else "left")
    for row in rows:
        ratio = "reference" if row.ratio is None else f"{row.ratio:.2f}"
        spread = "" if row.ratio is None else f"{row.ratio_min:.2f}-{row.ratio_max:.2f}"
        table.add_row(row.name, row.contestant, f"{row.median:,.1f}", row.unit, ratio, spread)
    console.print(table)
