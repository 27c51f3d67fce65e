"""`personalize-relay tracker`: event trackers, made, looked at, waited for, deleted."""

import sys
from collections.abc import Sequence

import click
import msgspec

from relay.cli.aws import run, status_line
from relay.cli.exit_codes import ExitCode
from relay.personalize.connection import connect
from relay.personalize.trackers import event_trackers
from relay.personalize.trackers.event_trackers import EventTracker, TrackerExistsError
from relay.personalize.trackers.states import DEFAULT_TIMEOUT_S

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON with the service's field names.")
_timeout = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    default=DEFAULT_TIMEOUT_S,
    show_default=True,
    help="Seconds to wait at most.",
)


@click.group()
def command() -> None:
    """Make, look at, wait for and delete event trackers.

    Region, credentials and endpoint come from the ordinary AWS variables and files.
    """


@command.command()
@click.option("--name", required=True, help="1 to 63 letters, digits, - and _.")
@click.option("--dataset-group-arn", required=True, help="Where the events go. A dataset group has one tracker.")
@click.option("--tag", "tags", multiple=True, metavar="K=V", help="A tag; may be given again.")
@click.option("--wait", is_flag=True, help="Come back when it is ACTIVE.")
@_timeout
@_as_json
def create(
    *, name: str, dataset_group_arn: str, tags: tuple[str, ...], wait: bool, timeout_s: float, as_json: bool
) -> None:
    """Make an event tracker and print its tracking id.

    Exits 3 when the dataset group has one already, and names it.
    """
    by_key = _parsed_tags(tags)

    async def work() -> EventTracker:
        async with connect() as connection:
            tracker = await event_trackers.create_tracker(
                connection, name=name, dataset_group_arn=dataset_group_arn, tags=by_key
            )
            if not wait:
                return tracker
            with status_line(f"event tracker {name}") as on_status:
                return await event_trackers.wait_until_active(
                    connection, tracker.event_tracker_arn, timeout_s=timeout_s, on_status=on_status
                )

    try:
        _show(run(work, passing=(TrackerExistsError,)), as_json)
    except TrackerExistsError as exists:
        click.echo(str(exists), err=True)
        _show(exists.tracker, as_json)
        sys.exit(ExitCode.NOTHING_TO_DO)


@command.command()
@click.argument("arn")
@_as_json
def describe(arn: str, as_json: bool) -> None:
    """Print an event tracker: tracking id, dataset group, status."""

    async def work() -> EventTracker:
        async with connect() as connection:
            return await event_trackers.describe_tracker(connection, arn)

    _show(run(work), as_json)


@command.command(name="list")
@click.option("--dataset-group-arn", help="Only that group's.")
@_as_json
def list_(dataset_group_arn: str | None, as_json: bool) -> None:
    """Print the event trackers of the region, with their tracking ids."""

    async def work() -> list[EventTracker]:
        async with connect() as connection:
            return await event_trackers.list_trackers(connection, dataset_group_arn)

    found = run(work)
    if as_json:
        _print_json(found)
    elif not found:
        click.echo("No event trackers.", err=True)
    else:
        rows = [("NAME", "TRACKING ID", "STATUS", "DATASET GROUP", "ARN")]
        rows += [
            (t.name, t.tracking_id, t.status, t.dataset_group_arn.rpartition("/")[2], t.event_tracker_arn)
            for t in found
        ]
        _print_columns(rows)


@command.command()
@click.argument("arn")
@_timeout
@_as_json
def wait(*, arn: str, timeout_s: float, as_json: bool) -> None:
    """Wait until an event tracker is ACTIVE."""

    async def work() -> EventTracker:
        async with connect() as connection:
            with status_line("event tracker") as on_status:
                return await event_trackers.wait_until_active(connection, arn, timeout_s=timeout_s, on_status=on_status)

    _show(run(work), as_json)


@command.command()
@click.argument("arn")
@click.option("--wait", is_flag=True, help="Come back when it is gone.")
@_timeout
@_as_json
def delete(*, arn: str, wait: bool, timeout_s: float, as_json: bool) -> None:
    """Delete an event tracker. What it recorded stays in the dataset."""

    async def work() -> str:
        async with connect() as connection:
            await event_trackers.delete_tracker(connection, arn)
            if not wait:
                return "DELETE PENDING"
            with status_line("event tracker") as on_status:
                await event_trackers.wait_until_gone(connection, arn, timeout_s=timeout_s, on_status=on_status)
            return "GONE"

    status = run(work)
    if as_json:
        _print_json({"eventTrackerArn": arn, "status": status})
    else:
        click.echo(f"{arn} is {'gone' if status == 'GONE' else 'being deleted'}.", err=True)


def _parsed_tags(tags: Sequence[str]) -> dict[str, str]:
    by_key: dict[str, str] = {}
    for tag in tags:
        key, separator, value = tag.partition("=")
        if not separator or not key:
            message = f"{tag!r} is not K=V"
            raise click.BadParameter(message, param_hint="--tag")
        if key in by_key:
            message = f"{key!r} is given twice"
            raise click.BadParameter(message, param_hint="--tag")
        by_key[key] = value
    return by_key


def _show(tracker: EventTracker, as_json: bool) -> None:
    if as_json:
        _print_json(tracker)
        return
    _print_columns(
        [
            ("Name", tracker.name),
            ("Tracking id", tracker.tracking_id),
            ("Status", tracker.status),
            ("Dataset group", tracker.dataset_group_arn),
            ("ARN", tracker.event_tracker_arn),
            *([("Made", tracker.creation_date_time.isoformat())] if tracker.creation_date_time else []),
            *([("Changed", tracker.last_updated_date_time.isoformat())] if tracker.last_updated_date_time else []),
        ]
    )


def _print_json(what: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(what), indent=2).decode())


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
