"""What travels through the relay: who it is from, and events at rest.

A record is stored as the very JSON the service gets, so that what was checked at the door is what is sent, and
nothing is decoded on the way.

What is made for every event has `gc=False`: it holds no cycle, and the garbage collector need not walk it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec


class Operation(StrEnum):
    """The calls of personalize-events."""

    PUT_EVENTS = "PutEvents"
    PUT_USERS = "PutUsers"
    PUT_ITEMS = "PutItems"
    PUT_ACTIONS = "PutActions"
    PUT_ACTION_INTERACTIONS = "PutActionInteractions"


class Reason(StrEnum):
    """Why an event is rejected at the door: the closed list of the beacon's answer and of the metric label."""

    MISSING_FIELD = "missing_field"
    """A field that must be there is not."""
    EMPTY = "empty"
    """A text or a list that must have something in it has nothing."""
    TOO_LONG = "too_long"
    """A text is longer than the service takes."""
    BAD_TYPE = "bad_type"
    """A field is of another kind than it must be: a number where a text belongs."""
    BAD_NUMBER = "bad_number"
    """A number is no finite one, or out of the range the service takes."""
    BAD_UNICODE = "bad_unicode"
    """A text holds half of a surrogate pair, which is no Unicode."""
    RESERVED_KEY = "reserved_key"
    """A property has a name the service keeps for itself."""
    TOO_MANY_ITEMS = "too_many_items"
    """An impression or the properties have more entries than the service takes."""
    BAD_TIME = "bad_time"
    """A day or more ahead, or older than `RELAY_MAX_EVENT_AGE_S`."""
    TOO_LARGE = "too_large"
    """Properties, or the event, are larger than the service takes."""
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    """`RELAY_EVENT_TYPES`, or the site's `event_types`, does not name it."""
    DUPLICATE = "duplicate"
    """The session sent this `eventId` already, within ten minutes. Normal after a lost answer."""


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Who sent a beacon, as the relay decided."""

    site: str
    session_id: str
    """The session to send under: the page's, or one derived from it after a conflict."""
    user_id: str | None = None
    """From a signed token or the session's binding; never from a plain field."""


class Binding(msgspec.Struct, frozen=True, gc=False):
    """A session that belongs to a user since a login."""

    site: str
    session_id: str
    user_id: str
    expires_at_ms: int
    target: str | None = None
    """The tracking id of the site: only what waits for it gets the user. None: whatever waits under the session id."""

    def covers(self, key: "SessionKey") -> bool:
        """Whether what waits under `key` belongs to the session that was bound."""
        return bool(key.session_id) and key.session_id == self.session_id and self.target in (None, key.target)


class SessionKey(NamedTuple):
    """What one call to the service may hold together, but for the user: no call ever mixes two of these."""

    operation: Operation
    target: str
    """The tracking id, or the dataset ARN for users, items and actions."""
    session_id: str
    """Empty where the operation has no session on the call."""


class NewRecord(msgspec.Struct, frozen=True, gc=False):
    """An event on its way into the spool."""

    key: SessionKey
    user_id: str | None
    event_id: str
    """Unique within the session, the same on every try."""
    body: bytes
    """One entry of the call's list as UTF-8 JSON, complete and checked: `sentAt` in whole seconds,
    `properties` a string."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """An event at rest in the spool."""

    seq: int
    """Position in the order of acceptance; unique, never used again."""
    key: SessionKey
    user_id: str | None
    event_id: str
    body: bytes
    accepted_at_ms: int


class Batch(msgspec.Struct, frozen=True, gc=False):
    """One call: 1 to 10 records of one session and one user, in order of acceptance."""

    key: SessionKey
    user_id: str | None
    records: tuple[Record, ...]


class BuriedKept(msgspec.Struct, frozen=True):
    """Buried records that are kept now: neither replayed nor discarded nor erased."""

    records: int = 0
    bytes: int = 0
    """Of their bodies."""
    oldest_at_ms: int | None = None
    """When the first of them was buried; None when there are none."""


class SpoolStats(msgspec.Struct, frozen=True):
    """The spool's ledger since it was made: `accepted = delivered + buried + erased + pending`.

    The totals are kept on disk beside the records and survive a restart. A replay of a buried record counts
    as accepted again; erasing or discarding a buried record changes nothing here, it was counted when buried.
    """

    accepted: int
    delivered: int
    buried: Mapping[str, int]
    """Records ever buried, by reason."""
    erased: int
    pending: int
    """Waiting or leased, now."""
    size_bytes: int
    """What the spool holds on disk, now."""
    oldest_accepted_at_ms: int | None
    """Of the pending records; None when there are none."""
    damaged_bindings: int = 0
    """Bindings found damaged, and forgotten, since the spool was opened."""
    kept: BuriedKept = BuriedKept()
    """Of a spool on disk as of some seconds ago."""
