"""Deleting: what is in use stays, and what goes takes along what is only part of it."""

from collections.abc import Iterator

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import in_use

_PARTS_OF_A_GROUP = (
    Kind.DATASET,
    Kind.EVENT_TRACKER,
    Kind.SOLUTION,
    Kind.RECOMMENDER,
    Kind.FILTER,
    Kind.METRIC_ATTRIBUTION,
)


def delete_resource(emulator: Emulator, resource: Resource) -> None:
    """Begin deleting.

    Raises:
        AwsError: ResourceInUseException while another needs it, or while it is being made, changed or deleted.
    """
    for user in _users(emulator, resource):
        raise in_use(f"{resource.arn} is in use by {user.arn}.")
    emulator.registry.delete(resource)
    if resource.kind is Kind.DATASET:
        emulator.drop_dataset(resource)
    if resource.kind is Kind.SOLUTION:
        for version in emulator.registry.all(Kind.SOLUTION_VERSION, parent_arn=resource.arn):
            emulator.registry.delete(version)


def _users(emulator: Emulator, resource: Resource) -> Iterator[Resource]:
    """Resources that keep this one from going."""
    registry = emulator.registry
    match resource.kind:
        case Kind.DATASET_GROUP:
            for kind in _PARTS_OF_A_GROUP:
                yield from registry.all(kind, dataset_group_arn=resource.arn)
        case Kind.SCHEMA:
            for dataset in registry.all(Kind.DATASET):
                if registry.details(dataset).get("schemaArn", dataset.schema_arn) == resource.arn:
                    yield dataset
        case Kind.DATASET:
            yield from _unfinished(emulator, registry.all(Kind.IMPORT_JOB, parent_arn=resource.arn))
            versions = registry.all(Kind.SOLUTION_VERSION, dataset_group_arn=resource.dataset_group_arn)
            yield from _unfinished(emulator, versions)
        case Kind.SOLUTION:
            yield from registry.all(Kind.CAMPAIGN, parent_arn=resource.arn)
            yield from _unfinished(emulator, registry.all(Kind.SOLUTION_VERSION, parent_arn=resource.arn))
        case _:
            return


def _unfinished(emulator: Emulator, resources: list[Resource]) -> Iterator[Resource]:
    return (
        one
        for one in resources
        if emulator.registry.status(one).startswith("CREATE ")
        and not one.work_done
        and emulator.registry.status(one) not in {"CREATE FAILED", "CREATE STOPPED"}
    )
