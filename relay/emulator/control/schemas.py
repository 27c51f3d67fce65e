"""Schemas: what makes one, and which columns a dataset of each type needs in it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

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

_TYPES: Final = frozenset({"string", "int", "long", "float", "double", "boolean", "null"})
_NEEDS_METADATA: Final = frozenset({"ITEMS", "USERS", "ACTIONS"})


class _Field(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1)]
    type: str | list[str]
    categorical: bool = False


class _Schema(msgspec.Struct):
    type: str
    name: Annotated[str, Meta(min_length=1)]
    namespace: str
    fields: Annotated[list[_Field], Meta(min_length=1)]
    version: str


def check_schema(text: str) -> None:
    """InvalidInputException unless the text is an Avro schema as the service wants it."""
    _parse(text)


def check_columns(text: str, dataset_type: str, *, domain: str | None) -> None:
    """InvalidInputException unless a schema has the columns that a dataset of the type needs.

    Args:
        text: The schema, already checked.
        dataset_type: One of `DATASET_TYPES`.
        domain: Of the dataset group; interactions of a domain need an event type.
    """
    types = {field.name: field.type for field in _parse(text).fields}
    required: dict[str, Any] = dict(DATASET_TYPES[dataset_type])
    if domain is not None and dataset_type == "INTERACTIONS":
        required["EVENT_TYPE"] = "string"
    for column, wanted in required.items():
        if types.get(column) != wanted:
            raise invalid(f"A schema for {dataset_type} must have the column {column} of type {wanted}.")
    if dataset_type in _NEEDS_METADATA and len(types) == len(required):
        raise invalid(f"A schema for {dataset_type} must have at least one metadata column.")


@lru_cache(maxsize=64)
def categorical_keys(text: str) -> frozenset[str]:
    """The keys of `properties` whose columns a schema calls categorical: NUM_RATINGS is `numRatings`."""
    return frozenset(_key(field.name) for field in _parse(text).fields if field.categorical)


def _key(column: str) -> str:
    first, *rest = column.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)


def _parse(text: str) -> _Schema:
    try:
        schema = msgspec.json.decode(text, type=_Schema)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise invalid(f"Input is not valid Avro schema: {error}") from None
    if schema.type != "record" or schema.namespace != "com.amazonaws.personalize.schema" or schema.version != "1.0":
        raise invalid(
            "Input is not valid Avro schema: it must be a record of the namespace "
            "com.amazonaws.personalize.schema, version 1.0."
        )
    names = [field.name for field in schema.fields]
    if len(set(names)) != len(names):
        raise invalid("Input is not valid Avro schema: two fields have one name.")
    for field in schema.fields:
        if not _TYPES.issuperset([field.type] if isinstance(field.type, str) else field.type):
            raise invalid(f"Input is not valid Avro schema: type of {field.name}.")
    return schema
