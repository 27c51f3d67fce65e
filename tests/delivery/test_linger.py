"""How long events are held back, on a clock that is moved by hand."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.linger import FAR, NEAR, Linger
from relay.delivery.token_bucket import Pace
from tests.support.clock import FakeClock

STEP_S = 0.05


class Road:
    """A linger over a pace, with calls made as told."""

    def __init__(self, *, least_s: float = 0.0, most_s: float = 30.0) -> None:
        self.clock = FakeClock()
        self.pace = Pace(1000, clock=self.clock)
        self.linger = Linger(self.pace, least_s=least_s, most_s=most_s)

    def drive(self, seconds: float, part: float | Callable[[float], float]) -> float:
        """Use that part of the pace, which may depend on the present linger, for some seconds; the linger then."""
        held_s = self.linger.now(self.clock.monotonic_s())
        for _ in range(round(seconds / STEP_S)):
            self.clock.advance(STEP_S)
            used = part(held_s) if callable(part) else part
            for _ in range(round(used * self.pace.rate * STEP_S)):
                self.pace.take()
            held_s = self.linger.now(self.clock.monotonic_s())
        return held_s


def test_far_from_the_quota_nothing_is_held_back() -> None:
    assert Road().drive(60, FAR - 0.05) == 0


def test_near_the_quota_the_hold_grows_to_its_bound_within_seconds() -> None:
    road = Road()
    road.drive(5, 1.0)
    assert road.drive(3, 1.0) == 30


def test_between_near_and_far_it_stays_as_it_is() -> None:
    road = Road(most_s=3)
    assert road.drive(10, 1.0) == 3
    road.drive(3, (NEAR + FAR) / 2)
    held_s = road.drive(1, (NEAR + FAR) / 2)
    assert held_s > 0
    assert road.drive(30, (NEAR + FAR) / 2) == held_s


def test_when_nothing_comes_any_more_it_is_given_up_within_seconds() -> None:
    road = Road()
    road.drive(10, 1.0)
    assert road.drive(6, 0.0) == 0


def test_giving_way_never_brings_the_pressure_back() -> None:
    """What is released comes as calls: x seconds of hold less in a second are 1 + x seconds' worth of them."""
    road = Road()
    road.drive(10, 1.0)
    last_s, highest = road.drive(5, 0.7), 0.0

    def released(held_s: float) -> float:
        nonlocal last_s, highest
        used = 0.7 * (1 + (last_s - held_s) / STEP_S)
        last_s = held_s
        highest = max(highest, road.pace.used)
        return used

    held_s = road.drive(300, released)
    assert held_s == 0
    assert highest < NEAR + 0.02


@pytest.mark.parametrize(("least_s", "most_s", "longest_s"), [(2.0, 30.0, 30.0), (5.0, 0.0, 5.0), (0.0, 0.0, 0.0)])
def test_the_bounds_are_those_of_the_settings(least_s: float, most_s: float, longest_s: float) -> None:
    road = Road(least_s=least_s, most_s=most_s)
    assert road.drive(1, 0.0) == least_s
    assert road.drive(20, 1.0) == longest_s


def test_a_long_silence_costs_no_time_to_catch_up_with() -> None:
    road = Road()
    road.drive(10, 1.0)
    road.clock.advance(10_000_000)
    assert road.linger.now(road.clock.monotonic_s()) == 0


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1.2)), max_size=20))
def test_whatever_happens_it_stays_within_its_bounds(stretches: list[tuple[float, float]]) -> None:
    road = Road(least_s=1, most_s=20)
    for seconds, part in stretches:
        assert 1 <= road.drive(seconds, part) <= 20
