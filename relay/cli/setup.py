"""`personalize-relay setup`: from nothing to a running event tracker."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import click
import msgspec

from relay.cli.aws import run, status_line
from relay.cli.exit_codes import ExitCode
from relay.personalize.connection import connect
from relay.personalize.metric_attributions import COUNTS, MetricPlan, parse_metric
from relay.personalize.schema.ready_made import (
    Domain,
    action_interactions_schema,
    interactions_schema,
    items_schema,
)
from relay.personalize.setup import DatasetType, SetupPlan, SetupReport, Watch, checked_plan, set_up
from relay.personalize.trackers.states import DEFAULT_TIMEOUT_S

_READY = "ready"


@click.command()
@click.option("--name", required=True, help="Of the dataset group and the tracker; the rest is called NAME-...")
@click.option(
    "--domain",
    type=click.Choice(["e-commerce", "video", "custom"]),
    default="custom",
    show_default=True,
    help="Of the dataset group; cannot be changed later.",
)
@click.option(
    "--schema", type=click.Path(exists=True, dir_okay=False), help="Avro JSON of the interactions. Default: ready-made."
)
@click.option(
    "--items", metavar="ready|FILE", help="Also an items dataset, with a ready-made schema or one from a file."
)
@click.option("--users", type=click.Path(exists=True, dir_okay=False), help="Also a users dataset, with this schema.")
@click.option(
    "--actions", type=click.Path(exists=True, dir_okay=False), help="Also an actions dataset, with this schema."
)
@click.option(
    "--action-interactions",
    metavar="ready|FILE",
    help="Also an action interactions dataset; with --actions a ready-made one, unless FILE has the schema.",
)
@click.option(
    "--metric-attribution", is_flag=True, help="Also a metric attribution: what the service counts for each source."
)
@click.option(
    "--metric",
    "metrics",
    metavar="TYPE[=SUM(...)]",
    multiple=True,
    help="What it counts; again for more. Default: Click, View, AddToCart, Purchase. "
    "Purchase=SUM(Interactions.EVENT_VALUE) for a sum.",
)
@click.option(
    "--metric-role", metavar="ARN", default="", help="Who may write it to CloudWatch. Default: the role NAME-metrics."
)
@click.option("--metric-s3", metavar="s3://BUCKET/FOLDER/", default="", help="Where it is told in full, too.")
@click.option("--dry-run", is_flag=True, help="Look what is missing, make nothing.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    default=DEFAULT_TIMEOUT_S,
    show_default=True,
    help="Seconds to wait for each resource.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what is there as JSON.")
def command(
    *,
    name: str,
    domain: str,
    schema: str | None,
    items: str | None,
    users: str | None,
    actions: str | None,
    action_interactions: str | None,
    metric_attribution: bool,
    metrics: tuple[str, ...],
    metric_role: str,
    metric_s3: str,
    dry_run: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Make dataset group, schemas, datasets and event tracker, and wait until they are ACTIVE.

    What is there already is used: after Ctrl-C, run the same command again. Prints the settings for `serve`.
    Exits 3 when nothing was missing.
    """
    plan_domain = cast("Domain", domain)
    schemas: dict[DatasetType, str] = {"Interactions": _text(schema) if schema else interactions_schema()}
    if items:
        schemas["Items"] = items_schema(plan_domain) if items == _READY else _text(items)
    if users:
        schemas["Users"] = _text(users)
    if actions:
        schemas["Actions"] = _text(actions)
    if actions or action_interactions:
        own = action_interactions not in (None, _READY)
        schemas["Action_Interactions"] = _text(action_interactions or "") if own else action_interactions_schema()
    if not metric_attribution and (metrics or metric_role or metric_s3):
        raise click.UsageError("--metric, --metric-role and --metric-s3 are for --metric-attribution; name that, too")

    async def work() -> tuple[SetupReport, str]:
        metric_plan = _metric_plan(metrics, metric_role, metric_s3) if metric_attribution else None
        plan = checked_plan(SetupPlan(name=name, domain=plan_domain, schemas=schemas, metrics=metric_plan))
        async with connect() as connection:
            with _narrated(dry_run) as watch:
                report = await set_up(connection, plan, dry_run=dry_run, timeout_s=timeout_s, watch=watch)
            return report, connection.region

    report, region = run(work)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    elif report.event_tracker is not None and not (dry_run and report.made):
        _print_settings(report, region)
    if dry_run and report.made:
        click.echo(f"A run would make {len(report.made)} of these. Nothing was made.", err=True)
    if not report.made:
        click.echo("Nothing to do, all of it is there.", err=True)
        sys.exit(ExitCode.NOTHING_TO_DO)


def _metric_plan(metrics: tuple[str, ...], role_arn: str, s3_path: str) -> MetricPlan:
    return MetricPlan(metrics=tuple(map(parse_metric, metrics)) or COUNTS, role_arn=role_arn, s3_path=s3_path)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path}: {error}") from error


def _print_settings(report: SetupReport, region: str) -> None:
    tracker = report.event_tracker
    if tracker is None:
        return
    click.echo("# Settings for `personalize-relay serve`; the two below are yours to fill in.")
    click.echo(f"AWS_REGION={region}")
    click.echo(f"RELAY_TRACKING_ID={tracker.tracking_id}")
    click.echo("# RELAY_SECRET_KEYS=  (personalize-relay token keygen)")
    click.echo("# RELAY_ALLOWED_ORIGINS=https://www.example.com")
    if report.action_interactions_tracking_id:
        click.echo(f"RELAY_ACTION_INTERACTIONS_TRACKING_ID={report.action_interactions_tracking_id}")
    if report.metric_attribution_arn:
        click.echo(f"# metric attribution {report.metric_attribution_arn}: CloudWatch, AWS/Personalize")
    for dataset_type, arn in report.dataset_arns.items():
        if dataset_type not in ("Interactions", "Action_Interactions"):
            click.echo(f"# personalize-relay put {dataset_type.lower()} FILE --dataset-arn {arn}")


class _Narrator(Watch):
    def __init__(self, on_status: Callable[[str, float], None], *, dry_run: bool) -> None:
        self._on_status = on_status
        self._dry_run = dry_run

    def found(self, what: str) -> None:
        click.echo(f"{what}: there already", err=True)

    def making(self, what: str) -> None:
        click.echo(f"{what}: {'missing' if self._dry_run else 'being made'}", err=True)

    def status(self, what: str, status: str, waited_s: float) -> None:
        self._on_status(f"{what} {status}", waited_s)


@contextmanager
def _narrated(dry_run: bool) -> Generator[Watch, None, None]:
    with status_line("setup") as on_status:
        yield _Narrator(on_status, dry_run=dry_run)
