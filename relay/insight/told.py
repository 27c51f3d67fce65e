"""What `Insight` is told, and whose it is."""

from typing import Final, NamedTuple

from msgspec import UNSET

from relay.intake.from_browser import Begun, Taken
from relay.sink.base import Delivered, Outcome, Refused, Throttled
from relay.wire.event import BeaconEvent


class TakenBeacon(NamedTuple):
    """A beacon whose events, or some of them, were taken."""

    begun: Begun
    taken: Taken


class RefusedBeacon(NamedTuple):
    """One that was not taken at all, or something else that was asked for in vain."""

    kind: str
    """`beacon`, `ignored`, `snippet`, `api`."""
    status: int
    error: str
    field: str
    origin: str
    site: str
    session_id: str
    trusted: bool


class CallMade(NamedTuple):
    """One call to the service."""

    operation: str
    target: str
    session_id: str
    user_id: str | None
    event_ids: tuple[str, ...]
    outcome: Outcome


ENTRY_BYTES: Final = 600
"""Of what is kept of a beacon or a call, beside its events."""


def lean_bytes(beacon: TakenBeacon) -> int:
    """Bytes that a beacon takes in memory, about, once the properties are let go, which nobody is shown.

    By what it holds, and not by what it sent: five hundred empty events are a kilobyte on the wire.
    """
    begun, taken = beacon
    seen = texts = 0
    for event in begun.events:
        if isinstance(event, BeaconEvent):
            event.properties = UNSET
            seen += len(event.impression or ())
            texts += len(event.item_id or "") + len(event.event_type) + len(event.recommendation_id or "")
    faults = len(taken.rejected) + len(taken.dropped or ())
    return ENTRY_BYTES + 450 * len(begun.events) + 100 * seen + 2 * texts + 150 * faults


def user_of(what: object) -> str | None:
    """Whose it is, if that is known."""
    if isinstance(what, TakenBeacon):
        return what.begun.decision.identity.user_id
    return what.user_id if isinstance(what, CallMade) else None


def sessions_of(what: object) -> set[str]:
    """The page's session, and the one its events went out under."""
    if isinstance(what, TakenBeacon):
        return {what.begun.session_id, what.begun.decision.identity.session_id}
    return {what.session_id} if isinstance(what, CallMade) else set()


def outcome_word(outcome: Outcome) -> str:
    """As the metric has it."""
    if isinstance(outcome, Delivered):
        return "delivered"
    if isinstance(outcome, Throttled):
        return "throttled"
    return "refused" if isinstance(outcome, Refused) else "unreachable"
