"""Resources the way the control plane shows them: whole when described, short in lists."""

from collections.abc import Mapping
from typing import Any, Final

from relay.emulator.control.kinds import NAMES, Kind
from relay.emulator.control.resources import Resource
from relay.emulator.state import Emulator

_JOB_STATES: Final[Mapping[str, str]] = {
    "CREATE PENDING": "PENDING",
    "CREATE IN_PROGRESS": "IN_PROGRESS",
    "ACTIVE": "COMPLETED",
    "CREATE FAILED": "FAILED",
}
"""Data deletion jobs have words of their own for their states."""

_UPDATES: Final[Mapping[Kind, str]] = {
    Kind.DATASET: "latestDatasetUpdate",
    Kind.CAMPAIGN: "latestCampaignUpdate",
    Kind.RECOMMENDER: "latestRecommenderUpdate",
    Kind.SOLUTION: "latestSolutionUpdate",
}
"""Where Describe shows the last update of a kind."""


def described(emulator: Emulator, resource: Resource) -> dict[str, Any]:
    """All of it, as Describe shows it."""
    names = NAMES[resource.kind]
    more: dict[str, Any] = {
        "roleArn": resource.role_arn,
        "kmsKeyArn": resource.kms_key_arn,
        "schemaArn": resource.schema_arn,
        "schema": resource.schema,
        "trackingId": resource.tracking_id,
        "datasetGroupArn": resource.dataset_group_arn if names.group else None,
        "accountId": emulator.account_id if resource.kind is Kind.EVENT_TRACKER else None,
    }
    view = _present(more) | emulator.registry.details(resource) | summarized(emulator, resource)
    if resource.kind in _UPDATES and resource.update is not None:
        view[_UPDATES[resource.kind]] = {
            **resource.update.details,
            "status": emulator.registry.update_status(resource),
            "creationDateTime": resource.update.at_ms / 1000,
            "lastUpdatedDateTime": view["lastUpdatedDateTime"],
        }
    if resource.kind is Kind.SOLUTION_VERSION:
        view.pop("modelMetrics", None)  # GetSolutionMetrics tells them
    if resource.kind is Kind.SOLUTION:
        versions = emulator.registry.all(Kind.SOLUTION_VERSION, parent_arn=resource.arn)
        if versions:
            view["latestSolutionVersion"] = summarized(emulator, versions[-1])
    return view


def summarized(emulator: Emulator, resource: Resource) -> dict[str, Any]:
    """The part that List shows; of an event tracker without its tracking id, as in the service."""
    names = NAMES[resource.kind]
    everything = emulator.registry.details(resource) | {
        "datasetType": resource.dataset_type,
        "domain": resource.domain,
        "datasetGroupArn": resource.dataset_group_arn,
    }
    status = emulator.registry.status(resource)
    view: dict[str, Any] = {
        names.arn: resource.arn,
        "status": None if resource.kind is Kind.SCHEMA else status,
        "creationDateTime": resource.created_ms / 1000,
        "lastUpdatedDateTime": emulator.registry.updated_ms(resource) / 1000,
    }
    view |= {name: everything.get(name) for name in names.listed}
    if names.name and resource.name:
        view[names.name] = resource.name
    if resource.kind is Kind.DELETION_JOB:
        view["status"] = _JOB_STATES.get(status, status)
    if names.failure and status == "CREATE FAILED":
        view["failureReason"] = resource.failure or "Its name asked for it."
    return _present(view)


def _present(view: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if value is not None}
