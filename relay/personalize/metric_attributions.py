"""Metric attributions: what the service counts for each place of the site a recommendation was shown at.

Docs: https://docs.aws.amazon.com/personalize/latest/dg/measuring-recommendation-impact.html. One a dataset group. The
metrics go to CloudWatch, and to S3 where a place is named; both by a role of the account.
"""

import re
from typing import TYPE_CHECKING, Final

import msgspec

from relay.personalize.connection import Connection, described
from relay.personalize.errors import InvalidInputError
from relay.personalize.trackers.event_trackers import checked_arn

if TYPE_CHECKING:  # the stubs are a development dependency
    from types_aiobotocore_personalize.type_defs import (
        ListMetricAttributionMetricsRequestTypeDef,
        MetricAttributeTypeDef,
        MetricAttributionOutputTypeDef,
    )

MAX_METRICS: Final = 10
"""Of one attribution [the quotas page of the developer guide]."""

_EXPRESSION: Final = re.compile(r"SAMPLECOUNT\(\)|SUM\((Items|Interactions)\.[A-Za-z_][A-Za-z0-9_]*\)")


class Metric(msgspec.Struct, frozen=True, rename="camel"):
    """What is counted: every event of a type, or the sum of a column over them."""

    event_type: str
    metric_name: str
    expression: str = "SAMPLECOUNT()"


class MetricAttributionSummary(msgspec.Struct, frozen=True, rename="camel"):
    """A metric attribution as the service describes it."""

    name: str
    metric_attribution_arn: str
    status: str
    failure_reason: str = ""


COUNTS: Final = (
    Metric("Click", "clicks"),
    Metric("View", "views"),
    Metric("AddToCart", "carts"),
    Metric("Purchase", "purchases"),
)
"""Ready-made: how many of each type of event that the snippet sends by the names of its docs."""


class MetricPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The metric attribution that is to be there."""

    metrics: tuple[Metric, ...] = COUNTS
    role_arn: str = ""
    """Who may write to CloudWatch, and to S3; empty: the role NAME-metrics of the account."""
    s3_path: str = ""
    """Where import jobs and a day's events are told in full, `s3://bucket/folder/`; empty: nowhere."""


def parse_metric(text: str) -> Metric:
    """A metric as one writes it: `Purchase` for how many, `Purchase=SUM(Items.PRICE)` for a sum.

    Raises:
        InvalidInputError: it is none.
    """
    event_type, _, expression = (part.strip() for part in text.partition("="))
    expression = expression or "SAMPLECOUNT()"
    if not event_type or len(event_type) > 256 or _EXPRESSION.fullmatch(expression) is None:
        message = f"{text!r} is no metric: TYPE, TYPE=SUM(Items.COLUMN) or TYPE=SUM(Interactions.COLUMN)"
        raise InvalidInputError(message)
    name = f"{event_type}-{'count' if expression == 'SAMPLECOUNT()' else expression[4:-1]}"
    return Metric(event_type, name, expression)


def checked_metrics(plan: MetricPlan) -> MetricPlan:
    """The plan, if the service would take its metrics.

    Raises:
        InvalidInputError: too many, none, or one twice.
    """
    names = [metric.metric_name for metric in plan.metrics]
    if not 1 <= len(names) <= MAX_METRICS or len(names) != len(set(names)):
        message = f"a metric attribution has 1 to {MAX_METRICS} metrics, each once"
        raise InvalidInputError(message)
    return plan


async def metric_attribution_of(connection: Connection, dataset_group_arn: str) -> MetricAttributionSummary | None:
    """The one of a dataset group, if it has one that is not on its way out.

    Raises:
        PersonalizeError: see `relay.personalize.errors`.
    """
    checked_arn(dataset_group_arn, "dataset-group")
    page = await connection.ask(
        "ListMetricAttributions",
        lambda control: control.list_metric_attributions(datasetGroupArn=dataset_group_arn, maxResults=100),
    )
    found = [described(one, MetricAttributionSummary, "ListMetricAttributions") for one in page["metricAttributions"]]
    return next((one for one in found if not one.status.startswith("DELETE")), None)


async def describe_metric_attribution(connection: Connection, arn: str) -> MetricAttributionSummary:
    """The metric attribution of that ARN.

    Raises:
        ResourceNotFoundError: there is none.
        PersonalizeError: see `relay.personalize.errors`.
    """
    answer = await connection.ask(
        "DescribeMetricAttribution", lambda control: control.describe_metric_attribution(metricAttributionArn=arn)
    )
    return described(answer["metricAttribution"], MetricAttributionSummary, "DescribeMetricAttribution")


async def metrics_of(connection: Connection, arn: str) -> list[Metric]:
    """What a metric attribution counts.

    Raises:
        PersonalizeError: see `relay.personalize.errors`.
    """
    arguments: ListMetricAttributionMetricsRequestTypeDef = {"metricAttributionArn": arn, "maxResults": 100}
    found: list[Metric] = []
    while True:
        page = await connection.ask(
            "ListMetricAttributionMetrics", lambda control: control.list_metric_attribution_metrics(**arguments)
        )
        found += [described(one, Metric, "ListMetricAttributionMetrics") for one in page["metrics"]]
        token = page.get("nextToken")
        if not token:
            return found
        arguments["nextToken"] = token


async def create_metric_attribution(
    connection: Connection, *, name: str, dataset_group_arn: str, plan: MetricPlan
) -> str:
    """Make one; its ARN.

    Raises:
        InvalidInputError: the role is not there, or may not be used by the service.
        PersonalizeError: see `relay.personalize.errors`.
    """
    metrics: list[MetricAttributeTypeDef] = [
        {"eventType": one.event_type, "metricName": one.metric_name, "expression": one.expression}
        for one in plan.metrics
    ]
    output: MetricAttributionOutputTypeDef = {"roleArn": plan.role_arn or _default_role(name, dataset_group_arn)}
    if plan.s3_path:
        output["s3DataDestination"] = {"path": plan.s3_path}
    made = await connection.ask(
        "CreateMetricAttribution",
        lambda control: control.create_metric_attribution(
            name=name, datasetGroupArn=dataset_group_arn, metrics=metrics, metricsOutputConfig=output
        ),
    )
    return made["metricAttributionArn"]


def _default_role(name: str, dataset_group_arn: str) -> str:
    _, partition, _, _, account, _ = dataset_group_arn.split(":", 5)
    return f"arn:{partition}:iam::{account}:role/{name}-metrics"
