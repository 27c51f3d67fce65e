"""Rate limits: the rate, the burst, and the bounds."""

from relay.web.rate_limit import RateLimit
from tests.support.clock import FakeClock


def test_a_burst_of_ten_seconds_passes_and_then_the_rate() -> None:
    clock = FakeClock()
    limit = RateLimit(per_s=20, clock=clock)
    assert sum(limit.wait_s("a", 1) == 0 for _ in range(300)) == 200
    clock.advance(1)
    assert sum(limit.wait_s("a", 1) == 0 for _ in range(300)) == 20


def test_keys_do_not_share() -> None:
    limit = RateLimit(per_s=1, clock=FakeClock())
    assert limit.wait_s("a", 10) == 0
    assert limit.wait_s("a", 1) == 1
    assert limit.wait_s("b", 10) == 0


def test_the_wait_that_is_told_is_enough_and_refusals_cost_nothing() -> None:
    clock = FakeClock()
    limit = RateLimit(per_s=2, clock=clock)
    assert limit.wait_s("a", 20) == 0
    waits = [limit.wait_s("a", 10) for _ in range(100)]
    assert set(waits) == {5}
    clock.advance(5)
    assert limit.wait_s("a", 10) == 0


def test_a_beacon_larger_than_the_burst_passes_alone_and_is_paid_for() -> None:
    clock = FakeClock()
    limit = RateLimit(per_s=20, clock=clock)
    assert limit.wait_s("a", 500) == 0
    assert limit.wait_s("a", 1) == 16
    clock.advance(24)
    assert limit.wait_s("a", 20) == 0


def test_a_wall_clock_that_steps_back_changes_nothing() -> None:
    clock = FakeClock()
    limit = RateLimit(per_s=1, clock=clock)
    limit.wait_s("a", 10)
    clock.advance(10)
    clock.step(-86_400)
    assert limit.wait_s("a", 10) == 0


def test_memory_is_bounded_however_many_keys_come() -> None:
    limit = RateLimit(per_s=1, clock=FakeClock(), most_keys=100)
    for number in range(10_000):
        limit.wait_s(number, 1)
        assert len(limit) <= 100


def test_who_keeps_sending_is_remembered_however_many_others_come() -> None:
    limit = RateLimit(per_s=1, clock=FakeClock(), most_keys=100)
    assert limit.wait_s("flood", 10) == 0
    for number in range(10_000):
        limit.wait_s(number, 1)
        assert number % 10 or limit.wait_s("flood", 1)
