"""Schemas: what makes one, and which columns a dataset of each type needs, and may have, in it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.data.properties import key_of
from relay.emulator.wire.errors import invalid

DATASET_TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "INTERACTIONS": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
    "ITEMS": {"ITEM_ID": "string"},
    "USERS": {"USER_ID": "string"},
    "ACTIONS": {"ACTION_ID": "string"},
    "ACTION_INTERACTIONS": {
        "USER_ID": "string",
        "ACTION_ID": "string",
        "EVENT_TYPE": "string",
        "TIMESTAMP": "long",
    },
}
"""Dataset type → its required columns and their types."""

MAX_METADATA: Final[Mapping[str, int]] = {
    "INTERACTIONS": 5,
    "ITEMS": 100,
    "USERS": 25,
    "ACTIONS": 10,
    "ACTION_INTERACTIONS": 5,
}
"""Columns beside the required and the reserved ones [the quotas page of the developer guide; those of actions are not
on it and follow the page on their schemas]."""

RESERVED: Final[Mapping[str, frozenset[str]]] = {
    "INTERACTIONS": frozenset(
        {"EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE"}
    ),
    "ITEMS": frozenset({"CREATION_TIMESTAMP"}),
    "USERS": frozenset(),
    "ACTIONS": frozenset({"CREATION_TIMESTAMP", "VALUE", "ACTION_EXPIRATION_TIMESTAMP", "REPEAT_FREQUENCY"}),
    "ACTION_INTERACTIONS": frozenset({"EVENT_ID", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID"}),
}
"""Columns with a meaning of their own, which are no metadata."""

_TYPES: Final = frozenset({"string", "int", "long", "float", "double", "boolean", "null"})
_NEEDS_METADATA: Final = frozenset({"ITEMS", "USERS", "ACTIONS"})


class Column(NamedTuple):
    """A column, as imports see it."""

    name: str
    type: str
    nullable: bool
    categorical: bool


class _Field(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1)]
    type: str | list[str]
    categorical: bool | None = False
    textual: bool | None = False


class _Schema(msgspec.Struct):
    type: str
    name: Annotated[str, Meta(min_length=1)]
    fields: Annotated[list[_Field], Meta(min_length=1)]
    namespace: str | None = None
    version: str | float | UnsetType | None = UNSET
    """Any, or none: Avro knows no such attribute, and the service's own samples leave it out."""


def check_schema(text: str) -> None:
    """InvalidInputException unless the text is an Avro schema as the service wants it."""
    _parse(text)


def check_columns(text: str, dataset_type: str, *, domain: str | None) -> None:
    """InvalidInputException unless a schema has the columns that a dataset of the type needs, and not too many.

    Args:
        text: The schema, already checked.
        dataset_type: One of `DATASET_TYPES`.
        domain: Of the dataset group; interactions of a domain need an event type.
    """
    fields = _parse(text).fields
    types = {field.name: field.type for field in fields}
    required: dict[str, Any] = dict(DATASET_TYPES[dataset_type])
    if domain is not None and dataset_type == "INTERACTIONS":
        required["EVENT_TYPE"] = "string"
    for column, wanted in required.items():
        if types.get(column) != wanted:
            raise invalid(f"A schema for {dataset_type} must have the column {column} of type {wanted}.")
    if dataset_type in _NEEDS_METADATA and len(types) == len(required):
        raise invalid(f"A schema for {dataset_type} must have at least one metadata column.")
    metadata = types.keys() - required.keys() - RESERVED[dataset_type]
    if len(metadata) > MAX_METADATA[dataset_type]:
        raise invalid(f"A schema for {dataset_type} may have {MAX_METADATA[dataset_type]} metadata columns at most.")
    if sum(field.textual or False for field in fields) > 1:
        raise invalid("A schema may have one textual column at most.")


@lru_cache(maxsize=64)
def categorical_keys(text: str) -> frozenset[str]:
    """The keys of `properties` whose columns a schema calls categorical: NUM_RATINGS is `numRatings`."""
    return frozenset(key_of(field.name) for field in _parse(text).fields if field.categorical)


@lru_cache(maxsize=64)
def columns_of(text: str) -> Mapping[str, Column]:
    """The columns of a schema by name."""
    return {field.name: _column(field) for field in _parse(text).fields}


def _column(field: _Field) -> Column:
    types = [field.type] if isinstance(field.type, str) else field.type
    solid = [one for one in types if one != "null"]
    return Column(field.name, solid[0] if solid else "string", "null" in types, bool(field.categorical))


def _parse(text: str) -> _Schema:
    try:
        schema = msgspec.json.decode(text, type=_Schema)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise invalid(f"Input is not valid Avro schema: {error}") from None
    if schema.type != "record" or schema.namespace != "com.amazonaws.personalize.schema":
        raise invalid(
            "Input is not valid Avro schema: it must be a record of the namespace com.amazonaws.personalize.schema."
        )
    names = [field.name for field in schema.fields]
    if len(set(names)) != len(names):
        raise invalid("Input is not valid Avro schema: two fields have one name.")
    for field in schema.fields:
        if not field.type or not _TYPES.issuperset([field.type] if isinstance(field.type, str) else field.type):
            raise invalid(f"Input is not valid Avro schema: type of {field.name}.")
    return schema
