"""A POST body to a `Beacon`: size, UTF-8, shape, version.

On the good path one typed decode with the service's limits in the types. When that fails, `salvage` looks at each
event by itself, so that a bad one does not take its neighbours with it. What fails both ways is not a beacon.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.wire.event import BeaconEvent, Rejected, have_saying_ids
from relay.wire.lenient_event import salvage
from relay.wire.lenient_json import as_list, as_object, parse
from relay.wire.session_id import is_session_id

MAX_EVENTS: Final = 500
"""Events in one beacon."""

LOST_REASONS: Final = frozenset({"outbox_full", "refused", "too_large"})
"""Why the snippet gives an event up. Anything else in `lost` counts as `other`: it is a metric label."""

_MAX_SENT_AT_MS: Final = 1e15
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Milliseconds = Annotated[float, Meta(ge=-_MAX_SENT_AT_MS, le=_MAX_SENT_AT_MS)]


class NotABeaconError(Exception):
    """The body is not a beacon; `reason` and `detail` are for the answer and name nothing of the body."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
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
    lost: dict[str, int] = {}
    """Events the page had to give up, by reason."""


class _Wire(msgspec.Struct, rename="camel", gc=False):
    """The body when all of it is as it should be."""

    v: Annotated[int, Meta(ge=1, le=1)]
    session_id: str
    event_list: Annotated[list[BeaconEvent], Meta(max_length=MAX_EVENTS)]
    token: Any = None
    identity: Any = None
    sent_at: _Milliseconds | UnsetType = UNSET
    seq: _Count | UnsetType = UNSET
    lost: dict[str, _Count] | UnsetType = UNSET


_decoder: Final = msgspec.json.Decoder(_Wire)


def decode(body: bytes) -> Beacon:
    """Understand a body.

    Args:
        body: At most `RELAY_MAX_BODY_BYTES`, whatever a client sent.

    Raises:
        NotABeaconError: no part of it can be taken.
    """
    # msgspec does not look into strings it skips, keeps NUL, and calls a lone surrogate truncated input.
    if not (body.isascii() or _is_utf8(body)):
        raise NotABeaconError("not_utf8", "the body is not UTF-8")
    if b"\\" in body and (b"\\u0000" in body or b"\\ud" in body or b"\\uD" in body):
        return _tolerant(body)
    try:
        wire = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return _tolerant(body)
    if not have_saying_ids(wire.event_list):
        return _tolerant(body)
    return _beacon(
        session_id=wire.session_id,
        events=tuple(wire.event_list),
        token=wire.token,
        identity=wire.identity,
        sent_at=None if wire.sent_at is UNSET else wire.sent_at,
        lost={} if wire.lost is UNSET else wire.lost,
    )


def _beacon(
    *,
    session_id: str,
    events: tuple[BeaconEvent | Rejected, ...],
    token: object,
    identity: object,
    sent_at: float | None,
    lost: dict[str, int],
) -> Beacon:
    if not is_session_id(session_id):
        raise NotABeaconError("bad_session_id", "sessionId needs 16 to 256 of A-Z a-z 0-9 . _ ~ - and a real value")
    if lost and not lost.keys() <= LOST_REASONS:
        other = sum(count for reason, count in lost.items() if reason not in LOST_REASONS)
        lost = {**{reason: count for reason, count in lost.items() if reason in LOST_REASONS}, "other": other}
    return Beacon(session_id, events, token, identity or None, sent_at, lost)


def _tolerant(body: bytes) -> Beacon:
    try:
        raw = as_object(parse(body.decode()))
    except ValueError:
        raise NotABeaconError("not_json", "the body is not JSON") from None
    if raw is None:
        raise NotABeaconError("bad_type", "the body is not a JSON object")
    version = raw.get("v")
    if isinstance(version, bool) or version != 1:
        raise NotABeaconError("bad_version", "v must be 1")
    session_id = raw.get("sessionId")
    if not isinstance(session_id, str):
        raise NotABeaconError("bad_session_id", "sessionId is missing or not a string")
    events = as_list(raw.get("eventList"))
    if events is None:
        raise NotABeaconError("bad_type" if "eventList" in raw else "missing_field", "eventList is not a list")
    if len(events) > MAX_EVENTS:
        raise NotABeaconError("too_many_events", f"eventList has more than {MAX_EVENTS} events")
    return _beacon(
        session_id=session_id,
        events=tuple(salvage(one) for one in events),
        token=raw.get("token"),
        identity=raw.get("identity"),
        sent_at=_sent_at(raw),
        lost=_lost(raw),
    )


def _sent_at(raw: dict[str, Any]) -> float | None:
    value = raw.get("sentAt")
    if "sentAt" not in raw:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MAX_SENT_AT_MS:
        raise NotABeaconError("bad_time", "sentAt is not a time in milliseconds")
    return float(value)


def _lost(raw: dict[str, Any]) -> dict[str, int]:
    _count(raw.get("seq", 0), "seq")
    lost = as_object(raw.get("lost", {}))
    if lost is None:
        raise NotABeaconError("bad_type", "lost is not an object")
    return {reason: _count(count, "lost") for reason, count in lost.items()}


def _count(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 2**53:
        raise NotABeaconError("bad_type", f"{name} does not count")
    return value


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
