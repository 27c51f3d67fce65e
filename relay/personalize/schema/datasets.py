"""Datasets and their schemas, as the service describes them."""

import msgspec

from relay.personalize.connection import Connection, described
from relay.personalize.errors import PersonalizeError
from relay.personalize.schema.columns import Schema, parse_schema
from relay.personalize.trackers.event_trackers import checked_arn


class Dataset(msgspec.Struct, frozen=True, rename="camel"):
    """A dataset as the service describes it."""

    name: str
    dataset_arn: str
    dataset_group_arn: str
    dataset_type: str
    """Interactions, Items, Users, Actions or Action_Interactions; the service's own spelling varies in case."""
    schema_arn: str
    status: str
    tracking_id: str = ""
    """Of an action interactions dataset: where PutActionInteractions sends to."""


class DatasetGroup(msgspec.Struct, frozen=True, rename="camel"):
    """A dataset group as the service describes it."""

    name: str
    dataset_group_arn: str
    status: str
    domain: str = ""
    """ECOMMERCE, VIDEO_ON_DEMAND, or empty for a custom one."""
    failure_reason: str = ""


async def describe_dataset(connection: Connection, arn: str) -> Dataset:
    """The dataset of that ARN.

    Raises:
        ResourceNotFoundError: there is none.
        PersonalizeError: see `relay.personalize.errors`.
    """
    checked_arn(arn, "dataset")
    answer = await connection.ask("DescribeDataset", lambda control: control.describe_dataset(datasetArn=arn))
    return described(answer["dataset"], Dataset, "DescribeDataset")


async def describe_dataset_group(connection: Connection, arn: str) -> DatasetGroup:
    """The dataset group of that ARN.

    Raises:
        ResourceNotFoundError: there is none.
        PersonalizeError: see `relay.personalize.errors`.
    """
    checked_arn(arn, "dataset-group")
    answer = await connection.ask(
        "DescribeDatasetGroup", lambda control: control.describe_dataset_group(datasetGroupArn=arn)
    )
    return described(answer["datasetGroup"], DatasetGroup, "DescribeDatasetGroup")


async def datasets_of_group(connection: Connection, dataset_group_arn: str) -> list[Dataset]:
    """The datasets of a group: one of each type at most, so that one page holds them all.

    Raises:
        PersonalizeError: see `relay.personalize.errors`.
    """
    checked_arn(dataset_group_arn, "dataset-group")
    page = await connection.ask(
        "ListDatasets", lambda control: control.list_datasets(datasetGroupArn=dataset_group_arn, maxResults=100)
    )
    arns = [summary.get("datasetArn", "") for summary in page["datasets"]]
    return [await describe_dataset(connection, arn) for arn in arns]


async def describe_schema(connection: Connection, arn: str) -> Schema:
    """The columns of a schema.

    Raises:
        ResourceNotFoundError: there is none.
        PersonalizeError: it is not one we can read, or see `relay.personalize.errors`.
    """
    answer = await connection.ask("DescribeSchema", lambda control: control.describe_schema(schemaArn=arn))
    text = answer["schema"].get("schema")
    if not text:
        message = f"the service describes {arn} without its columns"
        raise PersonalizeError(message)
    return parse_schema(text)
