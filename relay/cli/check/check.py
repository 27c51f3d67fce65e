"""`personalize-relay check`: what would be, and what is wrong with it."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from relay.cli.check.aws import aws_problems
from relay.cli.check.effective import effective
from relay.cli.check.local import local_problems, local_warnings, spool_findings
from relay.cli.check.page import look_at
from relay.cli.check.running import look_at_running
from relay.cli.exit_codes import ExitCode
from relay.cli.screen import harmless
from relay.core.clock import SystemClock
from relay.core.errors import SettingsError
from relay.core.settings_loading import load_settings, load_sound_settings


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file; default relay.toml, if there is one.",
)
@click.option("--offline", is_flag=True, help="Ask nothing of AWS.")
@click.option(
    "--page", metavar="URL", help="Only look whether the snippet is installed right on this page of the shop."
)
@click.option(
    "--browser", is_flag=True, help="With --page: open it in a local Chromium, too, and tell what is seen and sent."
)
def command(config: Path | None, offline: bool, page: str | None, browser: bool) -> None:
    """Show the effective settings and every problem found.

    Looks at the settings, the spool's folder, the snippet, and, with the sink `personalize`, at credentials, event
    trackers, the datasets behind them and the clock; and asks the relay that runs with these settings, if one does,
    what it says of itself. Settings go to stdout, problems to stderr, one line each, and so
    do warnings: what works, but Personalize will make little of. Where settings are wrong or missing, it looks at the
    rest without them. Exits 0 without problems, with or without warnings, 2 when the settings are not usable, 1 for
    the rest.

    With --page it looks at a page instead: the tag, the script and its hash, the token, the origin, the content
    security policy, lists, items and values, and names that ad blockers stop. The settings are those of the relay
    that the page sends to.
    """
    if browser and page is None:
        raise click.UsageError("--browser opens the page of --page; name one")
    wrong: list[str] = []
    try:
        settings = load_settings(config=config)
    except SettingsError as error:
        if page is not None:
            raise
        settings, wrong = load_sound_settings(config=config), error.problems
    if page is not None:
        findings = asyncio.run(look_at(page, settings=settings, clock=SystemClock(), browser=browser))
        for line in findings.good:
            click.echo(line)
        _end(findings.warnings, findings.problems)
    for line in () if wrong else effective(settings):
        click.echo(line)
    clock = SystemClock()
    spool = spool_findings(settings, clock)
    for line in spool.facts:
        click.echo(f"spool: {harmless(line)}")
    problems = local_problems(settings, clock) + [harmless(line) for line in spool.problems]
    running = look_at_running(settings)
    warnings = [*(harmless(line) for line in spool.warnings), *running.warnings]
    if not spool.problems and not wrong:
        warnings += local_warnings(settings, clock)
    if settings.sink == "personalize" and not offline:
        problems += asyncio.run(aws_problems(settings, running.sent))
    _end(warnings, problems, wrong)


def _end(warnings: Sequence[str], problems: Sequence[str], wrong: Sequence[str] = ()) -> NoReturn:
    for line in warnings:
        click.echo(f"warning: {line}", err=True)
    for line in (*wrong, *problems):
        click.echo(line, err=True)
    sys.exit(ExitCode.WRONG_USE if wrong else ExitCode.FAILED if problems else ExitCode.DONE)
