"""`personalize-relay spool`: look at the spool and repair it, also while the relay runs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from relay.cli.screen import age, harmless, print_json, print_table, size
from relay.cli.spool.buried import buried, discard, replay
from relay.cli.spool.deletion_csv import add_user
from relay.cli.spool.export import export
from relay.cli.spool.file import as_json_option, chosen_spool, with_spool
from relay.cli.spool.move import migrate, move
from relay.core.clock import SystemClock
from relay.core.model import SpoolStats
from relay.spool.administration import Overview

_CLOCK: Final = SystemClock()


@click.group()
def command() -> None:
    """Look at the spool and repair it, also while the relay runs.

    The spool is that of --spool, else of RELAY_SPOOL_URL, else of the settings file. Run it as the relay's user.
    """


for each in (buried, replay, discard, export, move, migrate):
    command.add_command(each)


@command.command()
@with_spool
@as_json_option
def status(*, spool: str | None, config: Path | None, as_json: bool) -> None:
    """Print what is in the spool and what became of everything it ever took.

    Exits 0 also when something waits or is buried; --json is for those who want to be told.
    """
    found = chosen_spool(spool, config)
    now = asyncio.run(found.status())
    if as_json:
        print_json(_status_json(found.name, now))
        return
    stats = now.stats
    click.echo(harmless(f"{found.name}, {size(stats.size_bytes)}"))
    rows: list[Sequence[object]] = [
        ("accepted", stats.accepted, "put on disk and acknowledged, replays counted again"),
        ("delivered", stats.delivered, "taken by the service"),
        ("buried", sum(stats.buried.values()), f"given up on; {sum(now.buried.values()):,} of them are kept"),
        ("erased", stats.erased, "removed before they were sent"),
        ("pending", stats.pending, _oldest(stats)),
    ]
    print_table(("", "EVENTS", ""), rows, numbers=("EVENTS",))
    if now.waiting:
        click.echo()
        waits = [(one.operation, one.target, one.pending, _since(one.oldest_accepted_at_ms)) for one in now.waiting]
        print_table(("WAITING FOR", "TARGET", "RECORDS", "OLDEST"), waits, numbers=("RECORDS",))
    if now.buried:
        click.echo()
        print_table(("BURIED FOR", "KEPT"), list(now.buried.items()), numbers=("KEPT",))
        click.echo("`spool buried` lists them, `spool replay` sends them again.")
    click.echo(
        "\nWhy: `refusals`, `session ID` and `lists` ask the running relay; the pages of its admin listener show more."
    )


@command.command()
@click.option("--user", "user_id", help="User id, as Personalize knows it.")
@click.option("--session", "session_id", help="Session id.")
@click.option(
    "--deletion-csv",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the user into this file, for CreateDataDeletionJob; added to those that are in it.",
)
@with_spool
@as_json_option
def erase(
    *,
    user_id: str | None,
    session_id: str | None,
    deletion_csv: Path | None,
    spool: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Remove everything of a user, or of a session: pending, buried, archived, binding.

    A user stays refused for ten years, also by a relay that runs now; a session is not refused, only nobody's.
    What was delivered is at Amazon Personalize: CreateDataDeletionJob takes it away, and reads the file that
    --deletion-csv writes from S3. Exits 0 also when nothing was there.
    """
    if (user_id is None) == (session_id is None) or "" in (user_id, session_id):
        message = "name --user or --session, one of them"
        raise click.UsageError(message)
    if deletion_csv is not None:
        if user_id is None:
            message = "--deletion-csv goes with --user: the service deletes users"
            raise click.UsageError(message)
        add_user(deletion_csv, user_id)  # first: an erasure that is not passed on is worse than one passed on twice
    count = asyncio.run(chosen_spool(spool, config).erase(user_id=user_id, session_id=session_id))
    if as_json:
        print_json({"erased": count})
        return
    click.echo(f"{count:,} {_records(count)} erased.", err=True)
    if user_id is not None:
        click.echo("The user is refused from now on.", err=True)
    if deletion_csv is not None:
        click.echo(f"For CreateDataDeletionJob the user is in {deletion_csv}.", err=True)


def _records(count: int) -> str:
    return "record" if count == 1 else "records"


def _oldest(stats: SpoolStats) -> str:
    oldest_ms = stats.oldest_accepted_at_ms
    return "nothing waits" if oldest_ms is None else f"the oldest for {_since(oldest_ms)}"


def _since(at_ms: int) -> str:
    return age((_CLOCK.now_ms() - at_ms) / 1000)


def _status_json(name: str, now: Overview) -> dict[str, object]:
    stats = now.stats
    oldest_ms = stats.oldest_accepted_at_ms
    return {
        "path": name,
        "sizeBytes": stats.size_bytes,
        "accepted": stats.accepted,
        "delivered": stats.delivered,
        "buried": dict(stats.buried),
        "erased": stats.erased,
        "pending": stats.pending,
        "oldestAcceptedAtMs": oldest_ms,
        "oldestS": 0 if oldest_ms is None else max(0, _CLOCK.now_ms() - oldest_ms) / 1000,
        "buriedNow": dict(now.buried),
        "waiting": [
            {
                "operation": one.operation,
                "target": one.target,
                "pending": one.pending,
                "oldestAcceptedAtMs": one.oldest_accepted_at_ms,
            }
            for one in now.waiting
        ],
    }
