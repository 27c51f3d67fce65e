"""Packing reaches the least number of calls; and that bound itself, checked against all the ways there are."""

import math
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.packing import least_calls
from tests.delivery.stage import Stage, play
from tests.support.records import beacon


def fewest_by_trying(times: tuple[int, ...], wait: int, room: int) -> int:
    """Every way to send a session's events, calls only at moments when some event arrives or must go."""
    moments = sorted({*times, *(at + wait for at in times)})

    @cache
    def fewest(sent: frozenset[int], moment: int) -> float:
        if len(sent) == len(times):
            return 0
        if moment == len(moments):
            return float("inf")
        now = moments[moment]
        if any(times[one] + wait < now for one in range(len(times)) if one not in sent):
            return float("inf")
        here = [one for one in range(len(times)) if one not in sent and times[one] <= now]
        best = fewest(sent, moment + 1)
        for choice in range(1, 1 << len(here)):
            chosen = {one for position, one in enumerate(here) if choice >> position & 1}
            if len(chosen) <= room:
                best = min(best, 1 + fewest(sent | chosen, moment))
        return best

    return int(fewest(frozenset(), 0))


@given(st.lists(st.integers(0, 8), min_size=1, max_size=5), st.integers(0, 5))
def test_no_plan_needs_fewer_calls_than_the_bound(times: list[int], wait: int) -> None:
    times.sort()
    bound = least_calls([(float(at), "s", 1) for at in times], wait)
    assert bound == fewest_by_trying(tuple(times), wait, 10)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=5), st.integers(0, 5))
def test_nor_when_calls_are_full_before_they_are_due(times: list[int], wait: int) -> None:
    times.sort()
    # Ten events that come together fill a call: as if each call had room for one thing.
    bound = least_calls([(float(at), "s", 10) for at in times], wait)
    assert bound == fewest_by_trying(tuple(times), wait, 1)


def test_sessions_never_share_a_call() -> None:
    assert least_calls([(0.0, "a", 1), (0.0, "b", 1), (1.0, "a", 1)], 5) == 2


@given(st.lists(st.integers(1, 10), min_size=1, max_size=12))
def test_beacons_that_wait_together_go_in_as_few_calls_as_their_events_need(sizes: list[int]) -> None:
    """A call may begin in the middle of a beacon, and end in the middle of another."""

    async def story(stage: Stage) -> None:
        ids = iter(range(1000))
        await stage.spool.append([beacon(*[f"e{next(ids)}" for _ in range(size)]) for size in sizes])
        await stage.settled()
        events = sum(sizes)
        assert stage.events() == [f"e{number}" for number in range(events)]
        assert [batch.size for batch in stage.sink.calls[:-1]] == [10] * (math.ceil(events / 10) - 1)

    play(story)
