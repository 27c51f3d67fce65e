"""Users, items and actions: rows of a file made into the records of PutUsers, PutItems and PutActions.

Everything the service would refuse is found here, row by row, because one bad record costs its nine neighbours
the call.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from relay.core.limits import (
    MAX_ID_CHARS,
    MAX_ITEM_PROPERTIES_CHARS,
    MAX_ITEM_STRING_CHARS,
    MAX_TEXTUAL_CHARS,
    MAX_USER_PROPERTIES_CHARS,
)
from relay.core.model import Operation, Reason
from relay.personalize.errors import InvalidInputError
from relay.personalize.put.cells import Cells, Value
from relay.personalize.put.problem import RowProblem
from relay.personalize.schema.columns import Column, Schema


class CatalogKind(NamedTuple):
    """One of the three: what the service calls its parts."""

    plural: str
    """`users`, `items` or `actions`: the list of the call, and the word of the command line."""
    operation: Operation
    dataset_type: str
    id_name: str
    id_column: str
    max_properties_chars: int
    max_string_chars: int | None = None
    """Of a string that is neither categorical nor textual; None: the service names no limit."""


USERS: Final = CatalogKind("users", Operation.PUT_USERS, "Users", "userId", "USER_ID", MAX_USER_PROPERTIES_CHARS)
ITEMS: Final = CatalogKind(
    "items", Operation.PUT_ITEMS, "Items", "itemId", "ITEM_ID", MAX_ITEM_PROPERTIES_CHARS, MAX_ITEM_STRING_CHARS
)
ACTIONS: Final = CatalogKind(
    "actions", Operation.PUT_ACTIONS, "Actions", "actionId", "ACTION_ID", MAX_ITEM_PROPERTIES_CHARS
)
CATALOG_KINDS: Final = {kind.plural: kind for kind in (USERS, ITEMS, ACTIONS)}


class CatalogRecord(msgspec.Struct, frozen=True):
    """One entry of the call's list, complete and checked."""

    id: str
    properties: str
    """A JSON object, serialised; at least `{}`."""

    def entry(self, kind: CatalogKind) -> dict[str, str]:
        """As the service's API has it: the id under its name, and `properties` unless there are none."""
        entry = {kind.id_name: self.id}
        if self.properties != "{}":
            entry["properties"] = self.properties
        return entry

    def wire(self, kind: CatalogKind) -> bytes:
        """The same as JSON."""
        return msgspec.json.encode(self.entry(kind))


class CatalogRows:
    """Makes records of rows, by the schema of the dataset they go to."""

    def __init__(
        self, kind: CatalogKind, schema: Schema, *, cells: Cells | None = None, ignore_unknown: bool = False
    ) -> None:
        self.kind = kind
        self._schema = schema
        self._cells = cells or Cells()
        self._ignore_unknown = ignore_unknown
        self._required = tuple(c for c in schema.columns if not c.nullable and c.name != kind.id_column)
        self._nothing_missing = frozenset(c.name for c in self._required)
        if schema.column(kind.id_column) is None:
            message = f"the dataset's schema has no column {kind.id_column}: it is not a dataset of {kind.plural}"
            raise InvalidInputError(message)
        self._found: dict[str, Column | None] = {}

    def header_problems(self, names: Sequence[str]) -> list[str]:
        """What is wrong with the columns of a CSV file as such, one line each; nothing when rows can be read."""
        problems: list[str] = []
        seen: dict[str, str] = {}
        for name in names:
            column = self._schema.column(name)
            if column is None:
                if not self._ignore_unknown:
                    known = ", ".join(c.name for c in self._schema.columns)
                    problems.append(
                        f"column {name!r} is not in the dataset's schema ({known}); --ignore-unknown leaves it out"
                    )
            elif column.name in seen:
                problems.append(f"columns {seen[column.name]!r} and {name!r} are the same column {column.name}")
            else:
                seen[column.name] = name
        problems += [
            f"column {name} is missing, and the dataset's schema requires it"
            for name in (self.kind.id_column, *(c.name for c in self._required))
            if name not in seen
        ]
        return problems

    def from_csv(self, cells: Mapping[str, Any]) -> CatalogRecord | RowProblem:
        """A record of one row of CSV."""
        return self._record(cells, self._cells.from_text)

    def from_object(self, row: Mapping[str, Any]) -> CatalogRecord | RowProblem:
        """A record of one JSON object: flat, or as the API has it with the properties under `properties`."""
        nested = row.get("properties")
        if nested is not None and self._schema.column("properties") is None:
            if isinstance(nested, str):
                try:
                    nested = msgspec.json.decode(nested)
                except msgspec.DecodeError as error:
                    return RowProblem(Reason.BAD_TYPE, f"properties: {error}")
            if not isinstance(nested, dict):
                return RowProblem(Reason.BAD_TYPE, "properties: is not an object")
            row = {name: value for name, value in row.items() if name != "properties"} | nested
        return self._record(row, self._cells.from_json)

    def _record(
        self, row: Mapping[str, Any], value_of: Callable[[Column, Any], Value | RowProblem]
    ) -> CatalogRecord | RowProblem:
        record_id: Value = None
        properties: dict[str, Value] = {}
        missing = set(self._nothing_missing)
        for name, given in row.items():
            column = self._column(name)
            if column is None:
                if self._ignore_unknown:
                    continue
                return RowProblem("unknown_column", f"{name[:80]!r} is not in the dataset's schema")
            value = value_of(column, given)
            if isinstance(value, RowProblem):
                return value
            if isinstance(value, str) and (problem := self._too_long(column, value)):
                return problem
            if column.name == self.kind.id_column:
                record_id = value
            elif column.property_name in properties:
                return RowProblem("unknown_column", f"{column.name} is there twice")
            else:
                properties[column.property_name] = value
                missing.discard(column.name)
        if missing:
            return RowProblem(
                Reason.MISSING_FIELD, f"{', '.join(sorted(missing))}: missing, and the schema requires it"
            )
        return self._checked(record_id, properties)

    def _too_long(self, column: Column, value: str) -> RowProblem | None:
        most = MAX_TEXTUAL_CHARS if column.textual else self.kind.max_string_chars
        if most is None or len(value) <= most or column.name == self.kind.id_column:
            return None
        textual = "" if column.textual else ", as the schema does not call the column textual"
        return RowProblem(Reason.TOO_LONG, f"{column.name}: has {len(value)} characters, at most {most}{textual}")

    def _checked(self, record_id: Value, properties: dict[str, Value]) -> CatalogRecord | RowProblem:
        name = self.kind.id_column
        if not isinstance(record_id, str):
            return RowProblem(Reason.MISSING_FIELD, f"{name}: missing")
        if not record_id.strip():
            return RowProblem(Reason.EMPTY, f"{name}: is blank")
        if len(record_id) > MAX_ID_CHARS:
            return RowProblem(Reason.TOO_LONG, f"{name}: has {len(record_id)} characters, at most {MAX_ID_CHARS}")
        serialised = msgspec.json.encode(properties).decode()
        if len(serialised) > self.kind.max_properties_chars:
            return RowProblem(
                Reason.TOO_LONG,
                f"properties have {len(serialised)} characters, at most {self.kind.max_properties_chars}",
            )
        return CatalogRecord(record_id, serialised)

    def _column(self, name: str) -> Column | None:
        if name in self._found:
            return self._found[name]
        column = self._schema.column(name)
        if len(self._found) < 1000:  # JSON objects may bring ever new names
            self._found[name] = column
        return column
