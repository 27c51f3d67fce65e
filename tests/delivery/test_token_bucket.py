"""Calls a second, on a clock that is moved by hand."""

from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.token_bucket import Pace
from tests.support.clock import FakeClock, LoopClock, run_in_virtual_time


def spend(pace: Pace, clock: FakeClock, seconds: float, step_s: float = 0.001) -> int:
    """Call whenever it is allowed; how often that was."""
    calls = 0
    for _ in range(round(seconds / step_s)):
        while pace.available():
            pace.take()
            calls += 1
        clock.advance(step_s)
    return calls


def test_no_second_holds_more_calls_than_the_quota() -> None:
    clock = FakeClock()
    pace = Pace(100, clock=clock)
    clock.advance(60)
    assert 95 <= spend(pace, clock, 1.0) <= 100


def test_the_quota_is_used_for_as_long_as_there_is_work() -> None:
    clock = FakeClock()
    assert 960 <= spend(Pace(100, clock=clock), clock, 10.0) <= 980


def test_throttling_halves_the_rate_once_however_many_calls_were_in_flight() -> None:
    clock = FakeClock()
    pace = Pace(100, clock=clock)
    for _ in range(32):
        pace.slow()
    assert 48 <= pace.rate <= 49
    clock.advance(1)
    pace.slow()
    assert 24 <= pace.rate <= 25


def test_the_rate_comes_back_by_itself() -> None:
    clock = FakeClock()
    pace = Pace(100, clock=clock)
    pace.slow()
    clock.advance(1.5)
    assert pace.rate < 49
    clock.advance(10)
    assert pace.rate == 97


def test_some_calls_always_remain() -> None:
    clock = FakeClock()
    pace = Pace(100, clock=clock)
    for _ in range(100):
        pace.slow()
        clock.advance(1)
    assert pace.rate > 0.9


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=50))
def test_a_wait_always_ends_in_a_call(steps: list[tuple[float, bool]]) -> None:
    clock = FakeClock()
    pace = Pace(10, clock=clock)
    for seconds, throttled in steps:
        clock.advance(seconds)
        if throttled:
            pace.slow()
        wait_s = pace.wait_s()
        assert 0 <= wait_s < 20
        clock.advance(wait_s + 1e-6)
        assert pace.available() >= 1
        pace.take()


def test_turns_are_given_one_after_the_other() -> None:
    async def main() -> float:
        clock = LoopClock()
        pace = Pace(10, clock=clock)
        for _ in range(20):
            await pace.turn()
        return clock.monotonic_s()

    assert 1.9 <= run_in_virtual_time(main) <= 2.1


def test_it_is_full_again_when_time_has_passed_and_nothing_limits_it() -> None:
    clock = FakeClock()
    pace = Pace(10, clock=clock)
    assert pace.is_full
    pace.take()
    assert not pace.is_full
    clock.advance(0.2)
    assert pace.is_full
    pace.slow()
    clock.advance(5)
    assert not pace.is_full, "it is still slower than it may be"
    clock.advance(20)
    assert pace.is_full


def test_use_is_near_one_when_the_pace_limits_and_falls_when_it_does_not() -> None:
    clock = FakeClock()
    pace = Pace(100, clock=clock)
    spend(pace, clock, 5)
    assert 0.9 < pace.used < 1.1
    clock.advance(3)
    assert pace.used < 0.1
