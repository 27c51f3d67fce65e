"""How the rows of a file are written: options every `put` has."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

_TAB: Final = ("tab", "\\t")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _one_character(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text in _TAB:
        return "\t"
    if text is not None and (len(text) != 1 or text in '"\r\n'):
        message = "one character that is no quote, or tab"
        raise click.BadParameter(message)
    return text


def with_row_options(command: _Command) -> _Command:
    """Adds `--format`, `--delimiter` and `--null`."""
    for option in (
        click.option(
            "--null",
            multiple=True,
            metavar="TEXT",
            help="A cell that means nothing is there, such as NULL or \\N; may be given again. Empty ones always do.",
        ),
        click.option(
            "--delimiter",
            callback=_one_character,
            help="Between cells of CSV. Default: as a first line sep=; says, a tab in .tsv, else a comma.",
        ),
        click.option(
            "--format",
            "file_format",
            type=click.Choice(["csv", "jsonl"]),
            help="Instead of by FILE's name or beginning; jsonl is JSON of any kind.",
        ),
    ):
        command = option(command)
    return command
