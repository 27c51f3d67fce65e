"""When calling makes sense, and when a refusal is to be believed."""

import random

import pytest

from relay.delivery.circuit import (
    FAILURES_TO_OPEN,
    PERSON_PROBE_CAP_S,
    PROBE_CAP_S,
    REFUSALS_TO_DOUBT,
    SOURCES_TO_DOUBT,
    Circuit,
)
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


@pytest.mark.parametrize("outcome", [Delivered("r"), REFUSED])
def test_any_verdict_closes_it(outcome: Outcome) -> None:
    assert not circuit(KEYS, outcome).is_open
    assert circuit(KEYS, outcome).problem(0.0) is None


def test_a_throttled_answer_closes_it_and_it_works_again_only_with_a_verdict_on_events() -> None:
    throttled = circuit(KEYS, Throttled("ThrottlingException"))
    assert not throttled.is_open
    assert not throttled.is_at_rest
    assert throttled.problem(7.0) == "tracker-1 answers again, and throttles: no delivery for 7 s (ThrottlingException)"
    throttled.learn(Throttled("ThrottlingException"), 8.0)
    assert throttled.problem(8.0) is not None
    throttled.learn(Delivered("r"), 9.0)
    assert throttled.problem(9.0) is None
    assert throttled.is_at_rest


def test_throttling_alone_is_no_problem_of_the_target() -> None:
    assert circuit(Throttled("ThrottlingException")).problem(0.0) is None


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


def test_when_several_senders_get_nothing_but_refusals_burying_stops_and_nobody_is_held() -> None:
    made = circuit()
    answers = [made.may_bury(REFUSED, number, 0.0) for number in range(REFUSALS_TO_DOUBT + 1)]
    assert answers[:-1] == [None] * REFUSALS_TO_DOUBT
    assert isinstance(answers[-1], Unreachable)
    assert not made.is_open
    assert "every event is refused: bad" in (made.problem(1.0) or "")
    made.learn(REFUSED, 1.0)
    assert made.may_bury(REFUSED, 1, 1.0) is not None
    made.learn(Delivered("r"), 2.0)
    assert made.problem(2.0) is None
    assert made.may_bury(REFUSED, 1, 3.0) is None


def test_what_one_stranger_sends_casts_no_doubt_on_a_target() -> None:
    made = circuit()
    for number in range(1000):
        assert made.may_bury(REFUSED, number % (SOURCES_TO_DOUBT - 1), 0.0) is None
    assert made.is_at_rest


def test_a_tracker_that_is_not_there_is_told_with_what_shows_which_are() -> None:
    circuit = Circuit("wrong-id", random.Random(1))
    circuit.learn(Unreachable("InvalidInputException", "No event tracker has the tracking id.", "target"), 0.0)
    line = circuit.problem(5.0)
    assert line is not None
    assert line.startswith("no delivery to wrong-id for 5 s")
    assert "`personalize-relay tracker list`" in line
    assert "\n" not in line
