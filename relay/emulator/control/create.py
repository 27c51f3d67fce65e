"""The Create operations about data: dataset groups, schemas, datasets, event trackers."""

from typing import Any, Final

import msgspec
from msgspec import UnsetType

from relay.emulator.control.inputs import (
    CreateDataset,
    CreateDatasetGroup,
    CreateEventTracker,
    CreateSchema,
    Tag,
    UpdateDataset,
)
from relay.emulator.control.kinds import NAMES, Kind
from relay.emulator.control.resources import Resource
from relay.emulator.control.schemas import DATASET_TYPES, check_columns, check_schema
from relay.emulator.control.tags import checked_tags
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import AwsError, invalid

MAX_SCHEMAS: Final = 500
"""Of an account [the quotas page of the developer guide]."""


def create_dataset_group(emulator: Emulator, call: CreateDatasetGroup) -> bytes:
    """CreateDatasetGroup."""
    if call.kms_key_arn and not call.role_arn:
        raise invalid("A KMS key needs a role that may use it.")
    check_count(emulator, Kind.DATASET_GROUP, emulator.max_dataset_groups)
    group = Resource(
        kind=Kind.DATASET_GROUP,
        arn=emulator.new_arn(f"dataset-group/{call.name}"),
        name=call.name,
        created_ms=emulator.clock.now_ms(),
        tags=checked_tags(call.tags),
        domain=or_none(call.domain),
        role_arn=or_none(call.role_arn),
        kms_key_arn=or_none(call.kms_key_arn),
    )
    emulator.registry.add(group)
    return told(group, **({"domain": group.domain} if group.domain else {}))


def create_schema(emulator: Emulator, call: CreateSchema) -> bytes:
    """CreateSchema."""
    check_schema(call.schema)
    check_count(emulator, Kind.SCHEMA, MAX_SCHEMAS)
    schema = Resource(
        kind=Kind.SCHEMA,
        arn=emulator.new_arn(f"schema/{call.name}"),
        name=call.name,
        created_ms=emulator.clock.now_ms(),
        schema=call.schema,
        domain=or_none(call.domain),
    )
    emulator.registry.add(schema)
    return told(schema)


def create_dataset(emulator: Emulator, call: CreateDataset) -> bytes:
    """CreateDataset: one of each type in a dataset group, whose domain its schema shares."""
    dataset_type = call.dataset_type.upper()
    if dataset_type not in DATASET_TYPES:
        raise invalid(f"{call.dataset_type} is not a type of dataset.")
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    schema = _fitting_schema(emulator, call.schema_arn, group, dataset_type)
    dataset = Resource(
        kind=Kind.DATASET,
        arn=emulator.new_arn(f"dataset/{group.name}/{dataset_type}"),
        name=call.name,
        created_ms=emulator.clock.now_ms(),
        tags=checked_tags(call.tags),
        dataset_group_arn=group.arn,
        dataset_type=dataset_type,
        schema_arn=schema.arn,
        tracking_id=emulator.uuid() if dataset_type == "ACTION_INTERACTIONS" else None,
    )
    emulator.registry.add(dataset)
    return told(dataset)


def update_dataset(emulator: Emulator, call: UpdateDataset) -> bytes:
    """UpdateDataset: another schema, which must keep the columns of the one before."""
    dataset = emulator.registry.get_active(Kind.DATASET, call.dataset_arn)
    group = emulator.registry.get(Kind.DATASET_GROUP, dataset.dataset_group_arn or "")
    schema = _fitting_schema(emulator, call.schema_arn, group, dataset.dataset_type or "")
    emulator.registry.change(dataset, {"schemaArn": schema.arn})
    return told(dataset)


def create_event_tracker(emulator: Emulator, call: CreateEventTracker) -> bytes:
    """CreateEventTracker: one a dataset group. The tracking id is told at once, but works only once it is ACTIVE."""
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    for there in emulator.registry.all(Kind.EVENT_TRACKER, dataset_group_arn=group.arn):
        raise AwsError(
            "ResourceAlreadyExistsException", f"The dataset group already has the event tracker {there.arn}."
        )
    tracker = Resource(
        kind=Kind.EVENT_TRACKER,
        arn=emulator.new_arn(f"event-tracker/{call.name}"),
        name=call.name,
        created_ms=emulator.clock.now_ms(),
        tags=checked_tags(call.tags),
        dataset_group_arn=group.arn,
        tracking_id=emulator.uuid(),
    )
    emulator.registry.add(tracker)
    return told(tracker, trackingId=tracker.tracking_id)


def added(
    emulator: Emulator,
    kind: Kind,
    path: str,
    call: msgspec.Struct,
    *,
    group_arn: str | None,
    parent_arn: str | None = None,
    tags: list[Tag] | None = None,
    **more: Any,
) -> Resource:
    """A new resource, with what its Create was given as details.

    Args:
        emulator: Where it goes.
        kind: What it is.
        path: The last part of its ARN.
        call: The input; its name, tags and dataset group are taken out.
        group_arn: The dataset group it belongs to.
        parent_arn: What its list may be asked for by, where that is not the dataset group.
        tags: As given.
        more: Details under the names of the wire: defaults, and what was found out.

    Raises:
        AwsError: ResourceAlreadyExistsException; those of the tags.
    """
    given = msgspec.to_builtins(call)
    name = given.pop(NAMES[kind].name or "", "")
    for member in ("tags", "datasetGroupArn"):
        given.pop(member, None)
    resource = Resource(
        kind=kind,
        arn=emulator.new_arn(path),
        name=name,
        created_ms=emulator.clock.now_ms(),
        tags=checked_tags(tags or []),
        dataset_group_arn=group_arn,
        parent_arn=parent_arn,
        role_arn=given.pop("roleArn", None),
        details=given | more,
    )
    emulator.registry.add(resource)
    return resource


def told(resource: Resource, **more: Any) -> bytes:
    """The answer of a Create or an Update: the ARN."""
    return msgspec.json.encode({NAMES[resource.kind].arn: resource.arn, **more})


def check_count(emulator: Emulator, kind: Kind, most: int, *, group_arn: str | None = None) -> None:
    """LimitExceededException when there are already `most` of a kind, in a dataset group if one is given."""
    if len(emulator.registry.all(kind, dataset_group_arn=group_arn)) >= most:
        where = "The dataset group" if group_arn else "The account"
        raise AwsError("LimitExceededException", f"{where} may have {most} of kind {kind} at most.")


def or_none(value: str | UnsetType) -> str | None:
    """None for a member that was not given."""
    return None if isinstance(value, UnsetType) else value


def _fitting_schema(emulator: Emulator, arn: str, group: Resource, dataset_type: str) -> Resource:
    schema = emulator.registry.get(Kind.SCHEMA, arn)
    if schema.domain != group.domain:
        raise invalid("The schema and the dataset group must be of the same domain.")
    check_columns(schema.schema or "", dataset_type, domain=group.domain)
    return schema
