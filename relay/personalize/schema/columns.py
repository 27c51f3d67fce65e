"""Schemas of datasets: what the columns are, how a property of the wire and a column of a file find each other.

A schema is an Avro record. Its columns are named LIKE_THIS; on the wire the service wants the camelCase of that
(NUM_RATINGS → numRatings). That is all the developer guide says of it: "the field name from your schema in camel case.
For example, GENRES would be genres and CREATION_TIMESTAMP would be creationTimestamp". Names of schemas are free, and
what the service makes of one like `memberClass` is not documented: there `camel_case` guesses, and says so.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec

from relay.personalize.errors import InvalidInputError

MAX_SCHEMA_CHARS: Final = 20_000
"""Length of a schema's JSON [M: AvroSchema]."""


class ColumnType(StrEnum):
    """Types of a column the service knows; a union with null makes the column nullable."""

    STRING = "string"
    INT = "int"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    BOOLEAN = "boolean"


class Column(msgspec.Struct, frozen=True):
    """One column of a dataset."""

    name: str
    kind: ColumnType
    nullable: bool = False
    categorical: bool = False
    """May hold several categories, joined with `|`."""
    textual: bool = False
    """Text for the service to understand, such as a description."""

    @property
    def property_name(self) -> str:
        """What the wire calls it."""
        return camel_case(self.name)

    @property
    def is_guessed(self) -> bool:
        """Whether `property_name` is a guess: the column is not named LIKE_THIS."""
        return self.name != self.name.upper()


class Schema:
    """The columns of a dataset, found by any of their spellings."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = columns
        self._exact = {column.name: column for column in columns} | {c.property_name: c for c in columns}
        self._folded = {_folded(column.name): column for column in columns}

    def column(self, name: str) -> Column | None:
        """The column of that name: `NUM_RATINGS`, `numRatings`, `num_ratings`, `Num Ratings`; None if there is none."""
        name = name.strip()
        return self._exact.get(name) or self._folded.get(_folded(name))


def parse_schema(text: str | bytes) -> Schema:
    """Read an Avro schema as the service takes it.

    Raises:
        InvalidInputError: it is not one; the message says where.
    """
    try:
        document: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"the schema is not JSON: {error}"
        raise InvalidInputError(message) from error
    if len(text) > MAX_SCHEMA_CHARS:
        message = f"the schema has {len(text)} characters, at most {MAX_SCHEMA_CHARS}"
        raise InvalidInputError(message)
    match document:
        case {"type": "record", "fields": [*fields]} if fields:
            return Schema(_distinct([_column(field) for field in fields]))
        case _:
            message = 'the schema is not an Avro record: {"type": "record", "fields": [...], ...}'
            raise InvalidInputError(message)


def camel_case(column_name: str) -> str:
    """The property name of a column: NUM_RATINGS → numRatings, CATEGORY_L1 → categoryL1.

    A guess for one that is not named so: what has capitals inside keeps them (memberClass, MemberClass → memberClass).
    """
    first, *rest = (word if word != word.upper() else word.lower() for word in column_name.split("_"))
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in rest)


def guesses(columns: Iterable[Column]) -> list[str]:
    """One line of the columns whose property name is a guess; none where there are none."""
    guessed = [f"{column.name} (as {column.property_name})" for column in columns if column.is_guessed]
    if not guessed:
        return []
    unknown = "how the service writes a name that is not LIKE_THIS is not documented"
    return [f"column {', '.join(guessed)}: a guess, since {unknown}; an export job of the dataset shows what it kept"]


def column_case(property_name: str) -> str:
    """The column name one would give a property: numRatings → NUM_RATINGS, categoryL1 → CATEGORY_L1.

    A guess where digits are involved: CATEGORY_1 and CATEGORY1 are `category1` both.
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", property_name).upper()


def _column(field: Any) -> Column:
    match field:
        case {"name": str(name), "type": str() | [*_] as declared}:
            kinds = [declared] if isinstance(declared, str) else declared
            plain = [kind for kind in kinds if kind != "null"]
            if len(plain) == 1 and plain[0] in list(ColumnType):
                return Column(
                    name=name,
                    kind=ColumnType(plain[0]),
                    nullable="null" in kinds,
                    categorical=field.get("categorical") is True,
                    textual=field.get("textual") is True,
                )
            message = (
                f"column {name}: the type {declared!r} is none of {', '.join(ColumnType)}, or one of them and null"
            )
        case _:
            message = f"a field of the schema has no name or no type: {field!r}"
    raise InvalidInputError(message)


def _distinct(columns: list[Column]) -> tuple[Column, ...]:
    """The columns, if the service can tell them apart: it looks at letters and digits alone (developer guide)."""
    seen: dict[str, str] = {}
    for column in columns:
        bare = re.sub(r"[^A-Za-z0-9]", "", column.name)
        if bare in seen:
            message = f"the columns {seen[bare]} and {column.name} differ in neither letters nor digits"
            raise InvalidInputError(message)
        seen[bare] = column.name
    return tuple(columns)


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
