"""A POST body to a `Beacon`: size, UTF-8, shape, version.

On the good path one typed decode with the service's limits in the types, which also refuses names it does not know.
When that fails, a second look takes each field by itself and each event by `salvage`, so that what cannot be used does
not take its neighbours with it, and nothing vanishes without a word. What fails both ways is not a beacon.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.core.model import Reason
from relay.wire.event import BeaconEvent, Rejected, have_saying_ids
from relay.wire.fields import Drop, Members, Notes
from relay.wire.lenient_event import salvage
from relay.wire.lenient_json import as_list, as_object, parse
from relay.wire.session_id import is_session_id
from relay.wire.values import MAX_WHOLE, Field, RefusedFieldError, number

MAX_EVENTS: Final = 500
"""Events in one beacon."""

LOST_REASONS: Final = frozenset({"outbox_full", "refused", "too_large"})
"""Why the snippet gives an event up. Anything else in `lost` counts as `other`: it is a metric label."""

_MAX_SENT_AT_MS: Final = 1e15
_Count = Annotated[int, Meta(ge=0, le=MAX_WHOLE)]
_Milliseconds = Annotated[float, Meta(ge=-_MAX_SENT_AT_MS, le=_MAX_SENT_AT_MS)]


class NotABeaconError(Exception):
    """The body is not a beacon; `reason` and `detail` are for the answer and name nothing of the body."""

    def __init__(self, reason: str, field: Field, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.field: Field = field
        self.detail = detail


class Beacon(msgspec.Struct, frozen=True, gc=False):
    """One POST body, understood."""

    session_id: str
    events: tuple[BeaconEvent | Rejected, ...]
    token: object = None
    """The site token as it came; `Tokens.site` judges it."""
    identity: object = None
    """The identity token as it came, or None."""
    sent_at_ms: float | None = None
    """By the browser's clock."""
    seq: int | None = None
    """Which of its session's beacons it is."""
    lost: Mapping[str, int] = {}
    """Events the page had to give up, by reason."""
    dropped: Sequence[Drop] = ()
    """Fields that were left out."""
    unknown: Mapping[str, int] = {}
    """Names of fields nobody knows, with how often they came; at most `MAX_UNKNOWN_NAMES` and `other`."""


class WireBeacon(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """The body when all of it is as it should be."""

    v: Annotated[int, Meta(ge=1, le=1)]
    session_id: str
    event_list: Annotated[list[BeaconEvent], Meta(max_length=MAX_EVENTS)]
    token: Any = None
    identity: Any = None
    sent_at: _Milliseconds | UnsetType = UNSET
    seq: _Count | UnsetType = UNSET
    lost: dict[str, _Count] | UnsetType = UNSET


_KNOWN: Final = frozenset(field.encode_name for field in msgspec.structs.fields(WireBeacon))
_decoder: Final = msgspec.json.Decoder(WireBeacon)


def decode(body: bytes) -> Beacon:
    """Understand a body.

    Args:
        body: At most `RELAY_MAX_BODY_BYTES`, whatever a client sent.

    Raises:
        NotABeaconError: no part of it can be taken.
    """
    # msgspec does not look into strings it skips, keeps NUL, and calls a lone surrogate truncated input.
    # `find`, since `in` first asks whether its left side is a number: an error made and dropped, ten times the search.
    is_ascii, has_escapes = body.isascii(), body.find(b"\\") >= 0
    if not (is_ascii or _is_utf8(body)):
        raise NotABeaconError("not_utf8", "body", "the body is not UTF-8")
    if has_escapes and (b"\\u0000" in body or b"\\ud" in body or b"\\uD" in body):
        return _second_look(body)
    try:
        wire = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return _second_look(body)
    # JSON takes no tab or line break within a string, so that ASCII without escapes has one blank only, if that.
    if not have_saying_ids(wire.event_list, has_blanks=has_escapes or not is_ascii or body.find(b" ") >= 0):
        return _second_look(body)
    return Beacon(
        _session_id(wire.session_id),
        tuple(wire.event_list),
        wire.token,
        None if wire.identity == "" else wire.identity,
        None if wire.sent_at is UNSET else wire.sent_at,
        None if wire.seq is UNSET else wire.seq,
        _by_known_reason(wire.lost) if wire.lost else {},
    )


def _session_id(given: object) -> str:
    if not isinstance(given, str) or not is_session_id(given):
        detail = "sessionId needs 16 to 256 of A-Z a-z 0-9 . _ ~ - and a real value"
        raise NotABeaconError("bad_session_id", "sessionId", detail)
    return given


def _by_known_reason(lost: dict[str, int]) -> dict[str, int]:
    if lost.keys() <= LOST_REASONS:
        return lost
    other = sum(count for reason, count in lost.items() if reason not in LOST_REASONS)
    return {**{reason: count for reason, count in lost.items() if reason in LOST_REASONS}, "other": other}


def _second_look(body: bytes) -> Beacon:
    notes = Notes()
    try:
        members = Members(parse(body.decode()), notes)
    except ValueError:
        raise NotABeaconError("not_json", "body", "the body is not JSON") from None
    except RefusedFieldError:
        raise NotABeaconError("bad_type", "body", "the body is not a JSON object") from None
    version = members.given("v")
    if isinstance(version, bool) or version != 1:
        raise NotABeaconError("bad_version", "v", "v must be 1")
    session_id = _session_id(members.given("sessionId"))
    given = members.given("eventList")
    events = as_list(given)
    if events is None:
        reason = Reason.MISSING_FIELD if given is None else Reason.BAD_TYPE
        raise NotABeaconError(reason, "eventList", "eventList is not a list")
    if len(events) > MAX_EVENTS:
        raise NotABeaconError("too_many_events", "eventList", f"eventList has more than {MAX_EVENTS} events")
    notes.count_unknown(members.names(), _KNOWN)
    sent_at = members.usable("sentAt", _sent_at)
    seq = members.usable("seq", _count)
    return Beacon(
        session_id,
        tuple(salvage(one, index, notes) for index, one in enumerate(events)),
        members.given("token"),
        None if (identity := members.given("identity")) == "" else identity,
        None if sent_at is UNSET else sent_at,
        None if seq is UNSET else seq,
        _lost(members, notes),
        notes.dropped,
        notes.unknown,
    )


def _sent_at(value: object) -> float:
    try:
        return number(value, _MAX_SENT_AT_MS)
    except RefusedFieldError:
        raise RefusedFieldError(Reason.BAD_TIME) from None


def _count(value: object) -> int:
    found = number(value, MAX_WHOLE)
    if found < 0 or found != int(found):
        raise RefusedFieldError(Reason.BAD_NUMBER)
    return int(found)


def _lost(members: Members, notes: Notes) -> dict[str, int]:
    counts: dict[str, int] = {}
    given = members.usable("lost", _object)
    fault: Reason | None = None
    for reason, count in given.items() if given else ():
        if count is None:
            continue
        try:
            counts[reason] = _count(count)
        except RefusedFieldError as refused:
            fault = refused.reason
    if fault:
        notes.drop("lost", fault)
    return _by_known_reason(counts)


def _object(value: object) -> dict[str, Any]:
    found = as_object(value)
    if found is None:
        raise RefusedFieldError(Reason.BAD_TYPE)
    return found


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
