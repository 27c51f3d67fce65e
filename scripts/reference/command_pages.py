"""docs/reference/command-line.md and exit-codes.md."""

from collections.abc import Iterator
from typing import Final

import click

from relay.cli import command
from relay.cli.exit_codes import ExitCode
from scripts.reference.documented import member_texts, table

HEAD: Final = """# The command line

What `--help` says. How commands end: [exit codes](exit-codes.md).
"""
CODES: Final = """# Exit codes

Of every command.
"""
NAME: Final = "personalize-relay"


def command_line() -> str:
    """Every command's help."""
    return "\n".join([HEAD, *_helps(command, None, NAME)])


def exit_codes() -> str:
    """The table."""
    texts = member_texts(ExitCode)
    rows = [[str(int(code)), texts[code.name]] for code in ExitCode]
    return "\n".join([CODES, table(["Code", "Means"], rows), ""])


def _helps(one: click.Command, parent: click.Context | None, name: str) -> Iterator[str]:
    context = click.Context(
        one, parent, info_name=name, terminal_width=100, max_content_width=100, help_option_names=["-h", "--help"]
    )
    yield f"## `{context.command_path}`\n\n```text\n{one.get_help(context)}\n```\n"
    if isinstance(one, click.Group):
        for child in one.list_commands(context):
            if (found := one.get_command(context, child)) is not None:
                yield from _helps(found, context, child)
