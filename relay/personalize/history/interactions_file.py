"""Events written as an interactions file of Personalize, for a bulk import or for `put interactions`."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TextIO

import msgspec

from relay.personalize.schema.columns import column_case
from relay.wire.lenient_json import as_object

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
        """The properties that come most often, in alphabetical order."""
        return sorted(name for name, _ in self.names.most_common(most))


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
    names: Sequence[str],
    ids: bool,
    anonymous: bool,
) -> Written:
    """Write the head and a row for each event.

    Args:
        out: Where to; opened with `newline=""`.
        events: All of one tracking id.
        known: Of a survey of them.
        names: Properties that get a column.
        ids: Also `ID_COLUMNS`, and also sessions without a user, whose USER_ID stays empty.
        anonymous: The session id stands for the user where there is none.
    """
    done = Written()
    seen: set[int] = set()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*FIXED_COLUMNS, *(column_case(name) for name in names), *(ID_COLUMNS if ids else ())])
    for event in events:
        fields = _fields(event)
        if fields is None:
            done.unreadable += 1
            continue
        user = event.user_id or known.users.get(event.session_id) or (event.session_id if anonymous else "")
        key = hash((event.session_id, event.event_id))
        if not fields.get("itemId"):
            done.without_item += 1
        elif not user and not ids:
            done.without_user += 1
        elif key in seen:
            done.repeated += 1
        else:
            seen.add(key)
            done.rows += 1
            properties = properties_of(fields)
            own = [_cell(properties.get(name)) for name in names]
            writer.writerow(
                [user, *_fixed(fields), *own, *((event.session_id, event.event_id) if ids else ())],
            )
    return done


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


def _fixed(fields: Mapping[str, Any]) -> list[object]:
    attribution = as_object(fields.get("metricAttribution")) or {}
    return [
        fields["itemId"],
        int(fields["sentAt"]),
        fields.get("eventType", ""),
        _cell(fields.get("eventValue")),
        fields.get("recommendationId", ""),
        "|".join(fields.get("impression") or ()),
        attribution.get("eventAttributionSource", ""),
    ]


def _cell(value: object) -> object:
    """A value as it stands in the file: text and numbers as they are, the rest as JSON, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return msgspec.json.encode(value).decode()
