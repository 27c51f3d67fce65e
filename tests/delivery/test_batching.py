"""Packing, for any records."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.core.model import Piece, Record
from relay.delivery.batching import MAX_BATCH_BYTES, batches, first_batch
from tests.support.batches import record

_RECORDS = st.lists(
    st.tuples(
        st.sampled_from([None, "u1", "u2"]),
        st.sampled_from(["s1", "s2"]),
        st.sampled_from([80, 9_000, 90_000, 300_000]),
    ),
    max_size=40,
).map(
    lambda drawn: [
        record(seq, user_id=user, session_id=session, size=size) for seq, (user, session, size) in enumerate(drawn, 1)
    ]
)


@given(_RECORDS)
def test_every_record_is_in_exactly_one_batch_in_its_order(records: list[Record]) -> None:
    assert [one.record for batch in batches(records) for one in batch.pieces] == records


@given(_RECORDS)
def test_no_batch_mixes_or_exceeds_anything(records: list[Record]) -> None:
    for batch in batches(records):
        assert 1 <= batch.size <= MAX_EVENTS_PER_CALL
        assert {(one.key, one.user_id) for one, _ in batch.pieces} == {(batch.key, batch.user_id)}
        assert batch.size == 1 or sum(len(one.body) for one, _ in batch.pieces) <= MAX_BATCH_BYTES


@given(_RECORDS)
def test_no_two_neighbouring_batches_could_have_been_one(records: list[Record]) -> None:
    made = batches(records)
    for left, right in itertools.pairwise(made):
        if (left.key, left.user_id) == (right.key, right.user_id) and left.size < MAX_EVENTS_PER_CALL:
            size = sum(len(one.body) + 1 for one, _ in (*left.pieces, right.pieces[0]))
            assert size > MAX_BATCH_BYTES


@given(_RECORDS.filter(bool), st.integers(1, 12))
def test_no_more_is_taken_than_asked_for(records: list[Record], most: int) -> None:
    assert first_batch([Piece(record, record.waiting) for record in records], most=most).size <= most
