"""The operations of `personalize`: Describe, List and Delete here, Create and tags in files of their own."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from relay.emulator.control import create, tags
from relay.emulator.control.inputs import (
    ListOfGroup,
    decode_list_everywhere,
    decode_list_of_group,
    decode_one_dataset,
    decode_one_dataset_group,
    decode_one_event_tracker,
    decode_one_schema,
)
from relay.emulator.control.paging import page
from relay.emulator.control.resources import Kind, Resource
from relay.emulator.control.views import described, summarized
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import in_use

Handler = Callable[[Emulator, bytes], bytes]

_ARN_IN: Final[Mapping[Kind, Callable[[bytes], str]]] = {
    Kind.DATASET_GROUP: lambda body: decode_one_dataset_group(body).dataset_group_arn,
    Kind.SCHEMA: lambda body: decode_one_schema(body).schema_arn,
    Kind.DATASET: lambda body: decode_one_dataset(body).dataset_arn,
    Kind.EVENT_TRACKER: lambda body: decode_one_event_tracker(body).event_tracker_arn,
}


def _describe(kind: Kind, wrapper: str) -> Handler:
    def describe(emulator: Emulator, body: bytes) -> bytes:
        resource = emulator.registry.get(kind, _ARN_IN[kind](body))
        return msgspec.json.encode({wrapper: described(emulator, resource)})

    return describe


def _delete(kind: Kind) -> Handler:
    def delete(emulator: Emulator, body: bytes) -> bytes:
        resource = emulator.registry.get(kind, _ARN_IN[kind](body))
        _check_unused(emulator, resource)
        emulator.registry.delete(resource)
        return b""

    return delete


def _list(kind: Kind, list_field: str, *, of_group: bool) -> Handler:
    def list_resources(emulator: Emulator, body: bytes) -> bytes:
        call = decode_list_of_group(body) if of_group else decode_list_everywhere(body)
        group = (call.dataset_group_arn or None) if isinstance(call, ListOfGroup) else None
        resources = emulator.registry.all(kind, dataset_group_arn=group)
        listing = f"{kind} {group or ''}"
        shown, next_token = page(resources, listing=listing, next_token=call.next_token, max_results=call.max_results)
        answer: dict[str, Any] = {list_field: [summarized(emulator, resource) for resource in shown]}
        return msgspec.json.encode(answer | ({"nextToken": next_token} if next_token else {}))

    return list_resources


def _check_unused(emulator: Emulator, resource: Resource) -> None:
    """A dataset group goes only when it is empty, a schema only when no dataset has it."""
    users: list[Resource] = []
    if resource.kind is Kind.DATASET_GROUP:
        for kind in (Kind.DATASET, Kind.EVENT_TRACKER):
            users.extend(emulator.registry.all(kind, dataset_group_arn=resource.arn))
    elif resource.kind is Kind.SCHEMA:
        users.extend(one for one in emulator.registry.all(Kind.DATASET) if one.schema_arn == resource.arn)
    if users:
        raise in_use(f"{resource.arn} is in use by {users[0].arn}.")


CONTROL_OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreateDatasetGroup": create.create_dataset_group,
    "DescribeDatasetGroup": _describe(Kind.DATASET_GROUP, "datasetGroup"),
    "ListDatasetGroups": _list(Kind.DATASET_GROUP, "datasetGroups", of_group=False),
    "DeleteDatasetGroup": _delete(Kind.DATASET_GROUP),
    "CreateSchema": create.create_schema,
    "DescribeSchema": _describe(Kind.SCHEMA, "schema"),
    "ListSchemas": _list(Kind.SCHEMA, "schemas", of_group=False),
    "DeleteSchema": _delete(Kind.SCHEMA),
    "CreateDataset": create.create_dataset,
    "DescribeDataset": _describe(Kind.DATASET, "dataset"),
    "ListDatasets": _list(Kind.DATASET, "datasets", of_group=True),
    "DeleteDataset": _delete(Kind.DATASET),
    "CreateEventTracker": create.create_event_tracker,
    "DescribeEventTracker": _describe(Kind.EVENT_TRACKER, "eventTracker"),
    "ListEventTrackers": _list(Kind.EVENT_TRACKER, "eventTrackers", of_group=True),
    "DeleteEventTracker": _delete(Kind.EVENT_TRACKER),
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "ListTagsForResource": tags.list_tags_for_resource,
}
"""Every operation of `personalize` that the emulator has."""
