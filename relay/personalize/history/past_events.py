"""Past interactions: rows of an interactions file made into events as PutEvents has them, with their own times."""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from relay.core.limits import MAX_CATEGORICAL_CHARS, MAX_ID_CHARS
from relay.core.model import Reason
from relay.personalize.put.cells import Cells, Value
from relay.personalize.put.problem import RowProblem
from relay.personalize.put.rows import Format, Row
from relay.personalize.schema.columns import Column, ColumnType, Schema

_KNOWN: Final = (
    Column("USER_ID", ColumnType.STRING, nullable=True),
    Column("ITEM_ID", ColumnType.STRING, nullable=True),
    Column("EVENT_TYPE", ColumnType.STRING),
    Column("TIMESTAMP", ColumnType.LONG),
    Column("EVENT_VALUE", ColumnType.DOUBLE, nullable=True),
    Column("IMPRESSION", ColumnType.STRING, nullable=True),
    Column("RECOMMENDATION_ID", ColumnType.STRING, nullable=True),
    Column("EVENT_ATTRIBUTION_SOURCE", ColumnType.STRING, nullable=True),
    Column("SESSION_ID", ColumnType.STRING, nullable=True),
    Column("EVENT_ID", ColumnType.STRING, nullable=True),
)
_OPTIONAL_TYPE: Final = Column("EVENT_TYPE", ColumnType.STRING, nullable=True)
_NAMES: Final = frozenset(column.name for column in _KNOWN)
_REQUIRED: Final = ("EVENT_TYPE", "TIMESTAMP")
_SENT_AT: Final = "sentAt"
"""What the API calls TIMESTAMP."""
PROPERTIES: Final = "PROPERTIES"
"""Of a file that `spool export --ids` wrote: all properties of an event as they were, whatever they are called."""


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

    def __init__(
        self,
        schema: Schema,
        file_format: Format,
        *,
        cells: Cells | None = None,
        event_type: str | None = None,
        ignore_unknown: bool = False,
    ) -> None:
        """Take the settings.

        Args:
            schema: Of the dataset.
            file_format: How the rows are written.
            cells: Reads the cells.
            event_type: Of rows that have none.
            ignore_unknown: Leave out columns the dataset does not have.
        """
        own = tuple(column for column in schema.columns if column.name not in _NAMES)
        names = {column.name for column in own}
        self._whole = None if PROPERTIES in names else Column(PROPERTIES, ColumnType.STRING, nullable=True)
        known = [c if c.name != "EVENT_TYPE" or not event_type else _OPTIONAL_TYPE for c in _KNOWN]
        self._schema = Schema((*known, *own, *([self._whole] if self._whole else [])))
        cells = cells or Cells()
        self._value_of = cells.from_text if file_format == "csv" else cells.from_json
        self._event_type = event_type
        self._ignore_unknown = ignore_unknown
        self._required = frozenset({*_REQUIRED, *(column.name for column in own if not column.nullable)})

    def header_problems(self, names: Sequence[str]) -> list[str]:
        """What is wrong with the columns of a CSV file as such, one line each."""
        columns = [self._column(name) for name in names]
        found = [column.name for column in columns if column is not None]
        missing = set(self._required - set(found))
        if self._event_type is not None:
            missing -= {"EVENT_TYPE"}
        if self._whole and PROPERTIES in found:
            missing &= set(_REQUIRED)
        elif "ITEM_ID" not in found:
            missing.add("ITEM_ID")
        problems = [
            f"column {name!r} is not in the dataset's schema; --ignore-unknown leaves it out"
            for name, column in zip(names, columns, strict=True)
            if column is None and not self._ignore_unknown
        ]
        problems += [f"column {name} is there twice" for name in sorted(set(found)) if found.count(name) > 1]
        problems += [
            f"column {name} is missing" + ("; --event-type says it for all rows" if name == "EVENT_TYPE" else "")
            for name in sorted(missing)
        ]
        if "USER_ID" not in found and "SESSION_ID" not in found:
            problems.append("column USER_ID is missing, and SESSION_ID too: one of them says whose events these are")
        return problems

    def event(self, row: Row) -> PastEvent | RowProblem:
        """The event of one row."""
        if isinstance(row.content, RowProblem):
            return row.content
        values: dict[str, Any] = {}
        properties: dict[str, Value] = {}
        for name, given in row.content.items():
            column = self._column(name)
            if column is None:
                if self._ignore_unknown:
                    continue
                return RowProblem("unknown_column", f"{name[:80]!r} is not in the dataset's schema")
            value = self._value(column, given)
            if isinstance(value, RowProblem):
                return value
            values[column.name] = value
            if column.name not in _NAMES and value is not None and column is not self._whole:
                properties[column.property_name] = cast("Value", value)
        whole = values.get(PROPERTIES) if self._whole else None
        values["EVENT_TYPE"] = values.get("EVENT_TYPE") or self._event_type
        missing = self._required - {name for name, value in values.items() if value is not None}
        if missing and (whole is None or not missing.isdisjoint(_REQUIRED)):
            return RowProblem(Reason.MISSING_FIELD, f"{', '.join(sorted(missing))}: missing")
        return _event(values, _together(whole, properties), row)

    def _value(self, column: Column, given: object) -> object | RowProblem:
        if column.name == "IMPRESSION" and not isinstance(given, str):
            return _too_long(given) or given
        if column is self._whole:
            return _whole_properties(given)
        value = self._value_of(column, given)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - CSV holds text only
        if column.name == "IMPRESSION" and isinstance(value, str):
            items = _impression(value)
            return _too_long(items) or items
        return value

    def _column(self, name: str) -> Column | None:
        return self._schema.column("TIMESTAMP" if name == _SENT_AT else name)


def _event(values: Mapping[str, Any], properties: object, row: Row) -> PastEvent | RowProblem:
    user_id: str | None = values.get("USER_ID")
    session_id: str | None = values.get("SESSION_ID")
    if session_id is None:
        if user_id is None:
            return RowProblem(Reason.MISSING_FIELD, "USER_ID, SESSION_ID: one of them says whose event this is")
        # One session for all of a user's past: calls fill up, and no two users ever share one.
        session_id = "history-" + hashlib.sha256(user_id.encode()).hexdigest()[:32]
    for name, value in (("USER_ID", user_id), ("SESSION_ID", session_id)):
        if value is not None and (not value.strip() or len(value) > MAX_ID_CHARS):
            return RowProblem(
                Reason.TOO_LONG if value.strip() else Reason.EMPTY, f"{name}: 1 to {MAX_ID_CHARS} characters"
            )
    fields: dict[str, Any] = {
        "eventType": values["EVENT_TYPE"],
        "itemId": values.get("ITEM_ID"),
        "eventValue": values.get("EVENT_VALUE"),
        "recommendationId": values.get("RECOMMENDATION_ID"),
        "impression": values.get("IMPRESSION") or None,
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
        at_s=values["TIMESTAMP"],
        fields={name: value for name, value in fields.items() if value is not None},
    )


def _whole_properties(given: object) -> object | RowProblem:
    """An object, or the text of one, which stays as it is; None where there is none."""
    if given is None or given == "":
        return None
    try:
        found = msgspec.json.decode(given) if isinstance(given, str) else given
    except (msgspec.DecodeError, UnicodeError) as error:
        return RowProblem(Reason.BAD_TYPE, f"{PROPERTIES}: {error}")
    if not isinstance(found, dict):
        return RowProblem(Reason.BAD_TYPE, f"{PROPERTIES}: is not a JSON object")
    return given


def _together(whole: object, own: Mapping[str, Value]) -> object:
    if not own:
        return whole
    given = cast("dict[str, Any]", msgspec.json.decode(whole) if isinstance(whole, str) else whole or {})
    return {**given, **own}


def _too_long(given: object) -> RowProblem | None:
    """Of an impression; what else may be wrong with it is found with the event."""
    chars = sum(len(str(item)) + 1 for item in cast("list[object]", given)) - 1 if isinstance(given, list) else 0
    if chars <= MAX_CATEGORICAL_CHARS:
        return None
    said = f"IMPRESSION: its ids have {chars} characters with | between, at most {MAX_CATEGORICAL_CHARS}"
    return RowProblem(Reason.TOO_LONG, said)


def _impression(text: str) -> list[str]:
    """Ids with `|` between; as JSON where an id has one itself."""
    if text.startswith("["):
        with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError, UnicodeError):
            return msgspec.json.decode(text, type=list[str])
    return text.split("|")
