"""What a record that comes from another spool is to this one, where sessions may be somebody else's."""

import hashlib

import msgspec

from relay.core.model import NewRecord, Provenance, Record, SessionKey, event_id_of
from relay.spool.schedule.pieces import may_be_bound


def as_it_is_here(record: Record, owner: tuple[str, int] | None, *, now_ms: int) -> NewRecord:
    """Without what has left, and under the user and session that it has here.

    Args:
        record: As it was there.
        owner: Whose its session is here, and until when the binding lasts; None where it is nobody's.
        now_ms: What time it is.
    """
    key, user_id, came = record.key, record.user_id, record.came
    if owner is not None and may_be_bound(record) and owner[1] > now_ms:
        user_id = owner[0]
    elif owner is not None and user_id not in (None, owner[0]):
        page_session = key.session_id if came is None else came.page_session or key.session_id
        key = key._replace(session_id=_own_session(key, user_id))
        came = msgspec.structs.replace(came or Provenance(), page_session=page_session)
    entries = [record.entry(place) for place in range(len(record.ends)) if record.waiting >> place & 1]
    ends = [-1]
    for entry in entries:
        ends.append(ends[-1] + 1 + len(entry))
    ids = tuple([event_id_of(entry) for entry in entries])
    without_item = min(record.without_item, len(entries))
    return NewRecord(key, user_id, ids, b",".join(entries), tuple(ends[1:]), without_item, came)


def _own_session(key: SessionKey, user_id: str | None) -> str:
    """Of a user whose session is somebody else's here: always the same."""
    name = msgspec.json.encode((key.target, key.session_id, user_id))
    return "moved~" + hashlib.sha256(name).hexdigest()[:43]
