"""Takes what backends send besides events: users, items, actions, and interactions with actions.

Each entry is checked as an event of a beacon is, and the good ones are on disk when `take` has returned.
"""

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from relay.core import limits
from relay.core.model import NewRecord, Operation, Provenance, Reason, SessionKey
from relay.core.telemetry import Metrics
from relay.intake.sources import Sources
from relay.spool.contract import Spool
from relay.wire.fields import Drop, Members, Notes, in_order
from relay.wire.properties import ANY_NAME, PropertyNames, packed_properties
from relay.wire.times import SECONDS_BELOW, backend_time_ms, in_words
from relay.wire.values import (
    Field,
    RefusedFieldError,
    identifier,
    properties,
    recommendation_id,
    service_session_id,
    text,
)

SLICE: Final = 500
"""Entries checked and stored in one go, between which others have their turn."""

_encode: Final = msgspec.json.Encoder().encode


class EntryRejection(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry that was not taken."""

    index: int
    reason: str
    """A `Reason`, or `erased`."""
    field: Field
    """Which of its fields it is about; the list's name when the entry is no object."""
    detail: str | None = None
    """What was understood, where that helps."""


class EntriesTaken(msgspec.Struct, frozen=True):
    """What became of a list; its JSON is the body of the 202."""

    accepted: int
    rejected: list[EntryRejection]
    dropped: list[Drop] | UnsetType = UNSET
    """Fields left out of what was taken; absent when there are none."""


class Kind(msgspec.Struct, frozen=True):
    """A list that backends send: what it is called, and what one entry may be."""

    operation: Operation
    plural: Field
    id_name: Field
    most_properties_chars: int


USERS: Final = Kind(Operation.PUT_USERS, "users", "userId", limits.MAX_USER_PROPERTIES_CHARS)
ITEMS: Final = Kind(Operation.PUT_ITEMS, "items", "itemId", limits.MAX_ITEM_PROPERTIES_CHARS)
ACTIONS: Final = Kind(Operation.PUT_ACTIONS, "actions", "actionId", limits.MAX_ITEM_PROPERTIES_CHARS)


class _Interaction(msgspec.Struct, rename="camel", omit_defaults=True):
    """One entry of PutActionInteractions, as the service names its fields."""

    action_id: str
    session_id: str
    event_type: str
    timestamp: int
    event_id: str
    user_id: str | UnsetType = UNSET
    recommendation_id: str | UnsetType = UNSET
    impression: list[str] | UnsetType = UNSET
    properties: str | UnsetType = UNSET


class _ErasedError(Exception):
    """The entry is about a user who was erased."""


class BackendIntake:
    """From entries to records on disk."""

    def __init__(
        self,
        *,
        spool: Spool,
        erased: Container[str],
        metrics: Metrics,
        make_id: Callable[[], str],
        sources: Sources,
        property_names: PropertyNames = ANY_NAME,
    ) -> None:
        self._spool = spool
        self._erased = erased
        self._metrics = metrics
        self._make_id = make_id
        self._sources = sources
        self._property_names = property_names

    async def take(self, kind: Kind, target: str, entries: Sequence[object]) -> EntriesTaken:
        """Take users, items or actions for a dataset. An entry replaces what the service has, so it is taken whole.

        Raises:
            SpoolError: not all of them were taken; taking them again does no harm, a record replaces the last.
        """
        return await self._take(
            kind.plural, entries, lambda entry, index, notes: self._record(kind, target, entry, index, notes)
        )

    async def take_interactions(self, target: str, entries: Sequence[object]) -> EntriesTaken:
        """Take interactions with actions, for the tracking id of the dataset of action interactions.

        Raises:
            SpoolError: not all of them were taken; taking them again does no harm where they have event ids.
        """
        return await self._take(
            "actionInteractions", entries, lambda entry, index, notes: self._interaction(target, entry, index, notes)
        )

    async def _take(
        self, plural: Field, entries: Sequence[object], record_of: Callable[[object, int, Notes], NewRecord]
    ) -> EntriesTaken:
        rejected: list[EntryRejection] = []
        notes = Notes()
        accepted = 0
        for start in range(0, len(entries), SLICE):
            records: list[NewRecord] = []
            places: list[int] = []
            for index, entry in enumerate(entries[start : start + SLICE], start):
                try:
                    records.append(record_of(entry, index, notes))
                    places.append(index)
                except RefusedFieldError as refused:
                    rejected.append(EntryRejection(index, refused.reason, refused.field or plural, refused.detail))
                except _ErasedError:
                    rejected.append(EntryRejection(index, "erased", "userId"))
            if records:
                repeated = await self._spool.append(records)
                rejected += [EntryRejection(places[one], Reason.DUPLICATE, "eventId") for one, _ in repeated]
                accepted += len(records) - len(repeated)
            await asyncio.sleep(0)
        gone = {one.index for one in rejected}
        dropped = in_order(one for one in notes.dropped if one.index not in gone)
        self._metrics.count_fields(dropped, notes.unknown)
        return EntriesTaken(accepted, sorted(rejected, key=lambda one: one.index), dropped or UNSET)

    def _record(self, kind: Kind, target: str, entry: object, index: int, notes: Notes) -> NewRecord:
        fields = Members(entry, notes, index)
        notes.count_unknown(fields.names(), frozenset({kind.id_name, "properties"}))
        entry_id = fields.required(kind.id_name, identifier)
        if kind is USERS and entry_id in self._erased:
            raise _ErasedError
        body: dict[str, str] = {kind.id_name: entry_id}
        given = fields.optional("properties", properties)
        if given:
            packed = packed_properties(
                given, most_chars=kind.most_properties_chars, reserved=frozenset(), names=self._property_names
            )
            if isinstance(packed, Reason):
                raise RefusedFieldError(packed, "properties")
            for reason in packed.left_out:
                notes.drop("properties", reason, index)
            if packed.text != "{}":
                body["properties"] = packed.text
        came = self._provenance("", index, notes)
        return _record(SessionKey(kind.operation, target, ""), None, "", _encode(body), came=came)

    def _interaction(self, target: str, entry: object, index: int, notes: Notes) -> NewRecord:
        fields = Members(entry, notes, index)
        notes.count_unknown(fields.names(), _INTERACTION_NAMES)
        user_id = fields.optional("userId", identifier)
        if user_id is not UNSET and user_id in self._erased:
            user_id = UNSET
        session_id = fields.required("sessionId", service_session_id)
        event_id = fields.usable("eventId", identifier) or self._make_id()
        body = _encode(
            _Interaction(
                action_id=fields.required("actionId", identifier),
                session_id=session_id,
                event_type=fields.required("eventType", text),
                timestamp=fields.required("timestamp", _seconds),
                event_id=event_id,
                user_id=user_id,
                recommendation_id=fields.usable("recommendationId", recommendation_id),
                impression=fields.impression(),
                properties=fields.usable("properties", lambda value: self._packed(value, index, notes)),
            )
        )
        key = SessionKey(Operation.PUT_ACTION_INTERACTIONS, target, session_id)
        came = self._provenance(session_id, index, notes)
        return _record(key, None if user_id is UNSET else user_id, event_id, body, came=came)

    def _packed(self, value: object, index: int, notes: Notes) -> str:
        packed = packed_properties(properties(value), names=self._property_names)
        if isinstance(packed, Reason):
            raise RefusedFieldError(packed)
        for reason in packed.left_out:
            notes.drop("properties", reason, index)
        return packed.text

    def _provenance(self, session_id: str, index: int, notes: Notes) -> Provenance | None:
        dropped: list[str] = []
        for one in reversed(notes.dropped):  # what is left out of this entry stands at the end
            if one.index != index:
                break
            dropped.append(one.field)
        if not session_id and not dropped:
            return None
        source = self._sources.of(session_id) if session_id else 0
        return Provenance(source=source, dropped=tuple(dict.fromkeys(dropped)))


def _record(key: SessionKey, user_id: str | None, event_id: str, body: bytes, *, came: Provenance | None) -> NewRecord:
    """One entry each: an erasure may concern any of them alone, and they come in no session's order."""
    return NewRecord(key, user_id, (event_id,), body, (len(body),), came=came)


_INTERACTION_NAMES: Final = frozenset(field.encode_name for field in msgspec.structs.fields(_Interaction))


def _seconds(value: object) -> int:
    at_s = backend_time_ms(value) // 1000
    if not 0 <= at_s < SECONDS_BELOW:
        raise RefusedFieldError(Reason.BAD_TIME, detail=f"understood as {in_words(at_s * 1000)}")
    return int(at_s)
