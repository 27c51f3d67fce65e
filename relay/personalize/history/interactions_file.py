"""Events written as an interactions file of Personalize, for a bulk import or for `put interactions`."""

import contextlib
import csv
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TextIO

import msgspec

from relay.core.limits import MAX_ID_CHARS
from relay.personalize.history.past_events import PROPERTIES
from relay.personalize.schema.columns import camel_case, column_case
from relay.wire.lenient_json import as_object
from relay.wire.values import say_something

FIXED_COLUMNS: Final = (
    "USER_ID",
    "ITEM_ID",
    "TIMESTAMP",
    "EVENT_TYPE",
    "EVENT_VALUE",
    "RECOMMENDATION_ID",
    "IMPRESSION",
    "EVENT_ATTRIBUTION_SOURCE",
)
ID_COLUMNS: Final = ("SESSION_ID", "EVENT_ID")
"""Not of the service's file; `put interactions` takes them, so that sessions and repeats stay what they are."""

_TAKEN: Final = frozenset({*FIXED_COLUMNS, *ID_COLUMNS, PROPERTIES})
"""A property whose column would be one of these has none of its own. `itemId` and `eventValue` fill the column of that
name where the event has no such field, as the service itself reads them."""

MAX_NAMES: Final = 1000
"""Names of properties that are counted: browsers make them up."""

_decode: Final = msgspec.json.Decoder().decode


class Event(Protocol):
    """An event at rest."""

    @property
    def session_id(self) -> str: ...  # noqa: D102 - as in `Record`
    @property
    def user_id(self) -> str | None: ...  # noqa: D102
    @property
    def event_id(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


class Survey(msgspec.Struct):
    """What must be known before the first row."""

    users: dict[str, str]
    """Of each session the first user it came with: all events of the session are this user's."""
    names: Counter[str]
    """How often each property comes."""
    types: Counter[str]
    """How often each type of event comes."""

    def columns(self, most: int) -> list[str]:
        """The properties that come most often and can have a column, in alphabetical order."""
        able = (name for name, _ in self.names.most_common() if column_case(name) not in _TAKEN)
        return sorted(itertools.islice(able, most))


class Written(msgspec.Struct):
    """What became of the events."""

    rows: int = 0
    without_user: int = 0
    without_item: int = 0
    repeated: int = 0
    unreadable: int = 0


def survey(events: Iterable[Event], bound: Mapping[str, str]) -> Survey:
    """Look through the events once.

    Args:
        events: All of one tracking id.
        bound: Users of sessions that are known from elsewhere.
    """
    found = Survey(dict(bound), Counter(), Counter())
    for event in events:
        if event.user_id is not None:
            found.users.setdefault(event.session_id, event.user_id)
        fields = _fields(event)
        if fields is None:
            continue
        for counter, names in ((found.names, properties_of(fields)), (found.types, [str(fields.get("eventType"))])):
            counter.update(name for name in names if name in counter or len(counter) < MAX_NAMES)
    return found


def write(
    out: TextIO,
    events: Iterable[Event],
    known: Survey,
    *,
    names: Sequence[str] | None,
    ids: bool,
    anonymous: bool,
) -> Written:
    """Write the head and a row for each event.

    Args:
        out: Where to; opened with `newline=""`.
        events: All of one tracking id.
        known: Of a survey of them.
        names: Properties that get a column; None for all of them in one, as the JSON they are.
        ids: Also `ID_COLUMNS`, and also events without a user or an item, whose cell stays empty.
        anonymous: The session id stands for the user where there is none.
    """
    done = Written()
    seen: set[int] = set()
    write_row = _row_writer(out)
    columns = None if names is None else columns_of(names)
    own_columns = [PROPERTIES] if columns is None else list(columns)
    write_row([*FIXED_COLUMNS, *own_columns, *(ID_COLUMNS if ids else ())])
    for event in events:
        fields = _fields(event)
        if fields is None:
            done.unreadable += 1
            continue
        user = event.user_id or known.users.get(event.session_id) or (event.session_id if anonymous else "")
        key = hash((event.session_id, event.event_id))
        properties = properties_of(fields)
        item = fields.get("itemId") or _item_in(properties)
        if not item and not ids:
            done.without_item += 1
        elif not user and not ids:
            done.without_user += 1
        elif key in seen:
            done.repeated += 1
        else:
            seen.add(key)
            done.rows += 1
            own = [fields.get("properties") or ""] if columns is None else _own_cells(properties, columns)
            fixed = _fixed(fields, item, properties)
            write_row([user, *fixed, *own, *((event.session_id, event.event_id) if ids else ())])
    return done


def columns_of(names: Iterable[str]) -> dict[str, list[str]]:
    """The columns of the properties: `price` and `PRICE` share one, and `eventId` has none."""
    columns: dict[str, list[str]] = {}
    for name in names:
        column = column_case(name)
        if column not in _TAKEN:
            columns.setdefault(column, []).append(name)
    for column, spellings in columns.items():
        spellings.sort(key=lambda name: name != camel_case(column))
    return columns


def properties_of(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of an event, which stand in it as a string."""
    text = fields.get("properties")
    return _object(text) or {} if isinstance(text, str) else {}


def _fields(event: Event) -> Mapping[str, Any] | None:
    fields = _object(event.body)
    return fields if fields is not None and isinstance(fields.get("sentAt"), int | float) else None


def _object(text: str | bytes) -> Mapping[str, Any] | None:
    try:
        return as_object(_decode(text))
    except (msgspec.DecodeError, UnicodeError):
        return None


def _own_cells(properties: Mapping[str, Any], columns: Mapping[str, Sequence[str]]) -> list[object]:
    return [
        next((_cell(properties[name]) for name in names if properties.get(name) is not None), "")
        for names in columns.values()
    ]


def _item_in(properties: Mapping[str, Any]) -> str:
    """Of an event as Amplify sends it, with the item among the properties."""
    item = properties.get("itemId")
    if isinstance(item, int) and not isinstance(item, bool):
        item = str(item)
    return item if isinstance(item, str) and 0 < len(item) <= MAX_ID_CHARS and say_something([item]) else ""


def _fixed(fields: Mapping[str, Any], item: str, properties: Mapping[str, Any]) -> list[object]:
    value = fields.get("eventValue")
    if value is None:
        value = _number_in(properties.get("eventValue"))
    attribution = as_object(fields.get("metricAttribution")) or {}
    return [
        item,
        int(fields["sentAt"]),
        fields.get("eventType", ""),
        _cell(value),
        fields.get("recommendationId", ""),
        _impression(fields.get("impression") or ()),
        attribution.get("eventAttributionSource", ""),
    ]


def _cell(value: object) -> object:
    """A value as it stands in the file: text and numbers as they are, the rest as JSON, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return msgspec.json.encode(value).decode()


def _number_in(value: object) -> float | None:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None


def _impression(items: Sequence[str]) -> str:
    """The ids with `|` between, as the service has it; as JSON where an id would be read as another, or as two."""
    if any("|" in item for item in items) or "".join(items[:1]).startswith("["):
        return msgspec.json.encode(items).decode()
    return "|".join(items)


def _row_writer(out: TextIO) -> Callable[[list[object]], object]:
    """Writes a row; cells with CR are quoted, which before Python 3.13 `csv` forgets."""
    plain = csv.writer(out, lineterminator="\n")
    quoted = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    return lambda row: (quoted if any("\r" in str(cell) for cell in row) else plain).writerow(row)
