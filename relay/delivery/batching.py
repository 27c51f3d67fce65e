"""Leased records into calls: pure, no clock, no I/O."""

from collections.abc import Sequence
from typing import Final

from relay.core.limits import MAX_EVENT_BYTES, MAX_EVENTS_PER_CALL
from relay.core.model import Batch, Piece, Record, first_bits

MAX_BATCH_BYTES: Final = 2 * MAX_EVENTS_PER_CALL * MAX_EVENT_BYTES
"""Bytes of bodies in one call. The service documents no limit for a whole call, only ten events of 10 KB each; items
and users are larger, and of those fewer go into one call."""


def first_batch(rest: Sequence[Piece], *, most: int = MAX_EVENTS_PER_CALL) -> Batch:
    """The longest call the oldest of these events allow.

    Args:
        rest: At least one, oldest first; only the leading ones of one session and one user are taken.
        most: Take no more events than this; at least 1. Never more than the service's 10 are taken.

    Returns:
        At least one event, even one that is larger than `MAX_BATCH_BYTES` alone.
    """
    first, places = rest[0]
    if len(rest) == 1 and places.bit_count() <= most <= MAX_EVENTS_PER_CALL and len(first.body) <= MAX_BATCH_BYTES:
        return Batch(first.key, first.user_id, (rest[0],))  # a beacon by itself: the usual call
    if sum([places.bit_count() for _, places in rest]) <= most <= MAX_EVENTS_PER_CALL and _are_alike(rest):
        return Batch(first.key, first.user_id, tuple(rest))  # all that is leased: nearly every other
    room = min(most, MAX_EVENTS_PER_CALL)
    size = 0
    taken: list[Piece] = []
    for record, places in rest:
        if not room or record.user_id != first.user_id or record.key != first.key:
            break
        fits = first_bits(places, room)
        if size + len(record.body) > MAX_BATCH_BYTES:
            while fits and (taken or fits.bit_count() > 1) and size + len(record.entries(fits)) > MAX_BATCH_BYTES:
                fits = first_bits(fits, fits.bit_count() - 1)
        if fits:
            taken.append(Piece(record, fits))
            room -= fits.bit_count()
            size += len(record.entries(fits)) + 1
        if fits != places:
            break
    return Batch(first.key, first.user_id, tuple(taken))


def _are_alike(rest: Sequence[Piece]) -> bool:
    """Whether they may share a call, were it not for their number."""
    first = rest[0].record
    if any(record.user_id != first.user_id or record.key != first.key for record, _ in rest):
        return False
    return sum([len(record.body) for record, _ in rest]) <= MAX_BATCH_BYTES


def after(rest: Sequence[Piece], batch: Batch) -> list[Piece]:
    """What is left of `rest` without the batch made of its first events."""
    if len(batch.pieces) == len(rest) and batch.pieces[-1] is rest[-1]:
        return []  # all of it: only the last of a batch can be a part
    left = list(rest)
    for record, places in batch.pieces:
        kept = left[0].places & ~places
        left[:1] = [Piece(record, kept)] if kept else []
    return left


def batches(records: Sequence[Record]) -> list[Batch]:
    """All events that wait, in as few calls as their order allows."""
    made: list[Batch] = []
    rest = [Piece(record, record.waiting) for record in records]
    while rest:
        batch = first_batch(rest)
        made.append(batch)
        rest = after(rest, batch)
    return made
