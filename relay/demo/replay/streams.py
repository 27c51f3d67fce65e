"""Click streams on file: events in order of time, whatever the format.

Known are the CSVs of YOOCHOOSE and REES46, the JSON Lines of OTTO, and the recorded trace of the demo.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import NAMESPACE_URL, uuid5

import msgspec

from relay.core.errors import RelayError

MAX_EVENTS: Final = 1_000_000
"""They are sorted in memory, about 700 bytes each. Cut a larger file."""

_REES46_TYPES: Final = {"view": "View", "cart": "AddToCart", "remove_from_cart": "RemoveFromCart"}
_OTTO_TYPES: Final = {"clicks": "Click", "carts": "AddToCart", "orders": "Purchase"}


class StreamError(RelayError):
    """The file is not a click stream that can be read."""


class StreamEvent(msgspec.Struct, frozen=True, gc=False):
    """One thing a visitor did, at its time in the stream."""

    at_ms: int
    session_id: str
    user_id: str | None
    fields: dict[str, Any]
    """As in a beacon, but for `sentAt`. `eventId` is the same whenever this file is read."""


class Stream(msgspec.Struct, frozen=True):
    """A whole file."""

    name: str
    kind: str
    events: tuple[StreamEvent, ...]
    """In order of time; at least one."""


_Row = tuple[int, str, str | None, dict[str, Any]]
"""Time in milliseconds, session and user as the file names them, fields of the event."""


def read_stream(path: Path) -> Stream:
    """Read a file; its first line says which format it has.

    Raises:
        StreamError: it cannot be read, none of the formats fits, or it is too large.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            kind, rows = _reader_of(file)
            events = list(_events(path.name, rows))
    except (OSError, UnicodeDecodeError) as error:
        raise StreamError(f"{path}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StreamError(f"{path}: not as a click stream should be: {error!r}") from None
    if not events:
        raise StreamError(f"{path}: no events")
    events.sort(key=lambda event: event.at_ms)
    return Stream(path.name, kind, tuple(events))


def _events(name: str, rows: Iterable[_Row]) -> Iterator[StreamEvent]:
    sessions: dict[str, str] = {}
    for number, (at_ms, session, user, fields) in enumerate(rows, 1):
        if number > MAX_EVENTS:
            raise ValueError(f"more than {MAX_EVENTS:,} events; cut the file")
        session_id = sessions.get(session)
        if session_id is None:
            session_id = sessions[session] = str(uuid5(NAMESPACE_URL, f"{name}#{session}"))
        yield StreamEvent(at_ms, session_id, user, {"eventId": str(uuid5(NAMESPACE_URL, f"{name}:{number}")), **fields})


def _reader_of(file: TextIO) -> tuple[str, Iterator[_Row]]:
    first = file.readline()
    file.seek(0)
    for kind, mark, reader in _READERS:
        if mark in first:
            return kind, reader(file)
    raise ValueError("its first line is of no known format")


def _yoochoose(file: TextIO) -> Iterator[_Row]:
    for row in csv.DictReader(file):
        fields = {"eventType": row["EVENT_TYPE"], "itemId": row["ITEM_ID"]}
        yield round(float(row["TIMESTAMP"]) * 1000), row["SESSION_ID"], None, fields


def _rees46(file: TextIO) -> Iterator[_Row]:
    for row in csv.DictReader(file):
        at = datetime.strptime(row["event_time"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
        kind = row["event_type"]
        fields: dict[str, Any] = {"eventType": _REES46_TYPES.get(kind, kind.title()), "itemId": row["product_id"]}
        if kind != "view" and row["price"]:
            fields["eventValue"] = float(row["price"])
        # Two users never share a session: where the file says so, the second has another one.
        session = f"{row['user_session']}/{row['user_id']}"
        yield round(at.timestamp() * 1000), session, row["user_id"], fields


def _otto(file: TextIO) -> Iterator[_Row]:
    for line in file:
        session = json.loads(line)
        for event in session["events"]:
            fields = {"eventType": _OTTO_TYPES[event["type"]], "itemId": str(event["aid"])}
            yield int(event["ts"]), str(session["session"]), None, fields


def _trace(file: TextIO) -> Iterator[_Row]:
    # The user of a session comes with its login, in the middle of it.
    for line in file:
        event = json.loads(line)
        yield int(event["at"]), event["session"], event.get("user"), event["event"]


_READERS: Final[tuple[tuple[str, str, Callable[[TextIO], Iterator[_Row]]], ...]] = (
    ("YOOCHOOSE clicks", "SESSION_ID,ITEM_ID,TIMESTAMP", _yoochoose),
    ("REES46 events", "event_time,event_type,product_id", _rees46),
    ("OTTO sessions", '"events":', _otto),
    ("trace of the demo", '"event":', _trace),
)
