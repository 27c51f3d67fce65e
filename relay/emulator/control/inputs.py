"""Inputs of the control plane, as its service model has them: what all share, and what is about data."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.wire.decoding import Arn, BodyDecoder, Input, Name

Domain = Literal["ECOMMERCE", "VIDEO_ON_DEMAND"]
RoleArn = Annotated[str, Meta(max_length=256, pattern=r"^arn:([a-z\d-]+):iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+\Z")]
KmsKeyArn = Annotated[str, Meta(max_length=2048, pattern=r"^arn:aws.*:kms:.*:[0-9]{12}:key/.*\Z")]
Location = Annotated[str, Meta(max_length=256, pattern=r"^(s3|http|https)://.+\Z")]
TagKey = Annotated[str, Meta(min_length=1, max_length=128)]
TagValue = Annotated[str, Meta(max_length=256)]
NextToken = Annotated[str, Meta(max_length=1500, pattern=r"^[\x00-\x7f]*\Z")]
MaxResults = Annotated[int, Meta(ge=1, le=100)]
Short = Annotated[str, Meta(max_length=256)]
"""A name, a type, an expression: 256 characters at most."""


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
    dataset_type: Short
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class UpdateDataset(Input):
    """Input of UpdateDataset."""

    dataset_arn: Arn
    schema_arn: Arn


class CreateEventTracker(Input):
    """Input of CreateEventTracker."""

    name: Name
    dataset_group_arn: Arn
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class ListEverywhere(Input):
    """Input of ListDatasetGroups and ListSchemas."""

    next_token: NextToken | UnsetType = UNSET
    max_results: MaxResults = 100


class ListRecipes(ListEverywhere):
    """Input of ListRecipes."""

    recipe_provider: Literal["SERVICE"] | UnsetType = UNSET
    domain: Domain | UnsetType = UNSET


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


def naming(arn_field: str) -> BodyDecoder[Any]:
    """The decoder of an input with nothing but an ARN: Describe, Delete, Start, Stop. Its attribute is `arn`."""
    fields = [("arn", Arn, msgspec.field(name=arn_field))]
    return BodyDecoder(msgspec.defstruct("OneResource", fields, bases=(Input,), kw_only=True))


def listing(by: str | None) -> BodyDecoder[Any]:
    """The decoder of a list's input; its attribute `of` is what the list is asked for by, if it may be."""
    if by is None:
        return BodyDecoder(ListEverywhere)
    fields = [("of", Arn | UnsetType, msgspec.field(name=by, default=UNSET))]
    return BodyDecoder(msgspec.defstruct("ListOf", fields, bases=(ListEverywhere,), kw_only=True))
