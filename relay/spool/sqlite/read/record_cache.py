"""Records lately appended, so that the usual lease needs no read."""

from msgspec.structs import replace

from relay.core.model import Record

_OVERHEAD_BYTES = 400
"""What a record costs beside its body, about."""


class RecordCache:
    """Holds up to `max_bytes` of records; when full, newcomers stay out, since the oldest are leased first."""

    def __init__(self, max_bytes: int = 8 * 1024 * 1024) -> None:
        self._room = max_bytes
        self._records: dict[int, Record] = {}

    def put(self, record: Record) -> None:
        """Keep it if there is room."""
        cost = len(record.body) + _OVERHEAD_BYTES
        if cost <= self._room:
            self._room -= cost
            self._records[record.seq] = record

    def get(self, seq: int) -> Record | None:
        """The record as it was appended, if it is here; which of its events wait says the index."""
        return self._records.get(seq)

    def give_user(self, seq: int, user_id: str) -> None:
        """A login gave it its user."""
        record = self._records.get(seq)
        if record is not None:
            self._records[seq] = replace(record, user_id=user_id)

    def drop(self, seq: int) -> None:
        """Forget it."""
        record = self._records.pop(seq, None)
        if record is not None:
            self._room += len(record.body) + _OVERHEAD_BYTES
