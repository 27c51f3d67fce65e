"""When calling makes sense."""

import random

import pytest

from relay.delivery.circuit import FAILURES_TO_OPEN, PERSON_PROBE_CAP_S, PROBE_CAP_S, REFUSALS_TO_OPEN, Circuit
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable

NETWORK = Unreachable("Timeout", "no answer", "network")
KEYS = Unreachable("ExpiredTokenException", "expired", "credentials")
REFUSED = Refused("InvalidInputException", "bad")


def circuit(*outcomes: Outcome) -> Circuit:
    made = Circuit("tracker-1", random.Random(1))
    for outcome in outcomes:
        made.learn(outcome, 0.0)
    return made


def test_a_few_failures_of_the_network_are_nobodys_concern() -> None:
    assert not circuit(*[NETWORK] * (FAILURES_TO_OPEN - 1)).is_open
    assert not circuit(*[NETWORK] * 4, Throttled("x"), *[NETWORK] * 4).is_open


def test_many_failures_in_a_row_open_it() -> None:
    assert circuit(*[NETWORK] * FAILURES_TO_OPEN).is_open


@pytest.mark.parametrize("cause", ["credentials", "target"])
def test_what_a_person_must_repair_opens_it_at_once_and_is_named(cause: str) -> None:
    opened = circuit(Unreachable("SomeException", "why", cause))  # type: ignore[arg-type]  # both are causes
    assert opened.is_open
    problem = opened.problem(12.0)
    assert problem is not None
    assert "tracker-1" in problem
    assert f"({cause}: SomeException): why" in problem
    assert "12 s" in problem


def test_a_delivery_closes_it() -> None:
    assert not circuit(KEYS, Delivered("r")).is_open
    assert circuit(Delivered("r")).problem(0.0) is None


@pytest.mark.parametrize(("fault", "cap_s"), [(NETWORK, PROBE_CAP_S), (KEYS, PERSON_PROBE_CAP_S)])
def test_probes_go_one_at_a_time_and_never_rarer_than_the_cap(fault: Unreachable, cap_s: float) -> None:
    opened = circuit(*[fault] * 50)
    wait_s = opened.probe_wait_s(0.0)
    assert wait_s is not None
    assert 0.2 <= wait_s <= cap_s
    assert opened.probe_wait_s(cap_s) == 0.0
    opened.probe()
    assert opened.probe_wait_s(cap_s) is None
    opened.end_probe()
    assert opened.probe_wait_s(cap_s) == 0.0


def test_when_nothing_but_refusals_comes_back_burying_stops() -> None:
    made = circuit()
    answers = [made.may_bury(REFUSED, 0.0) for _ in range(REFUSALS_TO_OPEN + 1)]
    assert answers[:-1] == [None] * REFUSALS_TO_OPEN
    assert isinstance(answers[-1], Unreachable)
    assert made.is_open
    made.learn(REFUSED, 1.0)
    assert made.is_open
    made.learn(Delivered("r"), 2.0)
    assert not made.is_open
    assert made.may_bury(REFUSED, 3.0) is None
