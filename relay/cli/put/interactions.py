"""`personalize-relay put interactions`: past events through the same spool and dispatcher as the relay's."""

import asyncio
import contextlib
import itertools
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click
import msgspec

from relay.cli.aws import run
from relay.cli.put.progress import file_progress, tell_notice
from relay.cli.put.row_options import with_pace, with_row_options
from relay.cli.signals import stop_on_signals
from relay.compose.spool import SpoolOptions, open_spool
from relay.core.clock import Clock, SystemClock
from relay.core.errors import SettingsError
from relay.core.limits import MAX_ID_CHARS, PUT_EVENTS_PER_S
from relay.core.model import NewRecord, Operation, Reason, SessionKey
from relay.core.telemetry import Metrics
from relay.delivery.dispatcher import Dispatcher
from relay.personalize.connection import Connection, connect
from relay.personalize.errors import BadFileError, PersonalizeError, ResourceNotFoundError
from relay.personalize.history.past_events import HistoryRows, PastEvent
from relay.personalize.put.cells import Cells
from relay.personalize.put.chunks import RefusedRow, whole_rows
from relay.personalize.put.journal import Journal, Progress, load
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.put_file import Watcher
from relay.personalize.put.rows import Row, RowReader, known_size
from relay.personalize.schema.columns import Schema, guesses, parse_schema
from relay.personalize.schema.fit import target_of
from relay.personalize.trackers.event_trackers import find_tracker
from relay.sink.personalize.sink import PersonalizeSink
from relay.spool.contract import Spool
from relay.wire.event import BeaconEvent, entry, have_saying_ids
from relay.wire.fields import Drop

_ROWS_AT_ONCE = 500
"""Rows put on disk by one commit."""
_MAX_PENDING = 50_000
"""Events in the spool at most; reading waits while there are more."""
_MAX_SPOOL_BYTES = 1 << 30
_IN_FLIGHT = 32
_DEADLINE_S = 20.0
_LOOK_EVERY_S = 0.1
_DRAIN_S = 5.0
_PATIENCE_S = 60.0
_OPERATION = Operation.PUT_EVENTS


class HistoryPut(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a run did."""

    rows: int
    taken: int
    rejected: int
    delivered: int
    buried: int
    pending: int
    done: bool
    already_done: bool = False


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--tracking-id",
    envvar="RELAY_TRACKING_ID",
    show_envvar=True,
    required=True,
    help="Of the event tracker that is to take them.",
)
@click.option("--event-type", metavar="T", help="Type of the rows that have none, as of a file without EVENT_TYPE.")
@with_pace(PUT_EVENTS_PER_S, "Share the dataset group's quota with the relay that runs.")
@with_row_options
def interactions(
    *,
    file: Path,
    tracking_id: str,
    file_format: Literal["csv", "jsonl"] | None,
    delimiter: str | None,
    null: tuple[str, ...],
    event_type: str | None,
    ignore_unknown: bool,
    restart: bool,
    schema_file: Path | None,
    calls_per_s: float,
    as_json: bool,
) -> None:
    """Send past events from FILE, each with its own time, through a spool and the dispatcher.

    FILE is CSV, or JSON as `put` says. Columns as in an interactions file of Personalize: USER_ID, ITEM_ID, TIMESTAMP
    in seconds, EVENT_TYPE, and what the schema has besides; or what `spool export --ids` wrote: SESSION_ID, EVENT_ID
    and PROPERTIES, a JSON object, too. The spool is FILE.spool.db.
    """
    if tracking_id.startswith("arn:"):
        message = "that is an ARN; the tracking id is what `tracker describe` calls trackingId"
        raise click.BadParameter(message, param_hint="--tracking-id")
    if event_type is not None and not 1 <= len(event_type.strip()) <= MAX_ID_CHARS:
        message = f"1 to {MAX_ID_CHARS} characters"
        raise click.BadParameter(message, param_hint="--event-type")
    schema_text = None if schema_file is None else schema_file.read_bytes()
    stream = file.open("rb")
    size_bytes = known_size(stream)

    async def work() -> HistoryPut:
        async with connect() as connection:
            schema = parse_schema(schema_text) if schema_text else await _schema_of(connection, tracking_id)
        reader = RowReader(stream, file_format, name=file.name, delimiter=delimiter)
        reader.start()
        cells = Cells(null=null, notice=tell_notice)
        rows = HistoryRows(
            schema, reader.file_format, cells=cells, event_type=event_type, ignore_unknown=ignore_unknown
        )
        if reader.file_format == "csv" and (problems := rows.header_problems(reader.header)):
            raise SettingsError(problems)
        for line in guesses(schema.columns):
            tell_notice(line)
        replay = _Replay(file, tracking_id, rows, reader, calls_per_s=calls_per_s, clock=SystemClock())
        return await replay.run(restart=restart, size_bytes=size_bytes)

    result = run(work)
    if as_json:
        click.echo(msgspec.json.encode(result).decode())
    _tell(result, file)


class _Replay:
    """One run over one file."""

    def __init__(
        self, file: Path, tracking_id: str, rows: HistoryRows, reader: RowReader, *, calls_per_s: float, clock: Clock
    ) -> None:
        self._file = file
        self._tracking_id = tracking_id
        self._rows = rows
        self._reader = reader
        self._calls_per_s = calls_per_s
        self._clock = clock
        self._stop = asyncio.Event()

    async def run(self, *, restart: bool, size_bytes: int | None) -> HistoryPut:
        before = load(_beside(self._file, "put.json"), operation=_OPERATION, target=self._tracking_id, restart=restart)
        if before.rows and not self._reader.skip_to(before.offset, before.rows, before.sha256):
            message = (
                f"{self._file} is not the file an earlier run began to send; --restart sends it from the beginning"
            )
            raise BadFileError(message)
        async with contextlib.AsyncExitStack() as stack:
            spool = await stack.enter_async_context(
                open_spool(_spool_url(self._file), SpoolOptions(max_bytes=_MAX_SPOOL_BYTES), clock=self._clock)
            )
            rows = self._reader.rows()
            first = next(rows, None)
            if first is None and before.done and not spool.stats().pending:
                return _figures(spool, before, already_done=True)
            sink = await stack.enter_async_context(
                PersonalizeSink(max_in_flight=_IN_FLIGHT, deadline_s=_DEADLINE_S, clock=self._clock)
            )
            dispatcher = await stack.enter_async_context(
                Dispatcher(
                    spool,
                    sink,
                    clock=self._clock,
                    metrics=Metrics(),
                    random=random.Random(),  # noqa: S311 - jitter, not a secret
                    max_in_flight=_IN_FLIGHT,
                    calls_per_s=self._calls_per_s,
                    trusts_who_took=True,
                )
            )
            stop_on_signals(self._stop)
            watcher = stack.enter_context(file_progress(self._file.name, size_bytes, self._clock))
            journal = stack.enter_context(
                Journal(
                    state_path=_beside(self._file, "put.json"),
                    rejected_path=_beside(self._file, "rejected.jsonl"),
                    start=before,
                )
            )
            watcher.started(before)
            await self._take(itertools.chain([first] if first else [], rows), spool, dispatcher, journal, watcher)
            await self._until_pending(0, spool, dispatcher)
            if self._stop.is_set():
                await dispatcher.drain(_DRAIN_S)
            else:
                journal.finish()
            return _figures(spool, journal.progress)

    async def _take(
        self, rows: Iterator[Row], spool: Spool, dispatcher: Dispatcher, journal: Journal, watcher: Watcher
    ) -> None:
        """Put rows on disk, group by group; what the journal says was taken is in the spool for good."""
        while not self._stop.is_set() and (group := list(itertools.islice(whole_rows(rows), _ROWS_AT_ONCE))):
            records: list[NewRecord] = []
            refusals: list[RefusedRow] = []
            for row in group:
                event = self._rows.event(row)
                record = event if isinstance(event, RowProblem) else self._record(event)
                if isinstance(record, RowProblem):
                    refusals.append(RefusedRow(row, record))
                else:
                    records.append(record)
            if records:
                await spool.append(records)
            last = group[-1]
            journal.commit(end=last.end, sha256=last.sha256, rows=last.number, sent=len(records), refusals=refusals)
            watcher.settled(journal.progress)
            await self._until_pending(_MAX_PENDING, spool, dispatcher)

    def _record(self, event: PastEvent) -> NewRecord | RowProblem:
        """The very entry a beacon's event would become, but of any age."""
        try:
            typed = msgspec.convert(dict(event.fields), BeaconEvent)
        except msgspec.ValidationError as error:
            return RowProblem(Reason.TOO_LONG if "length" in str(error) else Reason.BAD_TYPE, str(error))
        if not have_saying_ids([typed]):
            return RowProblem(Reason.EMPTY, "an id is blank, or what a variable without a value turns into")
        at_ms = event.at_s * 1000
        dropped: list[Drop] = []
        body = entry(typed, event_id=event.event_id, skew_ms=0, now_ms=at_ms, max_age_ms=math.inf, dropped=dropped)
        # A file can be mended: what would be left out of an interaction that happens now refuses a row.
        reason = Reason.BAD_TIME if body is None else dropped[0].reason if dropped else None
        if body is None or reason is not None:
            return RowProblem(reason or Reason.BAD_TIME, f"the event is refused: {reason}")
        key = SessionKey(_OPERATION, self._tracking_id, event.session_id)
        return NewRecord(key, event.user_id, (event.event_id,), body, (len(body),))

    async def _until_pending(self, most: int, spool: Spool, dispatcher: Dispatcher) -> None:
        """Wait until no more than that many events wait to be delivered.

        Raises:
            PersonalizeError: the service takes nothing for a minute, with what keeps it from that.
        """
        least = math.inf
        moved_s = self._clock.monotonic_s()
        while (pending := spool.stats().pending) > most and not self._stop.is_set():
            if pending < least:
                least = pending
                moved_s = self._clock.monotonic_s()
            problems = dispatcher.problems()
            if problems and self._clock.monotonic_s() - moved_s > _PATIENCE_S:
                raise PersonalizeError(problems[0])
            await asyncio.sleep(_LOOK_EVERY_S)


async def _schema_of(connection: Connection, tracking_id: str) -> Schema:
    tracker = await find_tracker(connection, tracking_id)
    if tracker is None:
        message = f"no event tracker of this account and region has the tracking id {tracking_id!r}"
        raise ResourceNotFoundError(message)
    if tracker.status != "ACTIVE":
        message = f"event tracker {tracker.name!r} is {tracker.status}, not ACTIVE"
        raise PersonalizeError(message)
    return Schema((await target_of(connection, tracker)).columns)


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(f"{file.name}.{ending}")


def _spool_url(file: Path) -> str:
    return f"sqlite:///{_beside(file, 'spool.db')}"


def _figures(spool: Spool, progress: Progress, *, already_done: bool = False) -> HistoryPut:
    stats = spool.stats()
    return HistoryPut(
        rows=progress.rows,
        taken=progress.sent,
        rejected=progress.rejected,
        delivered=stats.delivered,
        buried=sum(stats.buried.values()),
        pending=stats.pending,
        done=progress.done and not stats.pending,
        already_done=already_done,
    )


def _tell(result: HistoryPut, file: Path) -> None:
    refused = f", {result.rejected:,} refused (see {_beside(file, 'rejected.jsonl')})" if result.rejected else ""
    figures = f"{result.rows:,} rows: {result.taken:,} events taken{refused}, {result.delivered:,} delivered"
    if result.buried:
        figures += f", {result.buried:,} buried (RELAY_SPOOL_URL={_spool_url(file)}, `spool buried`)"
    if result.already_done:
        click.echo(f"Nothing to do, all of it was sent before: {figures}. --restart sends it again.", err=True)
        sys.exit(3)
    if not result.done:
        again = f"{result.pending:,} wait in the spool; run the same command to go on."
        click.echo(f"Stopped after {figures}. {again}", err=True)
        sys.exit(1)
    click.echo(f"Done, {figures}.", err=True)
    if result.rejected and not result.taken:
        sys.exit(1)
