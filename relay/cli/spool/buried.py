"""What is buried: listed, sent again, or forgotten."""

import asyncio
import sys
from pathlib import Path

import click

from relay.cli.exit_codes import ExitCode
from relay.cli.screen import harmless, moment, print_json, print_table
from relay.cli.spool.choice import Choice, first_buried, for_reasons, with_choice, with_reasons
from relay.cli.spool.file import as_json_option, chosen_spool, with_spool
from relay.spool.administration import Buried


@click.command()
@with_spool
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Records at most.")
@click.option("--after", type=click.IntRange(0, 2**63 - 1), default=0, help="Only those with a greater ID.")
@with_reasons
@click.option("--show", is_flag=True, help="Also session, user and body: who did what.")
@as_json_option
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
        click.echo(f"Nothing is buried{for_reasons(reasons)}{f' after {after}' if after else ''}.", err=True)
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


@click.command()
@with_choice
@with_spool
@as_json_option
def replay(*, choice: Choice, spool: str | None, config: Path | None, as_json: bool) -> None:
    """Let buried records be tried again, at the end of their sessions.

    They get new IDs and count as accepted again. Damaged ones stay buried. Exits 3 when there was nothing to replay.
    """
    choice.check()
    found = chosen_spool(spool, config)
    work = found.replay(None) if choice.everything else choice.each_chunk(found, found.replay)
    _tell(asyncio.run(work), choice, "replayed", as_json=as_json)


@click.command()
@with_choice
@click.option("--waiting-for", "target", metavar="ID", help="Instead: what waits for this tracking id or dataset.")
@with_spool
@as_json_option
def discard(*, choice: Choice, target: str | None, spool: str | None, config: Path | None, as_json: bool) -> None:
    """Forget buried records for good, or all that waits for a tracker that is gone. Exits 3 when there is none."""
    if target is None:
        choice.check()
        found = chosen_spool(spool, config)
        _tell(asyncio.run(choice.each_chunk(found, found.discard)), choice, "discarded", as_json=as_json)
    elif choice.is_none:
        _tell_waiting(asyncio.run(chosen_spool(spool, config).discard_waiting(target)), target, as_json=as_json)
    else:
        message = "--waiting-for is about what waits, the others about what is buried: name one of them"
        raise click.UsageError(message)


def _tell(count: int, choice: Choice, done: str, *, as_json: bool) -> None:
    asked = len(set(choice.ids))
    if as_json:
        print_json({done: count})
    elif count:
        rest = f", {asked - count:,} of these {'is' if asked - count == 1 else 'are'} not buried, or damaged"
        click.echo(
            f"{count:,} {'record' if count == 1 else 'records'} {done}{rest if asked > count else ''}.", err=True
        )
    else:
        none = "none of these is" if asked else "nothing is"
        click.echo(f"Nothing {done}: {none} buried{choice.for_reasons} and intact.", err=True)
    if not count:
        sys.exit(ExitCode.NOTHING_TO_DO)


def _tell_waiting(count: int, target: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"discarded": count})
    elif count:
        click.echo(
            f"{count:,} {'event' if count == 1 else 'events'} discarded that waited for {harmless(target)}.", err=True
        )
    else:
        click.echo(f"Nothing discarded: nothing waits for {harmless(target)}.", err=True)
    if not count:
        sys.exit(ExitCode.NOTHING_TO_DO)


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
