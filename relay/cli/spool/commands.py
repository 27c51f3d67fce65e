"""`personalize-relay spool`: look at the spool and repair it, also while the relay runs."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from relay.cli.screen import age, harmless, moment, print_json, print_table, size
from relay.cli.spool.choice import each_chunk, first_buried
from relay.cli.spool.deletion_csv import add_user
from relay.cli.spool.export import export
from relay.cli.spool.file import chosen_spool, with_spool
from relay.cli.spool.move import migrate, move
from relay.core.clock import SystemClock
from relay.core.model import SpoolStats
from relay.spool.administration import Buried, Overview

_CLOCK: Final = SystemClock()
_NOTHING: Final = 3
"""The exit code when it already is so."""
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_ids = click.IntRange(1, 2**63 - 1)
_reasons = click.option(
    "--reason",
    "reasons",
    multiple=True,
    metavar="R",
    help="Those buried for this, as `spool status` names it; may be given again.",
)


@click.group()
def command() -> None:
    """Look at the spool and repair it, also while the relay runs.

    The spool is that of --spool, else of RELAY_SPOOL_URL, else of the settings file. Run it as the relay's user.
    """


for each in (export, move, migrate):
    command.add_command(each)


@command.command()
@with_spool
@_as_json
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
@with_spool
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Records at most.")
@click.option("--after", type=click.IntRange(0, 2**63 - 1), default=0, help="Only those with a greater ID.")
@_reasons
@click.option("--show", is_flag=True, help="Also session, user and body: who did what.")
@_as_json
def buried(
    *,
    spool: str | None,
    config: Path | None,
    limit: int,
    after: int,
    reasons: tuple[str, ...],
    show: bool,
    as_json: bool,
) -> None:
    """List records that are kept but no longer tried, each with its reason."""
    there = chosen_spool(spool, config)
    found = asyncio.run(first_buried(there, limit=limit, after=after, reasons=reasons))
    if as_json:
        print_json([_buried_json(one, show=show) for one in found])
        return
    if not found:
        for_them = f" for {' or '.join(reasons)}" if reasons else ""
        click.echo(f"Nothing is buried{for_them}{f' after {after}' if after else ''}.", err=True)
        return
    rows = [(str(b.number), moment(b.buried_at_ms), b.operation, b.reason, b.event_id, b.message) for b in found]
    if show:
        for row, one in zip(rows, found, strict=True):
            print_table(("ID", "BURIED AT", "CALL", "REASON", "EVENT", "MESSAGE"), [row])
            click.echo(harmless(f"  session {one.session_id}  user {one.user_id or '-'}  target {one.target}"))
            click.echo(harmless("  " + one.body.decode(errors="replace")))
    else:
        print_table(("ID", "BURIED AT", "CALL", "REASON", "EVENT", "MESSAGE"), rows)
    if len(found) < limit:
        return
    kept = asyncio.run(there.status()).buried
    more = sum(n for reason, n in kept.items() if reason in (reasons or (reason,))) - len(found)
    if more > 0:
        click.echo(f"There are {more:,} others; --after {found[-1].number} goes on.", err=True)


@command.command()
@click.argument("ids", nargs=-1, type=_ids, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Whatever is buried.")
@_reasons
@with_spool
@_as_json
def replay(
    *,
    ids: tuple[int, ...],
    everything: bool,
    reasons: tuple[str, ...],
    spool: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Let buried records be tried again, at the end of their sessions.

    They get new IDs and count as accepted again. Damaged ones stay buried. Exits 3 when there was nothing to replay.
    """
    _one_choice(ids, everything=everything, reasons=reasons)
    found = chosen_spool(spool, config)
    if everything:
        count = asyncio.run(found.replay(None))
    else:
        count = asyncio.run(each_chunk(found, found.replay, ids=ids, reasons=reasons))
    _tell_count(count, len(set(ids)), "replayed", as_json=as_json)


@command.command()
@click.argument("ids", nargs=-1, type=_ids, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Whatever is buried.")
@_reasons
@click.option("--waiting-for", "target", metavar="ID", help="Instead: what waits for this tracking id or dataset.")
@with_spool
@_as_json
def discard(
    *,
    ids: tuple[int, ...],
    everything: bool,
    reasons: tuple[str, ...],
    target: str | None,
    spool: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Forget buried records for good, or all that waits for a tracker that is gone. Exits 3 when there is none."""
    if target is not None:
        if ids or everything or reasons:
            message = "--waiting-for is about what waits, the others about what is buried: name one of them"
            raise click.UsageError(message)
        _tell_discarded(asyncio.run(chosen_spool(spool, config).discard_waiting(target)), target, as_json=as_json)
        return
    _one_choice(ids, everything=everything, reasons=reasons)
    found = chosen_spool(spool, config)
    count = asyncio.run(each_chunk(found, found.discard, ids=ids, reasons=reasons))
    _tell_count(count, len(set(ids)), "discarded", as_json=as_json)


@command.command()
@click.option("--user", "user_id", help="User id, as Personalize knows it.")
@click.option("--session", "session_id", help="Session id.")
@click.option(
    "--deletion-csv",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the user into this file, for CreateDataDeletionJob; added to those that are in it.",
)
@with_spool
@_as_json
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


def _one_choice(ids: Sequence[int], *, everything: bool, reasons: Sequence[str]) -> None:
    if [bool(ids), everything, bool(reasons)].count(True) != 1:
        message = "name the IDs that `spool buried` lists, or --reason, or --all"
        raise click.UsageError(message)


def _tell_discarded(count: int, target: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"discarded": count})
    else:
        said = (
            f"{count:,} {'event' if count == 1 else 'events'} discarded"
            if count
            else "Nothing discarded: nothing waits"
        )
        click.echo(f"{said}{' that waited' if count else ''} for {harmless(target)}.", err=True)
    if not count:
        sys.exit(_NOTHING)


def _tell_count(count: int, asked: int, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json({done: count})
    elif not count:
        click.echo(f"Nothing {done}: {'none of these is' if asked else 'nothing is'} buried and intact.", err=True)
    else:
        rest = f", {asked - count:,} of these {'is' if asked - count == 1 else 'are'} not buried, or damaged"
        click.echo(f"{count:,} {_records(count)} {done}{rest if asked > count else ''}.", err=True)
    if not count:
        sys.exit(_NOTHING)


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


def _buried_json(one: Buried, *, show: bool) -> dict[str, object]:
    known: dict[str, object] = {
        "id": one.number,
        "operation": one.operation,
        "target": one.target,
        "eventId": one.event_id,
        "reason": one.reason,
        "message": one.message,
        "acceptedAtMs": one.accepted_at_ms,
        "buriedAtMs": one.buried_at_ms,
    }
    if show:
        known |= {"sessionId": one.session_id, "userId": one.user_id, "body": one.body.decode(errors="replace")}
    return known
