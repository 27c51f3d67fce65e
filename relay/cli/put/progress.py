"""How far a file has come: a bar on a terminal, a line now and then elsewhere."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from relay.core.clock import Clock
from relay.personalize.put.journal import Progress as Settled
from relay.personalize.put.put_file import Watcher

_LINE_EVERY_S: Final = 10.0


@contextmanager
def file_progress(name: str, size_bytes: int | None, clock: Clock) -> Generator[Watcher, None, None]:
    """Show the progress of a file of that size on stderr; None for a stream of unknown length."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(name, size_bytes, clock)
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:.0f}/s"),
        TextColumn("[red]{task.fields[rejected]:,} refused", justify="left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=120,
    )
    with bar:
        task = bar.add_task(name, total=size_bytes, rows=0, rate=0.0, rejected=0)
        yield _Bar(bar, task, clock)


def tell_notice(line: str) -> None:
    """What a person should know of the file."""
    click.echo(f"note: {line}", err=True)


class _Rate:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first_rows = 0
        self._started_s = clock.monotonic_s()

    def start(self, settled: Settled) -> None:
        self._first_rows = settled.rows
        self._started_s = self._clock.monotonic_s()

    def rows_per_s(self, settled: Settled) -> float:
        """Of this run."""
        elapsed_s = self._clock.monotonic_s() - self._started_s
        return (settled.rows - self._first_rows) / elapsed_s if elapsed_s > 0 else 0.0


class _Bar(Watcher):
    def __init__(self, bar: Progress, task: TaskID, clock: Clock) -> None:
        self._bar = bar
        self._task = task
        self._rate = _Rate(clock)

    def started(self, progress: Settled) -> None:
        self._rate.start(progress)
        # A reset with the bytes of earlier runs, so that the time left is of this run's speed.
        self._bar.reset(self._task, completed=progress.offset, rows=progress.rows, rate=0.0, rejected=progress.rejected)

    def settled(self, progress: Settled) -> None:
        self._bar.update(
            self._task,
            completed=progress.offset,
            rows=progress.rows,
            rejected=progress.rejected,
            rate=self._rate.rows_per_s(progress),
        )

    def noticed(self, line: str) -> None:
        self._bar.console.print(f"note: {line}", markup=False, highlight=False, soft_wrap=True)


class _Lines(Watcher):
    def __init__(self, name: str, size_bytes: int | None, clock: Clock) -> None:
        self._name = name
        self._size_bytes = size_bytes
        self._clock = clock
        self._rate = _Rate(clock)
        self._next_s = clock.monotonic_s() + _LINE_EVERY_S
        self._first_offset = 0

    def started(self, progress: Settled) -> None:
        self._rate.start(progress)
        self._first_offset = progress.offset
        if progress.rows:
            click.echo(f"{self._name}: going on after row {progress.rows:,}", err=True)

    def settled(self, progress: Settled) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _LINE_EVERY_S
        share = f"{progress.offset / self._size_bytes:.0%}, " if self._size_bytes else ""
        click.echo(
            f"{self._name}: {share}{progress.rows:,} rows, {self._rate.rows_per_s(progress):.0f}/s, "
            f"{progress.rejected:,} refused",
            err=True,
        )

    def noticed(self, line: str) -> None:
        tell_notice(line)
