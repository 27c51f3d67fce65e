"""Leased records into calls: pure, no clock, no I/O."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from relay.core.limits import MAX_EVENT_BYTES, MAX_EVENTS_PER_CALL
from relay.core.model import Batch, Record

MAX_BATCH_BYTES: Final = 2 * MAX_EVENTS_PER_CALL * MAX_EVENT_BYTES
"""Bytes of bodies in one call. The service documents no limit for a whole call, only ten events of 10 KB each; items
and users are larger, and of those fewer go into one call."""


def first_batch(records: Sequence[Record], *, most: int = MAX_EVENTS_PER_CALL) -> Batch:
    """The longest call the oldest of these records allow.

    Args:
        records: At least one, oldest first; only the leading ones of one session and one user are taken.
        most: Take no more than this; at least 1. Never more than the service's 10 are taken.

    Returns:
        At least one record, even one that is larger than `MAX_BATCH_BYTES` alone.
    """
    first = records[0]
    taken = [first]
    size = len(first.body)
    for record in islice(records, 1, min(most, MAX_EVENTS_PER_CALL)):
        size += len(record.body) + 1
        if size > MAX_BATCH_BYTES or record.user_id != first.user_id or record.key != first.key:
            break
        taken.append(record)
    return Batch(first.key, first.user_id, tuple(taken))


def batches(records: Sequence[Record]) -> list[Batch]:
    """All records in as few calls as their order allows."""
    made: list[Batch] = []
    rest = list(records)
    while rest:
        batch = first_batch(rest)
        made.append(batch)
        del rest[: len(batch.records)]
    return made
