"""The command `personalize-relay`: one file a command group, loaded when it is asked for.

How they end is in `relay.cli.exit_codes`.
"""

import importlib
import logging
import sys

import click

from relay.cli.exit_codes import ExitCode
from relay.core.errors import RelayError, SettingsError
from relay.core.version import VERSION

_COMMANDS = {
    "serve": "Run the relay.",
    "demo": "Run the demo: emulator, relay and shop.",
    "emulator": "Run only the local Amazon Personalize.",
    "check": "Show the effective settings and every problem found.",
    "token": "Mint and look at tokens.",
    "tracker": "Make, look at, wait for and delete event trackers.",
    "setup": "From nothing to a running event tracker.",
    "put": "Put users, items, actions and past interactions from a file.",
    "spool": "Look at and repair the spool, also while the relay runs.",
    "session": "Show what a session did, and which calls it became.",
    "refusals": "Show why something was not taken, and what to do.",
    "lists": "Show what was seen, clicked and bought of each list.",
    "held": "Show what is held of a person: an access request.",
    "snippet": "Print the script tag.",
}
"""Name of each command → its one line. `relay.cli.NAME` holds it as `command`."""


class _LazyGroup(click.Group):
    """Imports a command's module only when that command runs: `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"relay.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="personalize-relay")
def command() -> None:
    """What people see and click on a website, into Amazon Personalize."""


def main() -> None:
    """Run the command; errors of ours are lines on stderr, never a traceback."""
    for library in ("aiobotocore", "botocore"):
        # What they warn of with a traceback is told in one line, or nobody's business; `serve` has a log for it.
        logging.getLogger(library).addHandler(logging.NullHandler())
    try:
        command(prog_name="personalize-relay")
    except SettingsError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(ExitCode.WRONG_USE)
    except RelayError as error:
        click.echo(str(error), err=True)
        sys.exit(ExitCode.FAILED)
