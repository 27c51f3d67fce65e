"""What travels through the relay: who it is from, and events at rest.

A record is a beacon's events, stored as the very JSON the service gets: what was checked at the door is what is sent,
and nothing is decoded or taken apart on the way.

What is made for every beacon has `gc=False`: it holds no cycle, and the garbage collector need not walk it.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

KEPT_MS: Final = 7 * 86_400_000
"""How long a session stays nobody else's after its binding has ended."""
MOST_EVENTS: Final = 10
"""Events of one record."""


class Operation(StrEnum):
    """The calls of personalize-events."""

    __hash__ = str.__hash__  # it is in every key; the enumeration's own is a function of Python's

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
    DENIED = "denied"
    """`RELAY_PROPERTIES_ALLOW` or `RELAY_PROPERTIES_DENY` keeps a property of this name out."""


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Who sent a beacon, as the relay decided."""

    site: str
    session_id: str
    """The session to send under: the page's, or one derived from it after a conflict."""
    user_id: str | None = None
    """From a signed token or the session's binding; never from a plain field."""


class Binding(msgspec.Struct, frozen=True, gc=False):
    """A session that belongs to a user since a login. Sites that share a tracker share its sessions."""

    target: str
    """The tracking id."""
    session_id: str
    user_id: str
    expires_at_ms: int
    """Until when its events get the user; it is nobody else's for `KEPT_MS` longer."""
    page_session: str | None = None
    """The session id the page sent, where this is one derived from it."""

    def covers(self, key: "SessionKey") -> bool:
        """Whether what waits under `key` belongs to the session that was bound."""
        return bool(key.session_id) and key.session_id == self.session_id and key.target == self.target


class SessionKey(NamedTuple):
    """What one call to the service may hold together, but for the user: no call ever mixes two of these."""

    operation: Operation
    target: str
    """The tracking id, or the dataset ARN for users, items and actions."""
    session_id: str
    """Empty where the operation has no session on the call."""


class Provenance(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """What came with a beacon beside its events; shared by the pieces of one. It is stored: fields are only added."""

    page_session: str | None = None
    """The session id the page sent, where the events go out under another: repeats are found by it."""
    never_bound: bool = False
    """No binding, whenever it is made, gives these events a user."""
    beacon_seq: int | None = None
    """Of the session's beacons, counted by the page."""
    lost: dict[str, int] | None = None
    """What the page had to give up, by reason."""
    source: int = 0
    """A keyed hash of the address network, or of the session, that sent it; 0: not known."""
    dropped: tuple[str, ...] = ()
    """Names of fields that were left out, a bounded number."""
    browser: str = ""
    """The family of browsers of a numbered beacon."""


class NewRecord(msgspec.Struct, frozen=True, gc=False):
    """One to ten events of a beacon on their way into the spool."""

    key: SessionKey
    user_id: str | None
    event_ids: tuple[str, ...]
    """Of each event, unique within the session, the same on every try; empty where no repeat is to be found."""
    body: bytes
    """Entries of the call's list as UTF-8 JSON, joined by commas, each complete and checked: `sentAt` in whole seconds,
    `properties` a string."""
    ends: tuple[int, ...]
    """Where each entry ends in `body`."""
    without_item: int = 0
    """How many of the events name no item."""
    came: Provenance | None = None


class Record(msgspec.Struct, frozen=True, gc=False):
    """The events of a beacon, or of a piece of one, at rest in the spool."""

    seq: int
    """Number of its first event in the order of acceptance, `seq + place` that of each: unique, never used again."""
    key: SessionKey
    user_id: str | None
    body: bytes
    """See `NewRecord.body`."""
    ends: tuple[int, ...]
    accepted_at_ms: int
    waiting: int
    """Bit i is set while event i has not left: settled, buried and erased ones are holes."""
    without_item: int = 0
    came: Provenance | None = None

    @property
    def size(self) -> int:
        """Events that have not left."""
        return self.waiting.bit_count()

    def entry(self, place: int) -> bytes:
        """One event's entry."""
        return self.body[self.ends[place - 1] + 1 if place else 0 : self.ends[place]]

    def entries(self, places: int) -> bytes:
        """Those of some places, joined by commas."""
        if places == (1 << len(self.ends)) - 1:
            return self.body
        return b",".join([self.entry(place) for place in bits(places)])


class Piece(NamedTuple):
    """Events of one record: all that wait, mostly."""

    record: Record
    places: int
    """A bit for each."""

    @property
    def size(self) -> int:
        """How many events."""
        return self.places.bit_count()


class Batch(msgspec.Struct, frozen=True, gc=False):
    """One call: 1 to 10 events of one session and one user, in order of acceptance."""

    key: SessionKey
    user_id: str | None
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """How many events."""
        pieces = self.pieces
        return pieces[0].places.bit_count() if len(pieces) == 1 else sum([places.bit_count() for _, places in pieces])

    @property
    def body(self) -> bytes:
        """The entries, joined by commas."""
        if len(self.pieces) == 1:
            record, places = self.pieces[0]
            return record.entries(places)
        return b",".join([record.entries(places) for record, places in self.pieces])

    def entries(self) -> Iterator[bytes]:
        """The entries one by one."""
        for record, places in self.pieces:
            for place in bits(places):
                yield record.entry(place)


def bits(mask: int) -> list[int]:
    """Numbers of the bits that are set, lowest first."""
    return [place for place in range(mask.bit_length()) if mask >> place & 1]


def first_bits(mask: int, most: int) -> int:
    """The lowest `most` of the bits that are set."""
    while mask.bit_count() > most:
        mask ^= 1 << mask.bit_length() - 1
    return mask


class _Id(msgspec.Struct):
    eventId: str = ""  # noqa: N815 - as in the entry


_decode_id: Final = msgspec.json.Decoder(_Id).decode


def event_id_of(entry: bytes) -> str:
    """The event id in an entry of PutEvents or PutActionInteractions; empty where there is none, or it is damaged."""
    try:
        return _decode_id(entry).eventId
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


class BuriedKept(msgspec.Struct, frozen=True):
    """Buried events that are kept now: neither replayed nor discarded nor erased."""

    records: int = 0
    bytes: int = 0
    """Of their bodies."""
    oldest_at_ms: int | None = None
    """When the first of them was buried; None when there are none."""


class SpoolStats(msgspec.Struct, frozen=True):
    """The spool's ledger since it was made: `accepted = delivered + buried + erased + pending`.

    The totals are kept on disk beside the records and survive a restart. A replay of a buried event counts
    as accepted again; erasing or discarding a buried one changes nothing here, it was counted when buried.
    """

    accepted: int
    delivered: int
    buried: Mapping[str, int]
    """Events ever buried, by reason."""
    erased: int
    pending: int
    """Events that wait or are leased, now."""
    size_bytes: int
    """What the spool holds on disk, now."""
    oldest_accepted_at_ms: int | None
    """Of the pending events; None when there are none."""
    discarded: int = 0
    """Of the buried ones: forgotten for good, by a person or past `RELAY_BURIED_MAX_BYTES`."""
    damaged_bindings: int = 0
    """Bindings found damaged, and forgotten, since the spool was opened."""
    kept: BuriedKept = BuriedKept()
    """Of a spool on disk as of some seconds ago."""
