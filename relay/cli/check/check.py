"""`personalize-relay check`: what would be, and what is wrong with it."""

import asyncio
import os
import sys
from pathlib import Path

import click
from pydantic import SecretStr

from relay.cli.check.fit import fit_of
from relay.core.bundled import bundled
from relay.core.errors import RelayError
from relay.core.setting_values import Rate
from relay.core.settings import PREFIX, Settings, Site
from relay.core.settings_loading import load_settings
from relay.personalize.clock_skew import MAX_SKEW_S, clock_skew_s
from relay.personalize.connection import connect
from relay.personalize.errors import PersonalizeError
from relay.personalize.trackers.event_trackers import find_tracker
from relay.web.listener import bounds
from relay.web.listener.open_files import raise_limit, room
from relay.web.routes.client_address import ClientAddress
from relay.web.routes.snippet_file import SnippetFile


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
    for line in local_warnings(settings):
        click.echo(f"warning: {line}", err=True)
    problems = local_problems(settings)
    if settings.sink == "personalize" and not offline:
        problems += asyncio.run(_aws_problems(settings))
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)


def effective(settings: Settings) -> list[str]:
    """One line a setting, secrets masked."""
    lines = [
        f"{PREFIX}{name.upper()}={_shown(getattr(settings, name))}"
        for name in type(settings).model_fields
        if name != "sites"
    ]
    for site, table in settings.sites.items():
        lines += [f"[sites.{site}] {name}={_shown(getattr(table, name))}" for name in Site.model_fields]
    return lines


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case Rate():
            return f"{value.per_s:g}/s"
        case SecretStr():
            return f"{'*' * 8} ({len(value.get_secret_value())} characters)"
        case tuple():
            return ",".join(_shown(one) for one in value)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - any setting
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def local_warnings(settings: Settings) -> list[str]:
    """What works, with less behind it than one may think."""
    lines = ClientAddress(header=settings.client_ip_header, trusted=settings.trusted_proxies).problems()
    files = raise_limit()
    connections = room(files, others=settings.max_in_flight)
    if connections >= bounds.MAX_CONNECTIONS:
        return lines
    line = (
        f"the process may open {files} files, so that the public listener holds {connections} connections of"
        f" {bounds.MAX_CONNECTIONS}; raise the limit (LimitNOFILE in systemd, ulimit -Hn in a shell)"
    )
    return [*lines, line]


def local_problems(settings: Settings) -> list[str]:
    """What this machine can tell by itself."""
    problems: list[str] = []
    try:
        SnippetFile(bundled("snippet"))
    except RelayError as error:
        problems.append(str(error))
    for variable, path in (
        ("RELAY_SPOOL_URL", settings.spool_url.removeprefix("sqlite:///")),
        ("RELAY_SINK", settings.sink.removeprefix("jsonl:")),
    ):
        if path not in ("memory:", "personalize"):
            problems += _file_problems(variable, Path(path))
    return problems


def _file_problems(variable: str, path: Path) -> list[str]:
    folder = path.absolute().parent
    if not folder.is_dir():
        return [f"{variable}: there is no folder {folder}; make it, or name another"]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"{variable}: the folder {folder} cannot be written to; let the relay's user write there"]
    if path.exists() and (path.is_dir() or not os.access(path, os.R_OK | os.W_OK)):
        return [f"{variable}: {path} cannot be read and written as a file"]
    return []


async def _aws_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    for region in sorted({site.region for site in settings.all_sites().values()}, key=str):
        names = [name for name, site in settings.all_sites().items() if site.region == region]
        try:
            async with connect(region=region) as connection:
                skew_s = await clock_skew_s(connection)
                if skew_s is not None and abs(skew_s) > MAX_SKEW_S:
                    problems.append(f"clock: {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} AWS; set it")
                for name in names:
                    tracking_id = settings.all_sites()[name].tracking_id
                    tracker = await find_tracker(connection, tracking_id)
                    if tracker is None:
                        problems.append(
                            f"site {name}: {connection.region} has no event tracker with the tracking id {tracking_id};"
                            " `personalize-relay tracker list` shows those it has"
                        )
                    elif tracker.status != "ACTIVE":
                        problems.append(
                            f"site {name}: the event tracker {tracker.name!r} is {tracker.status}, not ACTIVE;"
                            f" `personalize-relay tracker wait {tracker.event_tracker_arn}`"
                        )
                    else:
                        click.echo(f"site {name}: event tracker {tracker.name!r} is ACTIVE in {connection.region}")
                        fit = await fit_of(connection, tracker, settings, settings.all_sites()[name])
                        problems += [f"site {name}: {line}" for line in fit.problems]
                        for line in fit.warnings:
                            click.echo(f"warning: site {name}: {line}", err=True)
        except PersonalizeError as error:
            problems.append(f"AWS ({', '.join(names)}): {' '.join(str(error).split())}")
    return problems
