"""PutUsers, PutItems and PutActions: one call, once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from relay.personalize.connection import Connection
from relay.personalize.errors import confirmed, mapped_errors
from relay.personalize.put.catalog import ITEMS, USERS, CatalogKind, CatalogRecord

if TYPE_CHECKING:  # the stubs are a development dependency
    from types_aiobotocore_personalize_events.type_defs import ActionTypeDef, ItemTypeDef, UserTypeDef


async def put_records(
    connection: Connection, kind: CatalogKind, dataset_arn: str, records: Sequence[CatalogRecord]
) -> None:
    """Put up to ten records into a dataset; each replaces the whole record of its id.

    Makes one attempt. The call is taken or refused as a whole.

    Raises:
        InvalidInputError: a record, or the dataset, is not acceptable.
        ResourceNotFoundError, ResourceInUseError: the dataset's.
        PersonalizeError: see `relay.personalize.errors`; `transient` says whether to try again.
    """
    entries = [record.entry(kind) for record in records]
    events = connection.events
    with mapped_errors(kind.operation):
        if kind is USERS:
            answer = await events.put_users(datasetArn=dataset_arn, users=cast("list[UserTypeDef]", entries))
        elif kind is ITEMS:
            answer = await events.put_items(datasetArn=dataset_arn, items=cast("list[ItemTypeDef]", entries))
        else:
            answer = await events.put_actions(datasetArn=dataset_arn, actions=cast("list[ActionTypeDef]", entries))
    confirmed(answer["ResponseMetadata"].get("RequestId"), kind.operation)
