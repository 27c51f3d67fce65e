"""Takes what backends send besides events: users, items, actions, and interactions with actions.

Each entry is checked as an event of a beacon is, and the good ones are on disk when `take` has returned.
"""

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from relay.core import limits
from relay.core.model import NewRecord, Operation, Reason, SessionKey
from relay.spool.contract import Spool
from relay.wire.event import packed_properties
from relay.wire.fields import (
    RefusedFieldError,
    optional_ids,
    optional_number,
    optional_properties,
    optional_text,
    required_text,
)
from relay.wire.lenient_json import as_object

SLICE: Final = 500
"""Entries checked and stored in one go, between which others have their turn."""

_encode: Final = msgspec.json.Encoder().encode


class EntryRejection(msgspec.Struct, frozen=True):
    """One entry that was not taken."""

    index: int
    reason: str
    """A `Reason`, or `erased`."""


class EntriesTaken(msgspec.Struct, frozen=True):
    """What became of a list; its JSON is the body of the 202."""

    accepted: int
    rejected: list[EntryRejection]


class Kind(msgspec.Struct, frozen=True):
    """A list that backends send: what it is called, and what one entry may be."""

    operation: Operation
    plural: str
    id_name: str
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

    def __init__(self, *, spool: Spool, erased: Container[str], make_id: Callable[[], str]) -> None:
        self._spool = spool
        self._erased = erased
        self._make_id = make_id

    async def take(self, kind: Kind, target: str, entries: Sequence[object]) -> EntriesTaken:
        """Take users, items or actions for a dataset.

        Raises:
            SpoolError: not all of them were taken; taking them again does no harm, a record replaces the last.
        """
        return await self._take(entries, lambda entry: self._record(kind, target, entry))

    async def take_interactions(self, target: str, entries: Sequence[object]) -> EntriesTaken:
        """Take interactions with actions, for the tracking id of the dataset of action interactions.

        Raises:
            SpoolError: not all of them were taken; taking them again does no harm where they have event ids.
        """
        return await self._take(entries, lambda entry: self._interaction(target, entry))

    async def _take(self, entries: Sequence[object], record_of: Callable[[object], NewRecord]) -> EntriesTaken:
        rejected: list[EntryRejection] = []
        accepted = 0
        for start in range(0, len(entries), SLICE):
            records: list[NewRecord] = []
            places: list[int] = []
            for index, entry in enumerate(entries[start : start + SLICE], start):
                try:
                    records.append(record_of(entry))
                    places.append(index)
                except RefusedFieldError as refused:
                    rejected.append(EntryRejection(index, refused.reason))
                except _ErasedError:
                    rejected.append(EntryRejection(index, "erased"))
            if records:
                repeated = await self._spool.append(records)
                rejected += [EntryRejection(places[one], Reason.DUPLICATE) for one, _ in repeated]
                accepted += len(records) - len(repeated)
            await asyncio.sleep(0)
        return EntriesTaken(accepted, sorted(rejected, key=lambda one: one.index))

    def _record(self, kind: Kind, target: str, entry: object) -> NewRecord:
        fields = _object(entry)
        entry_id = required_text(fields, kind.id_name)
        if kind is USERS and entry_id in self._erased:
            raise _ErasedError
        body: dict[str, str] = {kind.id_name: entry_id}
        packed = _packed(fields, kind.most_properties_chars, frozenset())
        if packed is not UNSET and packed != "{}":
            body["properties"] = packed
        return _record(SessionKey(kind.operation, target, ""), None, "", _encode(body))

    def _interaction(self, target: str, entry: object) -> NewRecord:
        fields = _object(entry)
        timestamp = optional_number(fields, "timestamp", most=1e11)
        if timestamp is UNSET:
            raise RefusedFieldError(Reason.MISSING_FIELD)
        if timestamp < 0:
            raise RefusedFieldError(Reason.BAD_TIME)
        user_id = optional_text(fields, "userId")
        if user_id is not UNSET and user_id in self._erased:
            user_id = UNSET
        event_id = optional_text(fields, "eventId") or self._make_id()
        session_id = required_text(fields, "sessionId")
        body = _encode(
            _Interaction(
                action_id=required_text(fields, "actionId"),
                session_id=session_id,
                event_type=required_text(fields, "eventType"),
                timestamp=int(timestamp),
                event_id=event_id,
                user_id=user_id,
                recommendation_id=optional_text(fields, "recommendationId", limits.MAX_RECOMMENDATION_ID_CHARS),
                impression=optional_ids(fields, "impression"),
                properties=_packed(fields, limits.MAX_EVENT_PROPERTIES_CHARS, limits.RESERVED_PROPERTY_KEYS),
            )
        )
        key = SessionKey(Operation.PUT_ACTION_INTERACTIONS, target, session_id)
        return _record(key, None if user_id is UNSET else user_id, event_id, body)


def _record(key: SessionKey, user_id: str | None, event_id: str, body: bytes) -> NewRecord:
    """One entry each: an erasure may concern any of them alone, and they come in no session's order."""
    return NewRecord(key, user_id, (event_id,), body, (len(body),))


def _object(entry: object) -> dict[str, Any]:
    fields = as_object(entry)
    if fields is None:
        raise RefusedFieldError(Reason.BAD_TYPE)
    return fields


def _packed(fields: dict[str, Any], most_chars: int, reserved: frozenset[str]) -> str | UnsetType:
    given = optional_properties(fields)
    if given is UNSET:
        return UNSET
    packed = packed_properties(given, most_chars=most_chars, reserved=reserved)
    if isinstance(packed, Reason):
        raise RefusedFieldError(packed)
    return packed
