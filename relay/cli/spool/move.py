"""`personalize-relay spool move` and `spool migrate`: from one spool to another, from one version to the next."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from relay.cli.screen import harmless
from relay.cli.spool.file import named_spool, with_spool
from relay.core.clock import SystemClock
from relay.spool.administration import SpoolAdministration
from relay.spool.move import MovedNow
from relay.spool.move import move as move_into

_NOTHING: Final = 3
_TELL_EVERY_S: Final = 1.0


@click.command()
@click.option("--to", "url", required=True, metavar="URL", help="The other spool, or its file; it is made if need be.")
@with_spool
def move(*, url: str, spool: str | None, config: Path | None) -> None:
    """Put everything of this spool into another one.

    Erased users, bindings, what waits with its order, times and users, what is buried, and the totals. Stop the relay
    of this spool first. May be run again: it goes on where it was. What is the other spool's stays: whose session is
    whose, and who is erased. Afterwards this spool has another name, FILE.moved, and its archive with it: remove it
    once you need it no more. Exits 3 when all of it was moved before.
    """
    source, target = named_spool(spool, config), named_spool(url, config)
    if source.name == target.name:
        message = "that is the same spool"
        raise click.BadParameter(message, param_hint="--to")
    asyncio.run(_move(source, target))


async def _move(source: SpoolAdministration, target: SpoolAdministration) -> None:
    if not await source.is_there():
        if (left := await source.retired()) is not None:
            click.echo(f"Nothing to move: all of it was moved before, {left} is left.", err=True)
            sys.exit(_NOTHING)
        await source.status()  # says that there is none
    watcher = _Watcher()
    async with source.source() as from_it, target.target() as into_it:
        done = await move_into(from_it, into_it, told=watcher.tell)
        from_it.retire()
    click.echo(f"{_figures(done)} are in {harmless(target.name)} now.", err=True)
    if (left := await source.retired()) is not None:
        click.echo(f"What was here is {harmless(left)}; remove it once you need it no more.", err=True)


class _Watcher:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._said_s = self._clock.monotonic_s()

    def tell(self, now: MovedNow) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._said_s >= _TELL_EVERY_S:
            self._said_s = now_s
            click.echo(f"{_figures(now)} so far", err=True)


def _figures(now: MovedNow) -> str:
    left_out = f" ({now.left_out:,} of erased users left out)" if now.left_out else ""
    return f"{now.pending:,} events that wait{left_out}, {now.buried:,} buried, {now.bindings:,} bindings"


@click.command()
@with_spool
def migrate(*, spool: str | None, config: Path | None) -> None:
    """Make the spool, or bring it up to this version. Exits 3 when it already is so.

    `serve` does the same when it starts, where it may.
    """
    found = named_spool(spool, config)
    if not asyncio.run(found.migrate()):
        click.echo(f"Nothing to do: {harmless(found.name)} is of this version.", err=True)
        sys.exit(_NOTHING)
    click.echo(f"{harmless(found.name)} is of this version now.", err=True)
