"""Metric attributions: what the metrics of a dataset group come to, by where the recommendation came from.

An event counts for the source it names; else for the campaign or recommender its `recommendationId` is of; else for
SOURCE_NAME_UNDEFINED. Only events count that came after the attribution was made. What the service tells CloudWatch
stands at `/_emulator/metrics`; import jobs write their part into the folder that is S3.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.data.events import decode_put_events, item_of, value_of
from relay.emulator.data.properties import folded, folded_properties
from relay.emulator.jobs.folder import write
from relay.emulator.runtime.recommendation_id import sources_by_mark
from relay.emulator.state import Emulator
from relay.emulator.store.bulk import Interaction
from relay.emulator.wire.errors import invalid

UNDEFINED: Final = "SOURCE_NAME_UNDEFINED"
MAX_SOURCES: Final = 100
"""Sources that are told apart [the quotas page of the developer guide]; the rest is UNDEFINED."""

HEADER: Final = ("METRIC_NAME", "EVENT_TYPE", "VALUE", "MATH_FUNCTION", "EVENT_ATTRIBUTION_SOURCE", "TIMESTAMP")
_INTERVAL_S: Final = 15 * 60
_SUM: Final = re.compile(r"\s*SUM\(\s*(?P<dataset>Items|Interactions)\.(?P<column>\w+)\s*\)\s*", re.IGNORECASE)
_COUNT: Final = re.compile(r"\s*SAMPLECOUNT\(\s*\)\s*", re.IGNORECASE)


class _Happened(NamedTuple):
    event_type: str
    item_id: str
    source: str
    at_s: int
    columns: dict[str, Any]


class MetricValue(NamedTuple):
    """One line of a report: a metric of a source in a quarter of an hour."""

    metric_name: str
    event_type: str
    value: float
    math_function: str
    event_attribution_source: str
    timestamp: int


def check_metrics(metrics: Iterable[dict[str, Any]]) -> None:
    """InvalidInputException for an expression that is none, and for two metrics of one name."""
    names: set[str] = set()
    for metric in metrics:
        if _SUM.fullmatch(metric["expression"]) is None and _COUNT.fullmatch(metric["expression"]) is None:
            raise invalid(
                f"{metric['expression']!r} is neither SUM(Items.COLUMN), SUM(Interactions.COLUMN), nor SAMPLECOUNT()."
            )
        if metric["metricName"] in names:
            raise invalid(f"There are two metrics named {metric['metricName']!r}.")
        names.add(metric["metricName"])


def attribution_of(emulator: Emulator, group_arn: str) -> Resource | None:
    """The ACTIVE metric attribution of a dataset group, if it has one."""
    for attribution in emulator.registry.all(Kind.METRIC_ATTRIBUTION, dataset_group_arn=group_arn):
        if emulator.registry.is_active(attribution):
            return attribution
    return None


def streamed_metrics(emulator: Emulator) -> list[dict[str, Any]]:
    """What every attribution's metrics come to for the events of PutEvents, under the names of the wire."""
    return [
        {
            "metricAttributionArn": attribution.arn,
            "metricName": value.metric_name,
            "eventType": value.event_type,
            "value": value.value,
            "mathFunction": value.math_function,
            "eventAttributionSource": value.event_attribution_source,
            "timestamp": value.timestamp,
        }
        for attribution in emulator.registry.all(Kind.METRIC_ATTRIBUTION)
        for value in _values(emulator, attribution, _streamed(emulator, attribution))
    ]


def publish_to_s3(emulator: Emulator, group_arn: str, job_name: str, rows: list[Interaction]) -> None:
    """Write what the metrics come to for the rows of an import, where the attribution says; `S3Error` when not."""
    attribution = attribution_of(emulator, group_arn)
    if attribution is None:
        return
    output = emulator.registry.details(attribution)["metricsOutputConfig"].get("s3DataDestination")
    if output is None:
        return
    marks = sources_by_mark(emulator, group_arn)
    happened = (
        _Happened(
            row.event_type,
            row.item_id,
            row.more.get("EVENT_ATTRIBUTION_SOURCE") or marks.of(row.recommendation_id) or UNDEFINED,
            row.timestamp,
            {folded(name): value for name, value in row.more.items()} | {"EVENTVALUE": row.event_value},
        )
        for row in rows
    )
    lines = [",".join(HEADER), *(",".join(map(_cell, value)) for value in _values(emulator, attribution, happened))]
    at = datetime.fromtimestamp(emulator.clock.now_ms() / 1000, UTC).strftime("%Y-%m-%dT%H%M%SZ")
    name = f"AggregatedAttributionMetrics - {job_name} - {at}.csv"
    write(emulator, output["path"], name, (line.encode() + b"\n" for line in lines))


def _streamed(emulator: Emulator, attribution: Resource) -> Iterator[_Happened]:
    group = attribution.dataset_group_arn or ""
    marks = sources_by_mark(emulator, group)
    for call in emulator.calls.after(0, operation="PutEvents"):
        if not call.taken or call.time_ms < attribution.created_ms:
            continue
        put = decode_put_events(call.body)
        if emulator.registry.group_of_tracking_id(put.tracking_id) != group:
            continue
        for event in put.event_list:
            named = event.metric_attribution.event_attribution_source if event.metric_attribution else None
            source = named or marks.of(event.recommendation_id or "") or UNDEFINED
            columns = folded_properties(event.properties or "") | {"EVENTVALUE": value_of(event)}
            yield _Happened(event.event_type, item_of(event) or "", source, int(event.sent_at), columns)


def _values(emulator: Emulator, attribution: Resource, happened: Iterable[_Happened]) -> list[MetricValue]:
    metrics = emulator.registry.details(attribution)["metrics"]
    items = emulator.dataset_of(attribution.dataset_group_arn or "", "ITEMS")
    totals: dict[tuple[int, str, int], float] = defaultdict(float)
    sources: set[str] = set()
    for one in happened:
        source = one.source
        if source not in sources:
            source = source if len(sources) < MAX_SOURCES else UNDEFINED
            sources.add(source)
        for number, metric in enumerate(metrics):
            if metric["eventType"].lower() != one.event_type.lower():
                continue
            value = _counts(emulator, metric["expression"], one, items)
            if value is not None:
                totals[number, source, one.at_s - one.at_s % _INTERVAL_S] += value
    return [
        MetricValue(
            metrics[number]["metricName"],
            metrics[number]["eventType"],
            total,
            "samplecount" if _COUNT.fullmatch(metrics[number]["expression"]) else "sum",
            source,
            at_s,
        )
        for (number, source, at_s), total in sorted(totals.items())
    ]


def _counts(emulator: Emulator, expression: str, one: _Happened, items: Resource | None) -> float | None:
    """What an event adds; None when the column has no number."""
    asked = _SUM.fullmatch(expression)
    if asked is None:
        return 1.0
    columns: dict[str, Any] = one.columns
    if asked["dataset"].lower() == "items":
        columns = folded_properties(emulator.records.get("items", items.arn, one.item_id)) if items else {}
    try:
        return float(columns.get(folded(asked["column"])))  # type: ignore[arg-type]  # None and the like are caught
    except (TypeError, ValueError):
        return None


def _cell(value: Any) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\n\r') else text
