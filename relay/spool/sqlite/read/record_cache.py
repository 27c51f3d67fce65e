"""Records lately appended, so that the usual lease needs no read."""

from relay.core.model import NewRecord, Record

_OVERHEAD_BYTES = 400
"""What a record costs beside its body, about."""


class RecordCache:
    """Holds up to `max_bytes` of records; when full, newcomers stay out, since the oldest are leased first."""

    def __init__(self, max_bytes: int = 8 * 1024 * 1024) -> None:
        self._room = max_bytes
        self._records: dict[int, Record] = {}

    def put(self, seq: int, new: NewRecord, accepted_at_ms: int) -> None:
        """Keep it if there is room."""
        cost = len(new.body) + _OVERHEAD_BYTES
        if cost <= self._room:
            self._room -= cost
            self._records[seq] = Record(seq, new.key, new.user_id, new.event_id, new.body, accepted_at_ms)

    def get(self, seq: int) -> Record | None:
        """The record, if it is here."""
        return self._records.get(seq)

    def drop(self, seq: int) -> None:
        """Forget it."""
        record = self._records.pop(seq, None)
        if record is not None:
            self._room += len(record.body) + _OVERHEAD_BYTES
