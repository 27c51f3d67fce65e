"""A bad event costs its neighbours nothing, and no more calls than are needed to find it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.model import Batch, Record, bits
from relay.delivery.batching import MAX_BATCH_BYTES
from relay.delivery.bisecting import Sending
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable
from tests.support.batches import beacon, record

Name = tuple[int, int]
"""An event: seq of its record, place in it."""


def names(batch: Batch) -> list[Name]:
    return [(one.seq, place) for one, places in batch.pieces for place in bits(places)]


def send(
    records: list[Record],
    answer: Callable[[Batch], Outcome],
    *,
    doubt: Unreachable | None = None,
) -> tuple[Sending, list[list[Name]]]:
    """Send them with a sink that answers at once."""
    calls: list[list[Name]] = []
    sending = Sending(records, doubt=lambda _, __: doubt)
    while (batch := sending.next()) is not None:
        calls.append(names(batch))
        sending.came(answer(batch))
    return sending, calls


def run(sizes: list[int], bad: set[int], *, stop: int | None = None) -> tuple[Sending, list[list[Name]], list[Name]]:
    """Beacons of these sizes, the events numbered in `bad` refused; throttled after `stop` calls."""
    made, seq = list[Record](), 1
    for size in sizes:
        made.append(beacon(seq, size))
        seq += size
    everything = [(one.seq, place) for one in made for place in bits(one.waiting)]
    refused = {everything[number] for number in bad if number < len(everything)}
    count = 0

    def answer(batch: Batch) -> Outcome:
        nonlocal count
        count += 1
        if stop is not None and count > stop:
            return Throttled("ThrottlingException")
        return Refused("InvalidInputException", "bad") if refused & set(names(batch)) else Delivered("r")

    sending, calls = send(made, answer)
    return sending, calls, everything


def settled(sending: Sending) -> tuple[list[Name], list[Name]]:
    delivered = [(one.seq, place) for one, places in sending.delivered for place in bits(places)]
    return delivered, [(burial.seq, burial.place) for burial in sending.buried]


_SIZES = st.lists(st.integers(1, 10), min_size=1, max_size=5)
_BAD = st.sets(st.integers(0, 24))


@given(_SIZES, _BAD)
def test_all_good_events_are_delivered_in_order_and_exactly_the_bad_ones_buried(
    sizes: list[int], bad: set[int]
) -> None:
    sending, calls, everything = run(sizes, bad)
    delivered, buried = settled(sending)
    assert delivered == [name for number, name in enumerate(everything) if number not in bad]
    assert buried == [name for number, name in enumerate(everything) if number in bad]
    assert all(len(call) <= 10 for call in calls)


@pytest.mark.parametrize("sizes", [[10], [1] * 10, [3, 3, 4]])
@pytest.mark.parametrize("bad", range(10))
def test_one_bad_event_of_ten_costs_three_to_six_calls_more(sizes: list[int], bad: int) -> None:
    _, calls, _ = run(sizes, {bad})
    assert 4 <= len(calls) <= 7


def test_ten_bad_events_of_ten_cost_no_more_than_one_by_one() -> None:
    _, calls, _ = run([4, 6], set(range(10)))
    assert [len(call) for call in calls] == [10, *[1] * 10]


@given(st.sets(st.integers(0, 9)))
def test_whatever_is_bad_costs_thirteen_calls_more_at_most(bad: set[int]) -> None:
    _, calls, _ = run([10], bad)
    assert len(calls) <= 14


@given(_SIZES, _BAD, st.integers(0, 10))
def test_when_the_service_stops_answering_the_rest_is_left_and_nothing_is_sent_twice(
    sizes: list[int], bad: set[int], stop: int
) -> None:
    sending, calls, everything = run(sizes, bad, stop=stop)
    delivered, buried = settled(sending)
    done = sorted([*delivered, *buried])
    assert done == everything[: len(done)], "always from the front"
    assert (sending.stopped is None) == (len(done) == len(everything))
    assert len(calls) <= stop + 1


def test_a_doubtful_refusal_buries_nothing() -> None:
    fault = Unreachable("InvalidInputException", "all", "target")
    sending, _ = send([record(1)], lambda _: Refused("InvalidInputException", "bad"), doubt=fault)
    assert (sending.buried, sending.stopped) == ([], fault)


def test_what_is_too_large_for_one_call_goes_in_two() -> None:
    large = MAX_BATCH_BYTES // 2 + 100
    sending, calls = send([record(1, size=large), record(2, size=large)], lambda _: Delivered("r"))
    assert calls == [[(1, 0)], [(2, 0)]]
    assert settled(sending)[0] == [(1, 0), (2, 0)]
