"""Inputs of the control plane, as its service model has them."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.wire.decoding import Arn, BodyDecoder, Input, Name

Domain = Literal["ECOMMERCE", "VIDEO_ON_DEMAND"]
RoleArn = Annotated[str, Meta(max_length=256, pattern=r"^arn:([a-z\d-]+):iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+\Z")]
KmsKeyArn = Annotated[str, Meta(max_length=2048, pattern=r"^arn:aws.*:kms:.*:[0-9]{12}:key/.*\Z")]
TagKey = Annotated[str, Meta(min_length=1, max_length=128)]
TagValue = Annotated[str, Meta(max_length=256)]
NextToken = Annotated[str, Meta(max_length=1500)]
MaxResults = Annotated[int, Meta(ge=1, le=100)]


class Tag(Input):
    """A tag; the service's names for its halves."""

    tag_key: TagKey
    tag_value: TagValue


class CreateDatasetGroup(Input):
    """Input of CreateDatasetGroup."""

    name: Name
    role_arn: RoleArn | UnsetType = UNSET
    kms_key_arn: KmsKeyArn | UnsetType = UNSET
    domain: Domain | UnsetType = UNSET
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class CreateSchema(Input):
    """Input of CreateSchema."""

    name: Name
    schema: Annotated[str, Meta(max_length=20_000)]
    domain: Domain | UnsetType = UNSET


class CreateDataset(Input):
    """Input of CreateDataset."""

    name: Name
    schema_arn: Arn
    dataset_group_arn: Arn
    dataset_type: Annotated[str, Meta(max_length=256)]
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class CreateEventTracker(Input):
    """Input of CreateEventTracker."""

    name: Name
    dataset_group_arn: Arn
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class OneDatasetGroup(Input):
    """Input of DescribeDatasetGroup and DeleteDatasetGroup."""

    dataset_group_arn: Arn


class OneSchema(Input):
    """Input of DescribeSchema and DeleteSchema."""

    schema_arn: Arn


class OneDataset(Input):
    """Input of DescribeDataset and DeleteDataset."""

    dataset_arn: Arn


class OneEventTracker(Input):
    """Input of DescribeEventTracker and DeleteEventTracker."""

    event_tracker_arn: Arn


class ListEverywhere(Input):
    """Input of ListDatasetGroups and ListSchemas."""

    next_token: NextToken | UnsetType = UNSET
    max_results: MaxResults = 100


class ListOfGroup(ListEverywhere):
    """Input of ListDatasets and ListEventTrackers."""

    dataset_group_arn: Arn | UnsetType = UNSET


class TagResource(Input):
    """Input of TagResource."""

    resource_arn: Arn
    tags: list[Tag]


class UntagResource(Input):
    """Input of UntagResource."""

    resource_arn: Arn
    tag_keys: list[TagKey]


class ListTagsForResource(Input):
    """Input of ListTagsForResource."""

    resource_arn: Arn


decode_create_dataset_group = BodyDecoder(CreateDatasetGroup)
decode_create_schema = BodyDecoder(CreateSchema)
decode_create_dataset = BodyDecoder(CreateDataset)
decode_create_event_tracker = BodyDecoder(CreateEventTracker)
decode_one_dataset_group = BodyDecoder(OneDatasetGroup)
decode_one_schema = BodyDecoder(OneSchema)
decode_one_dataset = BodyDecoder(OneDataset)
decode_one_event_tracker = BodyDecoder(OneEventTracker)
decode_list_everywhere = BodyDecoder(ListEverywhere)
decode_list_of_group = BodyDecoder(ListOfGroup)
decode_tag_resource = BodyDecoder(TagResource)
decode_untag_resource = BodyDecoder(UntagResource)
decode_list_tags = BodyDecoder(ListTagsForResource)
