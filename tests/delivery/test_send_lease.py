"""A bad record costs its neighbours nothing."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from relay.core.model import Batch
from relay.delivery.send_lease import Progress, send_all
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable
from tests.support.batches import record


def run(count: int, bad: set[int], *, throttle_at: int | None = None) -> tuple[Progress, list[list[int]]]:
    calls: list[list[int]] = []

    async def send(batch: Batch) -> Outcome:
        calls.append([one.record.seq for one in batch.pieces])
        if throttle_at is not None and len(calls) > throttle_at:
            return Throttled("ThrottlingException")
        if bad & set(calls[-1]):
            return Refused("InvalidInputException", "bad")
        return Delivered("r")

    progress = Progress()
    records = [record(seq) for seq in range(1, count + 1)]
    asyncio.run(send_all(records, send, progress, doubt=lambda _: None))
    return progress, calls


@given(st.integers(1, 25), st.sets(st.integers(1, 25)))
def test_all_good_records_are_delivered_in_order_and_exactly_the_bad_ones_buried(count: int, bad: set[int]) -> None:
    progress, calls = run(count, bad)
    everybody = range(1, count + 1)
    assert [piece.record.seq for piece in progress.delivered] == [seq for seq in everybody if seq not in bad]
    assert [burial.seq for burial in progress.buried] == [seq for seq in everybody if seq in bad]
    assert all(len(call) <= 10 for call in calls)


@given(st.integers(1, 10))
def test_one_bad_record_of_ten_costs_at_most_six_calls_more(bad: int) -> None:
    _, calls = run(10, {bad})
    assert len(calls) <= 7


@given(st.integers(1, 25), st.sets(st.integers(1, 25)), st.integers(0, 10))
def test_when_the_service_stops_answering_the_rest_is_left_and_nothing_is_sent_twice(
    count: int, bad: set[int], stop: int
) -> None:
    progress, calls = run(count, bad, throttle_at=stop)
    settled = [*(piece.record.seq for piece in progress.delivered), *(burial.seq for burial in progress.buried)]
    assert sorted(settled) == list(range(1, len(settled) + 1)), "always from the front"
    assert (progress.stopped is None) == (len(settled) == count)
    assert len(calls) <= stop + 1


def test_a_doubtful_refusal_buries_nothing() -> None:
    async def send(_: Batch) -> Outcome:
        return Refused("InvalidInputException", "bad")

    progress = Progress()
    fault = Unreachable("InvalidInputException", "all", "target")
    asyncio.run(send_all([record(1)], send, progress, doubt=lambda _: fault))
    assert (progress.buried, progress.stopped) == ([], fault)
