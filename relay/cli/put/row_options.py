"""The options that every `put` has: how the rows of its file are written, and how they are sent."""

from collections.abc import Callable
from pathlib import Path
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
    """Adds `--format`, `--delimiter` and `--null`, `--ignore-unknown`, `--restart`, `--schema` and `--json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON."),
        click.option(
            "--schema",
            "schema_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The dataset's schema as a file, where the credentials may not describe the dataset.",
        ),
        click.option("--restart", is_flag=True, help="From the beginning, whatever was sent before."),
        click.option("--ignore-unknown", is_flag=True, help="Leave out columns the dataset's schema does not have."),
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


def with_pace(calls_per_s: float, why: str) -> Callable[[_Command], _Command]:
    """Adds `--calls-per-s`, with what it is where nothing is said."""
    return click.option(
        "--calls-per-s", type=click.FloatRange(min=0.01), default=calls_per_s, show_default=True, help=why
    )
