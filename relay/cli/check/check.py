"""`personalize-relay check`: what would be, and what is wrong with it."""

import asyncio
import sys
from pathlib import Path

import click

from relay.cli.check.aws import aws_problems
from relay.cli.check.effective import effective
from relay.cli.check.local import local_problems, local_warnings
from relay.core.clock import SystemClock
from relay.core.settings_loading import load_settings


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file; default relay.toml, if there is one.",
)
@click.option("--offline", is_flag=True, help="Ask nothing of AWS.")
def command(config: Path | None, offline: bool) -> None:
    """Show the effective settings and every problem found.

    Looks at the settings, the spool's folder, the snippet, and, with the sink `personalize`, at credentials, event
    trackers, the datasets behind them and the clock. Settings go to stdout, problems to stderr, one line each, and so
    do warnings: what works, but Personalize will make little of. Exits 0 without problems, with or without warnings,
    2 when the settings are not usable, 1 for the rest.
    """
    settings = load_settings(config=config)
    for line in effective(settings):
        click.echo(line)
    problems = local_problems(settings, SystemClock())
    for line in local_warnings(settings):
        click.echo(f"warning: {line}", err=True)
    if settings.sink == "personalize" and not offline:
        problems += asyncio.run(aws_problems(settings))
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)
