"""Takes a beacon's events: checks each, corrects its time, and puts the good ones on disk.

When what was begun has been `stored`, the accepted events are in the spool for good.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from relay.core.clock import Clock
from relay.core.model import MOST_EVENTS, NewRecord, Operation, Provenance, Reason, SessionKey
from relay.core.telemetry import Metrics
from relay.identity.bindings import Bindings
from relay.identity.decision import Decision, Identities, IdentityResult
from relay.spool.contract import Spool
from relay.spool.receipt import Receipt, Repeated
from relay.wire.event import BeaconEvent, Rejected, entry

_NOTHING: Final = Receipt()
_NOTHING.succeed(frozenset())


class Rejection(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One event that was not taken."""

    index: int
    """In the beacon's `eventList`."""
    reason: Reason
    event_id: str | None = None


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What became of a beacon; its JSON is the body of the 202."""

    accepted: int
    rejected: list[Rejection]
    identity: IdentityResult


class Begun(msgspec.Struct, frozen=True, gc=False):
    """A beacon on its way to the disk."""

    stored: Receipt
    """Which of the events were not stored, for they are here already."""
    decision: Decision
    event_ids: list[str]
    """Of those that went to the spool."""
    places: list[int]
    """Of each of them in the beacon's `eventList`."""
    rejected: list[Rejection]
    without_item: int


class Destination(msgspec.Struct, frozen=True):
    """Where a site's events go, and which it wants."""

    site: str
    tracking_id: str
    event_types: frozenset[str] | None = None


class Intake:
    """From events to records on disk."""

    def __init__(
        self,
        *,
        spool: Spool,
        identities: Identities,
        bindings: Bindings,
        metrics: Metrics,
        clock: Clock,
        make_id: Callable[[], str],
        max_event_age_s: float,
    ) -> None:
        self._spool = spool
        self._identities = identities
        self._bindings = bindings
        self._metrics = metrics
        self._clock = clock
        self._make_id = make_id
        self._max_age_ms = max_event_age_s * 1000

    def begin(
        self,
        events: Sequence[BeaconEvent | Rejected],
        *,
        destination: Destination,
        session_id: str,
        sent_at_ms: float | None,
        identity_token: object,
    ) -> Begun:
        """Decide who sent the events, and hand the good ones to the spool. To be ended by `finish`.

        Raises:
            SpoolFullError: nothing was taken, for want of room; by the call or when `stored` is awaited, as the next.
            SpoolError: nothing was taken, the disk refused.
        """
        decision = self._identities.decide(
            site=destination.site, target=destination.tracking_id, session_id=session_id, token=identity_token
        )
        self._metrics.identities[decision.result] += 1
        return self._begin(
            events, destination=destination, session_id=session_id, sent_at_ms=sent_at_ms, decision=decision
        )

    async def take_trusted(
        self,
        events: Sequence[BeaconEvent | Rejected],
        *,
        destination: Destination,
        session_id: str,
        sent_at_ms: float | None,
        user_id: str | None,
    ) -> Taken:
        """Take events from a backend whose word on the user counts. Raises as `begin`."""
        decision = self._identities.trust(
            site=destination.site, target=destination.tracking_id, session_id=session_id, user_id=user_id
        )
        begun = self._begin(
            events, destination=destination, session_id=session_id, sent_at_ms=sent_at_ms, decision=decision
        )
        return self.finish(begun, await begun.stored)

    def _begin(
        self,
        events: Sequence[BeaconEvent | Rejected],
        *,
        destination: Destination,
        session_id: str,
        sent_at_ms: float | None,
        decision: Decision,
    ) -> Begun:
        now_ms = self._clock.now_ms()
        skew_ms = 0.0 if sent_at_ms is None else now_ms - sent_at_ms
        key = SessionKey(Operation.PUT_EVENTS, destination.tracking_id, decision.identity.session_id)
        rejected: list[Rejection] = []
        bodies: list[bytes] = []
        event_ids: list[str] = []
        places: list[int] = []
        without_item = 0
        for index, event in enumerate(events):
            if isinstance(event, Rejected):
                rejected.append(Rejection(index, event.reason, event.event_id))
                continue
            given, event_id = event.event_id or None, event.event_id or self._make_id()
            if destination.event_types is not None and event.event_type not in destination.event_types:
                body: bytes | Reason = Reason.UNKNOWN_EVENT_TYPE
            else:
                body = entry(event, event_id=event_id, skew_ms=skew_ms, now_ms=now_ms, max_age_ms=self._max_age_ms)
            if isinstance(body, Reason):
                rejected.append(Rejection(index, body, given))
                continue
            bodies.append(body)
            event_ids.append(event_id)
            places.append(index)
            without_item += not event.item_id
        came = _provenance(session_id, decision)
        records = pieces(key, decision.identity.user_id, event_ids, bodies, came)
        stored = self._spool.append(records, decision.binding) if records or decision.binding else _NOTHING
        return Begun(stored, decision, event_ids, places, rejected, without_item)

    def finish(self, begun: Begun, repeated: Repeated) -> Taken:
        """Everything is on disk; `repeated` is what `stored` gave."""
        rejected = begun.rejected
        if begun.decision.binding:
            self._bindings.saved(begun.decision.binding)
        if repeated:
            for record, place in repeated:
                event = record * MOST_EVENTS + place
                rejected.append(Rejection(begun.places[event], Reason.DUPLICATE, begun.event_ids[event]))
        if rejected:
            rejected.sort(key=lambda one: one.index)
            for one in rejected:
                self._metrics.events_rejected[one.reason] += 1
        if begun.without_item:
            self._metrics.events_without_item.inc(begun.without_item)
        return Taken(len(begun.event_ids) - len(repeated), rejected, begun.decision.result)


def pieces(
    key: SessionKey,
    user_id: str | None,
    event_ids: Sequence[str],
    bodies: Sequence[bytes],
    came: Provenance | None = None,
) -> list[NewRecord]:
    """Checked events as records of `MOST_EVENTS` each, the last of what is left."""
    records: list[NewRecord] = []
    for start in range(0, len(bodies), MOST_EVENTS):
        some = bodies[start : start + MOST_EVENTS]
        ends = tuple(accumulate([len(some[0]), *[1 + len(body) for body in some[1:]]]))
        ids = tuple(event_ids[start : start + MOST_EVENTS])
        records.append(NewRecord(key, user_id, ids, b",".join(some), ends, came=came))
    return records


def _provenance(session_id: str, decision: Decision) -> Provenance | None:
    derived = session_id != decision.identity.session_id
    never_bound = decision.never_bound or decision.result is IdentityResult.MISMATCH
    return Provenance(session_id if derived else None, never_bound) if derived or never_bound else None
