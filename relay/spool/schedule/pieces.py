"""What both spools ask of a record: whom it may be given, by which session repeats are found, what of it is new."""

from collections.abc import Iterable

from relay.core.model import NewRecord, Piece, Provenance, Record, SessionKey, bits
from relay.spool.contract import Burial


def may_be_bound(record: NewRecord | Record) -> bool:
    """Whether a login may give it a user."""
    return record.user_id is None and (record.came is None or not record.came.never_bound)


def page_key(key: SessionKey, came: Provenance | None) -> SessionKey:
    """Of the session that the page named: by it repeats are found, whatever session the events go out under."""
    return key if came is None or came.page_session is None else key._replace(session_id=came.page_session)


def settled_places(delivered: Iterable[Piece], buried: Iterable[Burial]) -> dict[int, int]:
    """By seq of a record: a bit for each event that is settled."""
    places: dict[int, int] = {}
    for record, some in delivered:
        places[record.seq] = places.get(record.seq, 0) | some
    for burial in buried:
        places[burial.seq] = places.get(burial.seq, 0) | 1 << burial.place
    return places


def without(record: NewRecord, places: int) -> NewRecord | None:
    """The record without the events at these places (a bit for each); None when nothing is left."""
    kept = bits(~places & (1 << len(record.ends)) - 1)
    if not kept:
        return None
    entries: list[bytes] = []
    ends: list[int] = []
    end = -1
    for place in kept:
        entry = record.body[record.ends[place - 1] + 1 if place else 0 : record.ends[place]]
        entries.append(entry)
        end += 1 + len(entry)
        ends.append(end)
    event_ids = tuple([record.event_ids[place] for place in kept])
    left = min(record.without_item, len(kept))
    return NewRecord(record.key, record.user_id, event_ids, b",".join(entries), tuple(ends), left, record.came)
