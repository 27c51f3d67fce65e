"""Bindings: how long, how many, and what has to be saved when."""

import pytest

from relay.core.model import Binding
from relay.spool.schedule.bindings import WRITES_A_TTL, Bindings
from tests.support.clock import FakeClock

TTL_S = 1000.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def bindings(clock: FakeClock) -> Bindings:
    return Bindings(clock=clock, ttl_s=TTL_S)


def save(bindings: Bindings) -> Binding:
    due = bindings.due("shop", "s1")
    assert due is not None
    bindings.saved(due)
    return due


def test_a_binding_holds_at_once_and_ends_with_its_time(bindings: Bindings, clock: FakeClock) -> None:
    assert bindings.user("shop", "s1") is None
    bindings.claim("shop", "s1", "u1")
    assert bindings.user("shop", "s1") == "u1"
    assert bindings.user("other", "s1") is None
    clock.advance(TTL_S)
    assert bindings.user("shop", "s1") is None


def test_whose_a_session_was_is_remembered_after_its_time_and_within_the_bound(clock: FakeClock) -> None:
    bindings = Bindings(clock=clock, ttl_s=TTL_S, most=2)
    bindings.claim("shop", "s1", "u1")
    clock.advance(TTL_S)
    assert (bindings.user("shop", "s1"), bindings.claim("shop", "s1", "u3")) == (None, "u1")
    for session in ("s2", "s3"):
        bindings.claim("shop", session, "u2")
    bindings.forget(user_id="u2")
    assert [bindings.claim("shop", session, "u3") for session in ("s1", "s2")] == ["u3", "u3"]


def test_it_is_due_until_a_save_has_succeeded(bindings: Bindings, clock: FakeClock) -> None:
    bindings.claim("shop", "s1", "u1")
    assert bindings.due("shop", "s1") == bindings.due("shop", "s1")
    assert save(bindings) == Binding("shop", "s1", "u1", clock.now_ms() + 1_000_000 + 1_000_000 // WRITES_A_TTL)
    assert bindings.due("shop", "s1") is None


def test_one_in_use_lives_on_with_few_writes(bindings: Bindings, clock: FakeClock) -> None:
    bindings.claim("shop", "s1", "u1")
    writes = 0
    for _ in range(100 * WRITES_A_TTL):
        clock.advance(TTL_S / WRITES_A_TTL / 2)
        assert bindings.user("shop", "s1") == "u1"
        if due := bindings.due("shop", "s1"):
            bindings.saved(due)
            writes += 1
    assert writes <= 50 * WRITES_A_TTL + 1


@pytest.mark.parametrize("used_after", [0.01, 0.45, 0.55, 0.99])
def test_it_ends_its_whole_time_after_its_last_use_however_early_that_was(
    bindings: Bindings, clock: FakeClock, used_after: float
) -> None:
    bindings.claim("shop", "s1", "u1")
    save(bindings)
    clock.advance(TTL_S * used_after)
    assert bindings.user("shop", "s1") == "u1"
    clock.advance(TTL_S - 0.001)
    assert bindings.user("shop", "s1") == "u1"
    clock.advance(TTL_S)
    assert bindings.user("shop", "s1") is None


def test_after_a_restart_it_ends_no_earlier_and_a_step_later_at_most(bindings: Bindings, clock: FakeClock) -> None:
    bindings.claim("shop", "s1", "u1")
    kept = save(bindings)
    for _ in range(3 * WRITES_A_TTL):
        clock.advance(TTL_S / WRITES_A_TTL / 3)
        assert bindings.user("shop", "s1") == "u1"
        if due := bindings.due("shop", "s1"):
            kept = due
            bindings.saved(due)
        anew = Bindings(clock=clock, ttl_s=TTL_S)
        anew.load([kept])
        assert 1_000_000 <= kept.expires_at_ms - clock.now_ms() <= 1_000_000 + 1_000_000 // WRITES_A_TTL
        assert anew.user("shop", "s1") == "u1"


def test_a_save_that_comes_late_does_not_bring_another_user_back(bindings: Bindings) -> None:
    bindings.claim("shop", "s1", "u1")
    late = bindings.due("shop", "s1")
    assert late is not None
    bindings.forget(user_id="u1")
    bindings.saved(late)
    assert bindings.user("shop", "s1") is None


def test_what_the_spool_kept_is_there_after_a_restart(bindings: Bindings, clock: FakeClock) -> None:
    bindings.load([Binding("shop", "s1", "u1", clock.now_ms() + 5000), Binding("shop", "s2", "u2", clock.now_ms() - 1)])
    assert bindings.user("shop", "s1") == "u1"
    assert bindings.user("shop", "s2") is None


def test_past_the_bound_the_one_unused_longest_is_forgotten(clock: FakeClock) -> None:
    bindings = Bindings(clock=clock, ttl_s=TTL_S, most=2)
    for session in ("s1", "s2"):
        bindings.claim("shop", session, "u1")
    bindings.user("shop", "s1")
    bindings.claim("shop", "s3", "u1")
    assert [bindings.user("shop", session) for session in ("s1", "s2", "s3")] == ["u1", None, "u1"]
    assert bindings.due("shop", "s2") is None


def test_erasing_a_user_forgets_all_its_sessions(bindings: Bindings) -> None:
    for session, user in (("s1", "u1"), ("s2", "u2"), ("s3", "u1")):
        bindings.claim("shop", session, user)
    bindings.forget(user_id="u1")
    assert [bindings.user("shop", session) for session in ("s1", "s2", "s3")] == [None, "u2", None]


def test_who_is_forgotten_for_want_of_room_is_told_once_if_it_was_saved(clock: FakeClock) -> None:
    bindings = Bindings(clock=clock, ttl_s=TTL_S, most=2, notes_forgotten=True)
    for session in ("s1", "s2", "s3", "s4"):
        bindings.claim("shop", session, "u1")
        if session != "s2":
            due = bindings.due("shop", session)
            assert due is not None
            bindings.saved(due)
    assert bindings.forgotten() == [("shop", "s1")]
    assert bindings.forgotten() == []
    bindings.give_back([("shop", "s1"), ("shop", "s3")])
    assert bindings.forgotten() == [("shop", "s1")]


def test_who_is_somebody_s_again_is_not_told(clock: FakeClock) -> None:
    bindings = Bindings(clock=clock, ttl_s=TTL_S, most=1, notes_forgotten=True)
    for session in ("s1", "s2", "s1"):
        bindings.claim("shop", session, "u1")
        due = bindings.due("shop", session)
        assert due is not None
        bindings.saved(due)
    assert bindings.forgotten() == [("shop", "s2")]


def test_a_save_from_before_its_session_was_forgotten_does_not_count(clock: FakeClock) -> None:
    bindings = Bindings(clock=clock, ttl_s=TTL_S, most=1, notes_forgotten=True)
    bindings.claim("shop", "s1", "u1")
    early = bindings.due("shop", "s1")
    assert early is not None
    asked = bindings.held(early)
    for session in ("s2", "s1"):
        bindings.claim("shop", session, "u1")
    bindings.saved(early, asked)
    due = bindings.due("shop", "s1")
    assert due is not None
    bindings.saved(due, bindings.held(due))
    assert bindings.due("shop", "s1") is None


def test_nobody_is_noted_where_nobody_asks(clock: FakeClock) -> None:
    bindings = Bindings(clock=clock, ttl_s=TTL_S, most=1)
    bindings.load([Binding("shop", session, "u1", clock.now_ms() + 5000) for session in ("s1", "s2", "s3")])
    assert bindings.forgotten() == []
