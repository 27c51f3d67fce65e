"""A metric attribution of the emulator: what the service would say came of each source."""

import asyncio
from typing import Any, Final

import boto3

from relay.emulator.jobs.attribution import UNDEFINED, streamed_metrics
from relay.insight.delivered import UNNAMED
from tests.support.emulator import RunningEmulator

ROLE: Final = "arn:aws:iam::123456789012:role/metrics"


async def attribute(emulator: RunningEmulator, *event_types: str) -> None:
    """Have it count events of these types from now on."""
    await asyncio.to_thread(_attribute, emulator, event_types)


def _attribute(emulator: RunningEmulator, event_types: tuple[str, ...]) -> None:
    personalize: Any = boto3.client("personalize", **emulator.client_options)
    group = personalize.list_dataset_groups()["datasetGroups"][0]["datasetGroupArn"]
    metrics = [{"eventType": one, "metricName": one, "expression": "SAMPLECOUNT()"} for one in event_types]
    made = personalize.create_metric_attribution(
        name="lists", datasetGroupArn=group, metrics=metrics, metricsOutputConfig={"roleArn": ROLE}
    )
    arn = made["metricAttributionArn"]
    while personalize.describe_metric_attribution(metricAttributionArn=arn)["metricAttribution"]["status"] != "ACTIVE":
        pass


def counted(emulator: RunningEmulator) -> dict[tuple[str, str], float]:
    """By source and event type."""
    sums: dict[tuple[str, str], float] = {}
    for one in streamed_metrics(emulator.emulator):
        source = UNNAMED if one["eventAttributionSource"] == UNDEFINED else one["eventAttributionSource"]
        key = (source, one["eventType"])
        sums[key] = sums.get(key, 0) + one["value"]
    return sums
