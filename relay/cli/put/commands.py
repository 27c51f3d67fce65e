"""`personalize-relay put`: users, items and actions from a file into their dataset."""

import asyncio
import contextlib
import random
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import click
import msgspec

from relay.cli.aws import run
from relay.cli.put.interactions import interactions
from relay.cli.put.progress import file_progress
from relay.cli.put.row_options import with_pace, with_row_options
from relay.cli.signals import stop_on_signals
from relay.core.limits import PUT_RECORDS_CALLS_PER_S
from relay.personalize.connection import connect
from relay.personalize.put.catalog import CATALOG_KINDS, CatalogKind
from relay.personalize.put.put_file import FileToPut, PutResult, put_file, schema_for
from relay.personalize.put.rows import known_size
from relay.personalize.schema.columns import parse_schema
from relay.sink.personalize.sink import PersonalizeSink

_DEADLINE_S: Final = 20.0


@click.group()
def command() -> None:
    """Put users, items, actions and past interactions from a file.

    FILE is CSV with the column names in its first line, or JSON: an object a line, or an array of objects; in UTF-8,
    in UTF-16 with its mark, or packed with gzip. - is standard input. Run the same command again to go on after Ctrl-C
    or a crash. Refused rows are in FILE.rejected.jsonl with the reason.
    """


def _catalog_command(kind: CatalogKind) -> click.Command:
    @click.command(
        name=kind.plural,
        help=f"Put {kind.plural} from FILE into a dataset. A record replaces the whole {kind.plural[:-1]} of its id.",
        epilog="Exits 0 when done (refused rows are told), 1 stopped or failed, 2 wrong use, 3 all was sent before.",
    )
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
    @click.option("--dataset-arn", required=True, help=f"The {kind.dataset_type} dataset.")
    @with_pace(PUT_RECORDS_CALLS_PER_S, "The service's quota is 10; for the emulator and for sharing the quota.")
    @with_row_options
    def put(**options: Any) -> None:
        _put(kind, **options)

    return put


def _put(
    kind: CatalogKind,
    *,
    file: str,
    dataset_arn: str,
    file_format: Literal["csv", "jsonl"] | None,
    delimiter: str | None,
    null: tuple[str, ...],
    ignore_unknown: bool,
    restart: bool,
    schema_file: Path | None,
    calls_per_s: float,
    as_json: bool,
) -> None:
    path = None if file == "-" else Path(file)
    stream = _reader(path)
    size_bytes = None if path is None else known_size(stream)
    schema_text = None if schema_file is None else schema_file.read_bytes()
    rejected_path = Path("stdin.rejected.jsonl") if path is None else path.with_name(path.name + ".rejected.jsonl")

    async def work() -> PutResult:
        stop = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            connection = await stack.enter_async_context(connect())
            schema = (
                parse_schema(schema_text)
                if schema_text is not None
                else await schema_for(connection, kind, dataset_arn)
            )
            sink = await stack.enter_async_context(PersonalizeSink(deadline_s=_DEADLINE_S, clock=connection.clock))
            stop_on_signals(stop)
            name = "standard input" if path is None else path.name
            watcher = stack.enter_context(file_progress(name, size_bytes, connection.clock))
            return await put_file(
                kind,
                dataset_arn,
                FileToPut(
                    path=path,
                    stream=stream,
                    rejected_path=rejected_path,
                    file_format=file_format,
                    delimiter=delimiter,
                    null=frozenset(null),
                ),
                schema=schema,
                sink=sink,
                clock=connection.clock,
                stop=stop,
                ignore_unknown=ignore_unknown,
                restart=restart,
                calls_per_s=calls_per_s,
                chance=random.Random(),  # noqa: S311 - jitter, not a secret
                watcher=watcher,
            )

    result = run(work)
    if as_json:
        click.echo(msgspec.json.encode(result).decode())
    _tell(result, kind, rejected_path, resumable=path is not None)


def _reader(path: Path | None) -> BinaryIO:
    # Standard input gets a reader of its own that nothing closes: closing one a thread still waits in aborts Python.
    return open(0, "rb", closefd=False) if path is None else path.open("rb")


def _tell(result: PutResult, kind: CatalogKind, rejected_path: Path, *, resumable: bool) -> None:
    refused = f", {result.rejected:,} refused (see {rejected_path})" if result.rejected else ""
    figures = f"{result.rows:,} rows: {result.sent:,} {kind.plural} sent{refused}"
    if result.already_done:
        click.echo(f"Nothing to do, all of it was sent before: {figures}. --restart sends it again.", err=True)
        sys.exit(3)
    if not result.done:
        again = "Run the same command to go on there." if resumable else ""
        click.echo(f"Stopped after {figures}. {again}".rstrip(), err=True)
        sys.exit(1)
    click.echo(f"Done, {figures}.", err=True)
    if result.rejected and not result.sent:
        sys.exit(1)


for _kind in CATALOG_KINDS.values():
    command.add_command(_catalog_command(_kind))
command.add_command(interactions)
