"""What `spool` prints: tables for people, JSON for machines, and nothing from outside that a terminal would obey."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 240
"""Columns of a table that goes into a file or another program, where rich would assume 80."""


def harmless(text: str) -> str:
    """The text with everything that does not print as itself replaced: escape codes, controls, turns of direction."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def print_json(what: object) -> None:
    """One JSON document on stdout, in ASCII."""
    click.echo(json.dumps(what, indent=2).replace("\x7f", "\\u007f"))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """A table on stdout; the columns in `numbers` are set to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        number = column in numbers
        table.add_column(column, justify="right" if number else "left", no_wrap=number or column != columns[-1])
    for row in rows:
        table.add_row(*(Text(harmless(shown(cell))) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_WIDTH)
    console.print(table)


def shown(cell: object) -> str:
    """A figure with its thousands set apart, text as it is."""
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def moment(at_ms: int) -> str:
    """A time in UTC, as one types it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def age(seconds: float) -> str:
    """A length of time in the two units that matter."""
    minutes, s = divmod(int(max(seconds, 0)), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days} d {h} h"
    if hours:
        return f"{h} h {m} min"
    return f"{m} min {s} s" if minutes else f"{s} s"


def size(count: int) -> str:
    """Bytes, in the unit that matters."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
