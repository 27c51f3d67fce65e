"""Resources the way the control plane shows them: whole when described, short in lists."""

from collections.abc import Mapping
from typing import Any, Final

from relay.emulator.control.resources import Kind, Resource
from relay.emulator.state import Emulator

ARN_FIELD: Final[Mapping[Kind, str]] = {
    Kind.DATASET_GROUP: "datasetGroupArn",
    Kind.SCHEMA: "schemaArn",
    Kind.DATASET: "datasetArn",
    Kind.EVENT_TRACKER: "eventTrackerArn",
}
"""What the service calls the ARN of each kind."""


def described(emulator: Emulator, resource: Resource) -> dict[str, Any]:
    """All of it, as Describe shows it."""
    view = summarized(emulator, resource)
    more: dict[str, Any]
    match resource.kind:
        case Kind.DATASET_GROUP:
            more = {"roleArn": resource.role_arn, "kmsKeyArn": resource.kms_key_arn}
        case Kind.SCHEMA:
            more = {"schema": resource.schema}
        case Kind.DATASET:
            more = {
                "datasetGroupArn": resource.dataset_group_arn,
                "schemaArn": resource.schema_arn,
                "trackingId": resource.tracking_id,
            }
        case Kind.EVENT_TRACKER:
            more = {
                "accountId": emulator.account_id,
                "trackingId": resource.tracking_id,
                "datasetGroupArn": resource.dataset_group_arn,
            }
    return view | _present(more)


def summarized(emulator: Emulator, resource: Resource) -> dict[str, Any]:
    """The part that List shows; of an event tracker without its tracking id, as in the service."""
    status = emulator.registry.status(resource)
    view: dict[str, Any] = {
        "name": resource.name,
        ARN_FIELD[resource.kind]: resource.arn,
        "status": None if resource.kind is Kind.SCHEMA else status,
        "datasetType": resource.dataset_type,
        "domain": resource.domain,
        "creationDateTime": resource.created_ms / 1000,
        "lastUpdatedDateTime": emulator.registry.updated_ms(resource) / 1000,
    }
    if resource.kind is Kind.DATASET_GROUP and status == "CREATE FAILED":
        view["failureReason"] = "Its name asked for it."
    return _present(view)


def _present(view: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if value is not None}
