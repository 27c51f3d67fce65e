"""A whole file of users, items or actions into its dataset: read, checked, sent, and resumed."""

import asyncio
import random
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from relay.core.clock import Clock
from relay.core.errors import SettingsError
from relay.core.limits import PUT_RECORDS_CALLS_PER_S
from relay.personalize.connection import Connection
from relay.personalize.errors import BadFileError, InvalidInputError, PersonalizeError
from relay.personalize.put.catalog import CatalogKind, CatalogRows
from relay.personalize.put.cells import Cells
from relay.personalize.put.chunks import Chunk, ChunkReader
from relay.personalize.put.journal import Journal, Progress, load
from relay.personalize.put.rows import Format, RowReader
from relay.personalize.put.upload import Uploader
from relay.personalize.schema.columns import Schema, guesses
from relay.personalize.schema.datasets import describe_dataset, describe_schema
from relay.sink.base import Sink

Result = TypeVar("Result")


class FileToPut(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows are, and how they are written."""

    path: Path | None
    """None: `stream` is standard input, which cannot be resumed."""
    stream: BinaryIO
    """At its beginning."""
    rejected_path: Path
    file_format: Format | None = None
    """None: by the name of the file, else by how it begins."""
    delimiter: str | None = None
    """Between the cells of CSV; None: as its first line says (`sep=;`), a tab in `.tsv`, else a comma."""
    null: frozenset[str] = frozenset()
    """Cells that mean nothing is there, besides empty ones."""

    @property
    def state_path(self) -> Path | None:
        """Where an earlier run left how far it came."""
        return None if self.path is None else self.path.with_name(self.path.name + ".put.json")


class PutResult(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a run did, and where the file stands."""

    rows: int
    """Rows settled, of all runs together."""
    sent: int
    rejected: int
    done: bool
    """False: stopped before the end."""
    already_done: bool = False
    """An earlier run had sent all of it; this one did nothing."""
    rows_of_earlier_runs: int = 0
    calls: int = 0
    throttled: int = 0


class Watcher:
    """Told what happens; does nothing."""

    def started(self, progress: Progress) -> None:
        """Reading begins, behind what earlier runs settled."""

    def settled(self, progress: Progress) -> None:
        """Some more rows are settled."""

    def noticed(self, line: str) -> None:
        """A person should know this of the file; once a column."""


async def schema_for(connection: Connection, kind: CatalogKind, dataset_arn: str) -> Schema:
    """The schema of the dataset one wants to put into, if one can.

    Raises:
        InvalidInputError: the dataset is of another type.
        PersonalizeError: it is not ACTIVE, not there, or may not be described.
    """
    dataset = await describe_dataset(connection, dataset_arn)
    if dataset.dataset_type.lower() != kind.dataset_type.lower():
        message = f"{dataset_arn} is a dataset of type {dataset.dataset_type}, not {kind.dataset_type}"
        raise InvalidInputError(message)
    if dataset.status != "ACTIVE":
        message = f"the dataset {dataset.name!r} is {dataset.status}, not ACTIVE; try again when it is"
        raise PersonalizeError(message)
    return await describe_schema(connection, dataset.schema_arn)


async def put_file(
    kind: CatalogKind,
    dataset_arn: str,
    file: FileToPut,
    *,
    schema: Schema,
    sink: Sink,
    clock: Clock,
    stop: asyncio.Event,
    ignore_unknown: bool = False,
    restart: bool = False,
    calls_per_s: float = PUT_RECORDS_CALLS_PER_S,
    chance: random.Random,
    watcher: Watcher | None = None,
) -> PutResult:
    """Put the rows of a file into a dataset, from where an earlier run ended.

    Memory does not grow with the file. Rows that cannot be sent, and rows the service refuses, are written
    to `file.rejected_path` with the reason.

    Args:
        kind: Users, items or actions.
        dataset_arn: Where they go.
        file: Where they are.
        schema: Of the dataset; see `schema_for`.
        sink: Makes the calls; `relay.sink.personalize.sink.PersonalizeSink`.
        clock: For the pace.
        stop: Set it to end early; what is in flight is settled first.
        ignore_unknown: Leave out what the schema has no column for, instead of refusing it.
        restart: Forget what an earlier run did.
        calls_per_s: The quota.
        chance: For the jitter of pauses.
        watcher: Told how far it is.

    Raises:
        SettingsError: the columns of the file do not suit the schema.
        InvalidInputError: the file is not the one an earlier run began with.
        PersonalizeError: the service does not let us; run it again to go on.
    """
    watcher = watcher or Watcher()
    cells = Cells(null=file.null, notice=watcher.noticed)
    catalog = CatalogRows(kind, schema, cells=cells, ignore_unknown=ignore_unknown)
    fresh = Progress(operation=kind.operation, target=dataset_arn)
    before = (
        load(file.state_path, operation=kind.operation, target=dataset_arn, restart=restart)
        if file.state_path
        else fresh
    )
    name = file.path.name if file.path else ""
    reader = RowReader(file.stream, file.file_format, name=name, delimiter=file.delimiter)
    await _unless(stop, reader.start)
    if stop.is_set():
        return PutResult(rows=before.rows, sent=before.sent, rejected=before.rejected, done=False)
    if reader.file_format == "csv" and (problems := catalog.header_problems(reader.header)):
        raise SettingsError(problems)
    named = [schema.column(name) for name in reader.header] if reader.header else schema.columns
    for line in guesses(column for column in named if column and column.name != kind.id_column):
        watcher.noticed(line)
    if before.rows and not await _in_thread(partial(reader.skip_to, before.offset, before.rows, before.sha256)):
        message = f"{file.path} is not the file an earlier run began to send; --restart sends it from the beginning"
        raise BadFileError(message)
    chunks = ChunkReader(reader.rows(), catalog, reader.file_format)
    first = await _unless(stop, chunks.next)
    if first is None and before.done:
        return PutResult(rows=before.rows, sent=before.sent, rejected=before.rejected, done=True, already_done=True)

    uploader = Uploader(
        sink=sink,
        kind=kind,
        dataset_arn=dataset_arn,
        clock=clock,
        chance=chance,
        calls_per_s=calls_per_s,
    )
    pending = first

    async def read() -> Chunk | None:
        nonlocal pending
        if pending is not None:
            chunk, pending = pending, None
            return chunk
        return await _unless(stop, chunks.next)

    with Journal(state_path=file.state_path, rejected_path=file.rejected_path, start=before) as journal:
        watcher.started(before)
        stopping = asyncio.create_task(_when(stop, uploader.stop))
        try:
            done = await uploader.run(read, journal, lambda _: watcher.settled(journal.progress))
        finally:
            stopping.cancel()
        now = journal.progress
    return PutResult(
        rows=now.rows,
        sent=now.sent,
        rejected=now.rejected,
        done=done,
        rows_of_earlier_runs=before.rows,
        calls=uploader.counts.calls,
        throttled=uploader.counts.throttled,
    )


async def _when(event: asyncio.Event, act: Callable[[], None]) -> None:
    await event.wait()
    act()


async def _unless(stop: asyncio.Event, work: Callable[[], Result | None]) -> Result | None:
    """What the work returns, or None as soon as one is to stop: a read of a pipe may take for ever."""
    working = asyncio.ensure_future(_in_thread(work))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    return None


async def _in_thread(work: Callable[[], Result]) -> Result:
    """Run blocking work on a thread of its own, which does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - no error, so it is one

    def target() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - handed to who waits
            loop.call_soon_threadsafe(settle, None, error)
        else:
            loop.call_soon_threadsafe(settle, result, None)

    threading.Thread(target=target, daemon=True, name="rows").start()
    return await future
