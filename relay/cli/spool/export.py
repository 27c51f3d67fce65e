"""`personalize-relay spool export`: events that wait, and those in the archive, as a file the service can import."""

import asyncio
import itertools
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Final, TextIO

import click

from relay.cli.screen import harmless
from relay.cli.spool.file import chosen_spool, with_spool
from relay.cli.spool.paging import each
from relay.personalize.history.interactions_file import Event, Survey, Written, columns_of, survey, write
from relay.personalize.schema.fit import MAX_METADATA_COLUMNS
from relay.spool.administration import Place

_NOTHING: Final = 3


@click.command()
@click.option("--csv", "as_csv", is_flag=True, required=True, help="As an interactions file of Personalize.")
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--tracking-id", help="Whose events, where the spool has those of several event trackers.")
@click.option(
    "--property",
    "names",
    multiple=True,
    metavar="NAME",
    help=f"A property that gets a column; may be given again. Default: the {MAX_METADATA_COLUMNS} most frequent.",
)
@click.option(
    "--ids",
    is_flag=True,
    help="For `put interactions`: also SESSION_ID, EVENT_ID, and all properties in one column PROPERTIES.",
)
@click.option("--anonymous", is_flag=True, help="The session id stands for the user where there is none.")
@click.option("--no-archive", is_flag=True, help="Only what was not delivered, also where there is an archive.")
@with_spool
def export(
    *,
    as_csv: bool,
    file: Path,
    tracking_id: str | None,
    names: tuple[str, ...],
    ids: bool,
    anonymous: bool,
    no_archive: bool,
    spool: str | None,
    config: Path | None,
) -> None:
    """Write delivered, buried and pending events to FILE, or to standard output.

    Delivered ones as far as the relay's archive has them (RELAY_ARCHIVE_BYTES; off by default).

    Events of a session belong to its user, also those from before the login. With --ids the file has every event as it
    is. Else left out are events without an item, and without a user unless --anonymous keeps them; an item or a value
    among the properties counts where the event has none beside them. The events stay in the spool. Exits 3 when there
    are none.
    """
    del as_csv  # the only format
    found = chosen_spool(spool, config)
    # The oldest first: whoever reads the file wants the order of time.
    places: Sequence[Place] = ("buried", "pending") if no_archive else ("archived", "buried", "pending")
    with asyncio.Runner() as runner:
        targets = runner.run(found.targets(places))
        if tracking_id is None and len(targets) > 1:
            message = "the spool has events of several event trackers; choose one: " + ", ".join(
                map(harmless, sorted(targets))
            )
            raise click.BadParameter(message, param_hint="--tracking-id")
        target = tracking_id or next(iter(targets), None)
        if target is None or target not in targets:
            click.echo("Nothing to export: no event is pending, buried or archived.", err=True)
            sys.exit(_NOTHING)

        def kept() -> Iterator[Event]:
            return itertools.chain.from_iterable([each(runner, found.events(target, place)) for place in places])

        known = survey(kept(), runner.run(found.users_of_sessions(target)))
        chosen = list(names) or (None if ids else known.columns(MAX_METADATA_COLUMNS))
        try:
            with _opened(file) as out:
                done = write(out, kept(), known, names=chosen, ids=ids, anonymous=anonymous)
        except OSError as error:
            click.echo(f"{file}: {error.strerror}", err=True)
            sys.exit(1)
        _tell(done, known, chosen)


@contextmanager
def _opened(file: Path) -> Generator[TextIO]:
    if str(file) == "-":
        out = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
        yield out
        out.detach()
        return
    # Who did what is in it: for the one who made it only.
    with open(file, "w", encoding="utf-8", newline="", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
        yield out


def _tell(done: Written, known: Survey, chosen: list[str] | None) -> None:
    left_out = [
        f"{count:,} {why}"
        for count, why in (
            (done.without_user, "without a user (--ids or --anonymous keeps them)"),
            (done.without_item, "without an item"),
            (done.repeated, "repeated"),
            (done.unreadable, "damaged"),
        )
        if count
    ]
    click.echo(f"{done.rows:,} rows written; left out: {', '.join(left_out) or 'none'}.", err=True)
    if chosen is None:
        return
    kept = {name for names in columns_of(chosen).values() for name in names}
    others = sorted(known.names.keys() - kept)
    if others:
        some = ", ".join(harmless(name) for name in others[:10]) + (", …" if len(others) > 10 else "")
        click.echo(f"Properties without a column: {some}; --property NAME chooses.", err=True)
