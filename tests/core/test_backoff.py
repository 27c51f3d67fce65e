"""Waits between tries."""

import random

from hypothesis import given
from hypothesis import strategies as st

from relay.core.backoff import BASE_S, CAP_S, full_jitter


@given(st.integers(1, 10_000), st.integers())
def test_a_wait_is_never_negative_and_never_over_the_cap(attempt: int, seed: int) -> None:
    assert 0 <= full_jitter(attempt, random.Random(seed)) <= CAP_S


@given(st.integers(1, 6), st.integers())
def test_a_wait_stays_below_the_doubled_base(attempt: int, seed: int) -> None:
    assert full_jitter(attempt, random.Random(seed)) <= BASE_S * 2 ** (attempt - 1)


def test_waits_spread_over_the_whole_interval() -> None:
    rng = random.Random(7)
    waits = [full_jitter(4, rng) for _ in range(1000)]
    assert min(waits) < 0.1
    assert max(waits) > 3.9
    assert 1.8 < sum(waits) / len(waits) < 2.2
