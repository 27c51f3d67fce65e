"""Takes a beacon's events: checks each, corrects its time, and puts the good ones on disk.

When what was begun has been `stored`, the accepted events are in the spool for good.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from relay.core.clock import Clock
from relay.core.model import MOST_EVENTS, NewRecord, Operation, Provenance, Reason, SessionKey
from relay.core.telemetry import Metrics
from relay.identity.decision import Decision, Identities, IdentityResult
from relay.intake.sources import Sources
from relay.spool.contract import Spool
from relay.spool.receipt import Receipt, Repeated
from relay.wire.event import DAY_MS, BeaconEvent, Rejected, entry
from relay.wire.fields import Drop, in_order
from relay.wire.properties import ANY_NAME, PropertyNames
from relay.wire.times import in_words
from relay.wire.values import Field

_PUT_EVENTS: Final = Operation.PUT_EVENTS
_NOTHING: Final = Receipt()
_NOTHING.succeed(frozenset())


class Rejection(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One event that was not taken."""

    index: int
    """In the beacon's `eventList`."""
    reason: Reason
    field: Field
    """Which of its fields it is about."""
    event_id: str | None = None
    detail: str | None = None
    """What was understood, to a backend."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What became of a beacon; its JSON is the body of the 202."""

    accepted: int
    rejected: list[Rejection]
    identity: IdentityResult
    dropped: list[Drop] | UnsetType = UNSET
    """Fields that were left out of what was taken; absent when there are none."""


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
    dropped: list[Drop]
    without_item: int
    at_ms: int
    key: SessionKey
    """Of its records."""
    session_id: str
    """That the page sent."""
    events: Sequence[BeaconEvent | Rejected]
    came: "Came"
    size: int
    """Bytes of what went to the spool."""


class Came(msgspec.Struct, frozen=True, gc=False):
    """What a beacon says beside its events, and whence."""

    network: str | None = None
    """The address network it is from; None where all visitors may have the same, or there is none."""
    seq: int | None = None
    lost: Mapping[str, int] | None = None
    origin: str = ""
    browser: str = "none"
    """A family of browsers, of a closed list."""
    unknown: Mapping[str, int] | None = None
    """Names of fields nobody knows, with how often they came."""


_SAYS_NOTHING: Final = Came()


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
        metrics: Metrics,
        clock: Clock,
        make_id: Callable[[], str],
        sources: Sources,
        max_event_age_s: float,
        property_names: PropertyNames = ANY_NAME,
        on_taken: Callable[[Begun, Taken], None] = lambda _begun, _taken: None,
    ) -> None:
        self._spool = spool
        self._on_taken = on_taken
        self._sources = sources
        self._identities = identities
        self._metrics = metrics
        self._clock = clock
        self._make_id = make_id
        self._max_age_ms = max_event_age_s * 1000
        self._property_names = property_names

    def decide(
        self, *, destination: Destination, session_id: str, identity_token: object
    ) -> Decision | Awaitable[Decision]:
        """Who sent a beacon, by the first of three steps; see `Identities.decide`."""
        return self._identities.decide(
            site=destination.site, target=destination.tracking_id, session_id=session_id, token=identity_token
        )

    def begin(
        self,
        events: Sequence[BeaconEvent | Rejected],
        *,
        destination: Destination,
        session_id: str,
        sent_at_ms: float | None,
        decision: Decision,
        dropped: Sequence[Drop] = (),
        came: Came = _SAYS_NOTHING,
    ) -> Begun:
        """Hand the good ones of its events to the spool. To be ended by `finish`.

        Raises:
            SpoolFullError: nothing was taken, for want of room; by the call or when `stored` is awaited, as the next.
            SpoolError: nothing was taken, the disk refused.
        """
        now_ms = self._clock.now_ms()
        skew_ms = 0.0 if sent_at_ms is None else now_ms - sent_at_ms
        key = SessionKey(_PUT_EVENTS, destination.tracking_id, decision.identity.session_id)
        rejected: list[Rejection] = []
        left_out = list(dropped)
        bodies: list[bytes] = []
        event_ids: list[str] = []
        places: list[int] = []
        without_item = 0
        for index, event in enumerate(events):
            if not isinstance(event, BeaconEvent):
                rejected.append(Rejection(index, event.reason, event.field, event.event_id, event.detail))
                continue
            given, event_id = event.event_id or None, event.event_id or self._make_id()
            if destination.event_types is not None and event.event_type not in destination.event_types:
                rejected.append(Rejection(index, Reason.UNKNOWN_EVENT_TYPE, "eventType", given))
                continue
            body = entry(
                event,
                event_id=event_id,
                skew_ms=skew_ms,
                now_ms=now_ms,
                max_age_ms=self._max_age_ms,
                dropped=left_out,
                index=index,
                names=self._property_names,
            )
            if body is None:
                rejected.append(Rejection(index, Reason.BAD_TIME, "sentAt", given))
                continue
            bodies.append(body)
            event_ids.append(event_id)
            places.append(index)
            without_item += not event.item_id
        records: list[NewRecord] = []
        if bodies:
            provenance = self._provenance(session_id, decision, came, left_out)
            records = pieces(key, decision.identity.user_id, event_ids, bodies, provenance)
        stored = self._spool.append(records, decision.binding) if records or decision.binding else _NOTHING
        size = sum(map(len, bodies))
        return Begun(
            stored, decision, event_ids, places, rejected, left_out, without_item,
            now_ms, key, session_id, events, came, size,
        )  # fmt: skip

    async def take_trusted(
        self,
        events: Sequence[BeaconEvent | Rejected],
        *,
        destination: Destination,
        session_id: str,
        sent_at_ms: float | None,
        user_id: str | None,
        dropped: Sequence[Drop] = (),
    ) -> Taken:
        """Take events from a backend whose word on the user counts. Raises as `begin`."""
        decision = self._identities.trust(
            site=destination.site, target=destination.tracking_id, session_id=session_id, user_id=user_id
        )
        if not isinstance(decision, Decision):
            decision = await decision
        begun = self.begin(
            events,
            destination=destination,
            session_id=session_id,
            sent_at_ms=sent_at_ms,
            decision=decision,
            dropped=dropped,
        )
        taken = self.finish(begun, await begun.stored)
        return msgspec.structs.replace(taken, rejected=[self._explained(one, events) for one in taken.rejected])

    def _explained(self, one: Rejection, events: Sequence[BeaconEvent | Rejected]) -> Rejection:
        """With what a time out of bounds was understood as."""
        event = events[one.index]
        if one.reason is not Reason.BAD_TIME or isinstance(event, Rejected) or not event.sent_at:
            return one
        days = self._max_age_ms / DAY_MS
        detail = f"understood as {in_words(event.sent_at)}; at most {days:g} days back and 1 ahead are taken"
        return msgspec.structs.replace(one, detail=detail)

    def _provenance(self, session_id: str, decision: Decision, came: Came, left_out: Sequence[Drop]) -> Provenance:
        return Provenance(
            session_id if session_id != decision.identity.session_id else None,
            decision.never_bound or decision.result is IdentityResult.MISMATCH,
            came.seq,
            dict(came.lost) if came.lost else None,
            self._sources.of(came.network or session_id),
            tuple({one.field: None for one in left_out}) if left_out else (),
            came.browser if came.seq is not None else "",
        )

    def finish(self, begun: Begun, repeated: Repeated) -> Taken:
        """Everything is on disk; `repeated` is what `stored` gave."""
        rejected = begun.rejected
        if repeated:
            for record, place in repeated:
                event = record * MOST_EVENTS + place
                rejected.append(Rejection(begun.places[event], Reason.DUPLICATE, "eventId", begun.event_ids[event]))
        if rejected:
            rejected.sort(key=lambda one: one.index)
            for one in rejected:
                self._metrics.events_rejected[one.reason] += 1
        if begun.without_item:
            self._metrics.events_without_item.inc(begun.without_item)
        accepted = len(begun.event_ids) - len(repeated)
        dropped = begun.dropped
        if dropped:
            if rejected:
                gone = {one.index for one in rejected}
                dropped = [one for one in dropped if one.index not in gone]
            dropped = in_order(dropped)
            self._metrics.count_fields(dropped, {})
        taken = Taken(accepted, rejected, begun.decision.result, dropped or UNSET)
        self._on_taken(begun, taken)
        return taken


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
        some, end = bodies[start : start + MOST_EVENTS], -1
        ends: list[int] = []
        for body in some:
            end += len(body) + 1  # before each but the first a comma
            ends.append(end)
        ids = tuple(event_ids[start : start + MOST_EVENTS])
        records.append(NewRecord(key, user_id, ids, b",".join(some), tuple(ends), came=came))
    return records
