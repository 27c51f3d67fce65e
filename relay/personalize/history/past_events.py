"""Past interactions: rows of an interactions file made into events as PutEvents has them, with their own times."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from relay.core.limits import MAX_ID_CHARS
from relay.core.model import Reason
from relay.personalize.put.cells import Value, from_json, from_text
from relay.personalize.put.problem import Problem
from relay.personalize.put.rows import Format, Row
from relay.personalize.schema.columns import Column, ColumnType, Schema

_KNOWN: Final = (
    Column("USER_ID", ColumnType.STRING, nullable=True),
    Column("ITEM_ID", ColumnType.STRING, nullable=True),
    Column("EVENT_TYPE", ColumnType.STRING),
    Column("TIMESTAMP", ColumnType.LONG),
    Column("EVENT_VALUE", ColumnType.DOUBLE, nullable=True),
    Column("IMPRESSION", ColumnType.STRING, nullable=True, categorical=True),
    Column("RECOMMENDATION_ID", ColumnType.STRING, nullable=True),
    Column("EVENT_ATTRIBUTION_SOURCE", ColumnType.STRING, nullable=True),
    Column("SESSION_ID", ColumnType.STRING, nullable=True),
    Column("EVENT_ID", ColumnType.STRING, nullable=True),
)
_NAMES: Final = frozenset(column.name for column in _KNOWN)
_REQUIRED: Final = ("EVENT_TYPE", "TIMESTAMP")
_SENT_AT: Final = "sentAt"
"""What the API calls TIMESTAMP."""
_LATEST_S: Final = 100_000_000_000
"""The year 5138: what is beyond is milliseconds."""


class PastEvent(msgspec.Struct, frozen=True):
    """One row, as an event of its session."""

    session_id: str
    user_id: str | None
    event_id: str
    at_s: int
    """When it happened, Unix seconds."""
    fields: Mapping[str, Any]
    """Of PutEvents' event, without `eventId` and `sentAt`; `properties` still an object."""


class HistoryRows:
    """Makes events of rows, by the schema of the interactions dataset they go to."""

    def __init__(self, schema: Schema, file_format: Format, *, ignore_unknown: bool = False) -> None:
        own = tuple(column for column in schema.columns if column.name not in _NAMES)
        self._schema = Schema((*_KNOWN, *own))
        self._value_of = from_text if file_format == "csv" else from_json
        self._ignore_unknown = ignore_unknown
        self._required = frozenset({*_REQUIRED, *(column.name for column in own if not column.nullable)})

    def header_problems(self, names: Sequence[str]) -> list[str]:
        """What is wrong with the columns of a CSV file as such, one line each."""
        columns = [self._column(name) for name in names]
        found = [column.name for column in columns if column is not None]
        problems = [
            f"column {name!r} is not in the dataset's schema; --ignore-unknown leaves it out"
            for name, column in zip(names, columns, strict=True)
            if column is None and not self._ignore_unknown
        ]
        problems += [f"column {name} is there twice" for name in sorted(set(found)) if found.count(name) > 1]
        problems += [f"column {name} is missing" for name in sorted(self._required - set(found))]
        if "USER_ID" not in found and "SESSION_ID" not in found:
            problems.append("column USER_ID is missing, and SESSION_ID too: one of them says whose events these are")
        return problems

    def event(self, row: Row) -> PastEvent | Problem:
        """The event of one row."""
        if isinstance(row.content, Problem):
            return row.content
        values: dict[str, Value] = {}
        properties: dict[str, Value] = {}
        for name, given in _flat(row.content).items():
            column = self._column(name)
            if column is None:
                if self._ignore_unknown:
                    continue
                return Problem("unknown_column", f"{name[:80]!r} is not in the dataset's schema")
            value = self._value_of(column, given)  # pyright: ignore[reportArgumentType] - CSV holds text only
            if isinstance(value, Problem):
                return value
            values[column.name] = value
            if column.name not in _NAMES and value is not None:
                properties[column.property_name] = value
        missing = self._required - {name for name, value in values.items() if value is not None}
        if missing:
            return Problem(Reason.MISSING_FIELD, f"{', '.join(sorted(missing))}: missing")
        return _event(values, properties, row)

    def _column(self, name: str) -> Column | None:
        return self._schema.column("TIMESTAMP" if name == _SENT_AT else name)


def _event(values: Mapping[str, Any], properties: Mapping[str, Value], row: Row) -> PastEvent | Problem:
    at_s: int = values["TIMESTAMP"]
    if not 0 <= at_s < _LATEST_S:
        return Problem(Reason.BAD_TIME, f"TIMESTAMP: {at_s} is no Unix time in seconds")
    user_id: str | None = values.get("USER_ID")
    session_id: str | None = values.get("SESSION_ID")
    if session_id is None:
        if user_id is None:
            return Problem(Reason.MISSING_FIELD, "USER_ID, SESSION_ID: one of them says whose event this is")
        # One session for all of a user's past: calls fill up, and no two users ever share one.
        session_id = "history-" + hashlib.sha256(user_id.encode()).hexdigest()[:32]
    for name, value in (("USER_ID", user_id), ("SESSION_ID", session_id)):
        if value is not None and (not value.strip() or len(value) > MAX_ID_CHARS):
            return Problem(
                Reason.TOO_LONG if value.strip() else Reason.EMPTY, f"{name}: 1 to {MAX_ID_CHARS} characters"
            )
    fields: dict[str, Any] = {
        "eventType": values["EVENT_TYPE"],
        "itemId": values.get("ITEM_ID"),
        "eventValue": values.get("EVENT_VALUE"),
        "recommendationId": values.get("RECOMMENDATION_ID"),
        "impression": values["IMPRESSION"].split("|") if values.get("IMPRESSION") else None,
        "metricAttribution": (
            {"eventAttributionSource": values["EVENT_ATTRIBUTION_SOURCE"]}
            if values.get("EVENT_ATTRIBUTION_SOURCE")
            else None
        ),
        "properties": properties or None,
    }
    return PastEvent(
        session_id=session_id,
        user_id=user_id,
        # The same for the same row of the same file, so that a repeat is left out of training.
        event_id=values.get("EVENT_ID") or hashlib.sha256(b"%d:" % row.number + row.raw).hexdigest()[:32],
        at_s=at_s,
        fields={name: value for name, value in fields.items() if value is not None},
    )


def _flat(row: Mapping[str, Any]) -> Mapping[str, Any]:
    nested = row.get("properties")
    if not isinstance(nested, dict):
        return row
    own: dict[str, Any] = nested  # pyright: ignore[reportUnknownVariableType] - JSON
    return {name: value for name, value in row.items() if name != "properties"} | own
