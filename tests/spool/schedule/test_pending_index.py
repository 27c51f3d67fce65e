"""Whose turn it is: the index both spools share, with time passed in."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.errors import SpoolFullError
from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.spool.schedule.chains import Columns, load_chains
from relay.spool.schedule.claims import Claim, Removed
from relay.spool.schedule.fair_queue import ALL_PICKS, LIVE_HOLD_S, LIVE_S
from relay.spool.schedule.pending_index import PendingIndex
from relay.spool.schedule.session_table import MAX_TARGETS

OUTAGE = {"t": math.inf}
DUE_S = 600.0 + LIVE_HOLD_S + 0.01
"""When who came at second 600 is due although calls are held back."""
BUSY = {"t": 30.0}
"""Calls are near the quota: hold back for 30 s."""


class Filled(PendingIndex):
    """An index that numbers its records itself."""

    last_seq = 0

    def __init__(self) -> None:
        super().__init__(call_events=MAX_EVENTS_PER_CALL)

    def come(self, session: int, now_s: float, count: int = 1, *, target: str = "t") -> None:
        first, self.last_seq = self.last_seq + 1, self.last_seq + count
        for seq in range(first, self.last_seq + 1):
            self.add(session, target, seq, 1, now_s)

    def sessions(self, now_s: float, *, most: int = 100, holds: dict[str, float] | None = None) -> list[int]:
        return [claim.session for claim in self.take(max_sessions=most, now_s=now_s, holds=holds)]

    def deliver(self, claim: Claim, now_s: float) -> None:
        gone = dict(zip(claim.seqs, claim.waiting, strict=True))
        self.settle(claim.session, head=claim.seqs[0], attempt=claim.attempt, gone=gone, now_s=now_s)


def ones(seqs: Iterable[int]) -> dict[int, int]:
    """Records of one event, as what is gone."""
    return dict.fromkeys(seqs, 1)


def seqs_of(removed: Iterable[Removed] | None) -> list[int]:
    return [one.seq for one in removed or ()]


def after_an_outage(sessions: int, *, each: int = 3) -> Filled:
    """So many sessions wait since second 0, and it is second 600."""
    index = Filled()
    for session in range(sessions):
        index.come(session, 0.0, each)
    assert index.sessions(600.0, holds=OUTAGE) == []
    return index


def test_the_oldest_goes_first() -> None:
    index = Filled()
    for session in (3, 1, 2):
        index.come(session, float(session))
    index.come(1, 3.5)
    assert index.sessions(4.0) == [3, 1, 2]


def test_a_claim_holds_a_calls_worth_and_the_rest_follows_in_order() -> None:
    index = Filled()
    index.come(7, 0.0, 23)
    sizes: list[int] = []
    seqs: list[int] = []
    while claims := index.take(max_sessions=9, now_s=1.0):
        (claim,) = claims
        sizes.append(len(claim.seqs))
        seqs += claim.seqs
        index.deliver(claim, 1.0)
    assert sizes == [10, 10, 3]
    assert seqs == list(range(1, 24))
    assert index.pending == 0


def test_one_lease_a_session_and_what_comes_meanwhile_goes_in_the_next() -> None:
    index = Filled()
    index.come(1, 0.0)
    (claim,) = index.take(max_sessions=9, now_s=0.0)
    index.come(1, 0.1, 4)
    assert index.sessions(0.2) == []
    index.deliver(claim, 0.3)
    (after,) = index.take(max_sessions=9, now_s=0.3)
    assert after.seqs == (2, 3, 4, 5)


def test_a_session_is_held_back_until_it_fills_a_call() -> None:
    index = Filled()
    index.come(1, 0.0, 9)
    index.come(2, 0.0, 1)
    assert index.sessions(1.0, holds=BUSY) == []
    index.come(1, 1.0)
    assert index.sessions(1.0, holds=BUSY) == [1]
    assert index.next_due_s(holds=BUSY) <= 30.0
    assert index.sessions(30.0, holds=BUSY) == [2]


def test_a_retry_waits_for_its_time_and_keeps_its_place() -> None:
    index = Filled()
    index.come(1, 0.0, 2)
    index.come(2, 0.0)
    first, second = index.take(max_sessions=9, now_s=0.0)
    index.settle(1, head=first.seqs[0], attempt=1, gone={}, now_s=0.0, retry_after_s=2.0)
    index.settle(2, head=second.seqs[0], attempt=1, gone={}, now_s=0.0)
    assert index.sessions(1.0) == [2]
    assert index.next_due_s() == pytest.approx(2.0, abs=0.01)
    (again,) = index.take(max_sessions=9, now_s=2.1)
    assert (again.session, again.attempt, again.seqs) == (1, 2, (1, 2))


def test_a_lease_that_ran_out_is_given_again_and_the_late_settle_changes_nothing() -> None:
    index = Filled()
    index.come(1, 0.0, 2)
    (late,) = index.take(max_sessions=1, now_s=0.0)
    assert index.sessions(59.0) == []
    (claim,) = index.take(max_sessions=1, now_s=60.0)
    assert claim.attempt == 2
    assert index.settle(1, head=1, attempt=late.attempt, gone=ones(late.seqs), now_s=60.0) is None
    assert index.renew(claim, 60.0)
    assert not index.renew(late, 60.0)
    assert index.pending == 2


def test_a_renewed_lease_lasts_from_then_on_and_the_others_still_run_out_in_time() -> None:
    index = Filled()
    for session in (1, 2):
        index.come(session, 0.0)
    first, _ = index.take(max_sessions=2, now_s=0.0)
    assert index.renew(first, 40.0)
    assert index.sessions(60.0) == [2]
    assert index.next_due_s() == 100.0
    assert index.sessions(100.0) == [1]


def test_targets_take_turns_and_a_held_one_is_left_alone() -> None:
    index = Filled()
    for session in range(6):
        index.come(session, 0.0, target="t")
        index.come(100 + session, 0.0, target="u")
    assert [session >= 100 for session in index.sessions(1.0, most=4)] in ([True, False] * 2, [False, True] * 2)
    assert all(session >= 100 for session in index.sessions(1.0, holds=OUTAGE))


def test_what_is_erased_is_not_given_and_a_lease_shrinks_with_it() -> None:
    index = Filled()
    index.come(1, 0.0, 4)
    index.come(2, 0.0, 2)
    (claim,) = index.take(max_sessions=1, now_s=0.0)
    assert seqs_of(index.discard(1, {2, 4, 99})) == [2, 4]
    assert seqs_of(index.discard(2, {5, 6})) == [5, 6]
    assert index.discard(77, {1}) == []
    assert seqs_of(index.settle(1, head=1, attempt=1, gone=ones(claim.seqs), now_s=1.0)) == [1, 3]
    assert (index.pending, index.sessions(9.0)) == (0, [])


def test_a_waiting_session_whose_oldest_record_is_erased_still_gets_its_turn() -> None:
    index = Filled()
    index.come(1, 0.0, 2)
    index.discard(1, {1})
    (claim,) = index.take(max_sessions=9, now_s=0.1)
    assert claim.seqs == (2,)


def test_after_an_outage_a_new_visitor_waits_less_than_five_seconds_behind_any_backlog() -> None:
    index = after_an_outage(100_000)
    assert index.sessions(600.0, most=50, holds=BUSY)
    index.come(-1, 600.0)
    early = index.sessions(600.0 + LIVE_HOLD_S - 0.1, most=50, holds=BUSY)
    assert -1 not in early
    assert -1 in index.sessions(DUE_S, most=2, holds=BUSY)
    assert LIVE_HOLD_S < LIVE_S < 5


def test_a_visitor_who_returns_takes_all_that_waited_of_the_visit_along_in_order() -> None:
    index = after_an_outage(50_000, each=13)
    index.come(40_000, 600.0)
    at_s = DUE_S
    got: list[int] = []
    for _ in range(4):
        for claim in index.take(max_sessions=2, now_s=at_s, holds=BUSY):
            if claim.session == 40_000:
                got += claim.seqs
            index.deliver(claim, at_s)
        at_s += 0.02
    assert len(got) == 14
    assert got == sorted(got)


def test_the_backlog_gets_its_share_whatever_comes_live() -> None:
    index = after_an_outage(1000)
    for session in range(10_000, 11_000):
        index.come(session, 600.0)
    turns = [index.sessions(DUE_S, most=1, holds=BUSY)[0] for _ in range(10 * ALL_PICKS)]
    assert sum(session < 1000 for session in turns) == 10
    assert [session for session in turns if session < 1000] == list(range(10))


def test_what_live_sessions_leave_goes_to_the_backlog_oldest_first() -> None:
    index = after_an_outage(1000)
    assert index.sessions(600.0, most=300, holds=BUSY) == list(range(300))


def test_before_anybody_lingers_live_sessions_are_not_held_back_by_a_backlog() -> None:
    index = after_an_outage(1000)
    index.come(-1, 600.0)
    assert -1 in index.sessions(600.0, most=2)


def test_a_day_of_outage_with_returning_visitors_costs_no_memory_for_what_is_stale() -> None:
    index = Filled()
    for second in range(0, 86_400, 6):
        for session in range(5):
            index.come(session, float(second))
    (flow,) = index._flow
    assert len(flow.live._in_order) + len(flow.live._late) <= 20
    assert len(flow.backlog._in_order) + len(flow.backlog._late) <= 20


def test_loading_is_the_same_as_adding() -> None:
    rows = [(seq, seq % 7, 1, 1000 * seq, 1 + seq % 3) for seq in range(1, 200)]
    loaded, added = PendingIndex(call_events=10), PendingIndex(call_events=10)
    pieces = [Columns(*map(list, zip(*rows[start : start + 90], strict=True))) for start in (0, 90, 180)]
    chains = load_chains(pieces, now_s=300.0, now_ms=300_000)
    assert loaded.load(chains, {1: "t"}, now_s=300.0) == 199
    for seq, session, _, at_ms, waiting in rows:
        added.add(session, "t", seq, waiting, at_ms / 1000)
    assert loaded.pending == added.pending
    for _ in range(40):
        one, other = (index.take(max_sessions=2, now_s=300.0) for index in (loaded, added))
        assert one == other
        for index in (loaded, added):
            for claim in one:
                gone = dict(zip(claim.seqs, claim.waiting, strict=True))
                index.settle(claim.session, head=claim.seqs[0], attempt=claim.attempt, gone=gone, now_s=300.0)
    assert loaded.pending == added.pending == 0


def test_targets_are_bounded() -> None:
    index = Filled()
    for number in range(MAX_TARGETS):
        index.come(number, 0.0, target=f"t{number}")
    with pytest.raises(SpoolFullError):
        index.come(-1, 0.0, target="one more")


steps = st.lists(
    st.tuples(
        st.sampled_from(("come", "take", "deliver", "part", "retry", "wait", "erase")),
        st.integers(0, 4),
        st.floats(0, 12),
    ),
    max_size=120,
)


@given(steps, st.sampled_from((0.0, 2.0, 30.0)))
def test_whatever_happens_nothing_is_lost_doubled_or_out_of_order(
    steps: list[tuple[str, int, float]], hold_s: float
) -> None:
    index, now_s, out = Filled(), 0.0, list[Claim]()
    waiting: dict[int, list[int]] = {session: [] for session in range(5)}

    def leave(session: int, gone: list[int]) -> None:
        waiting[session] = [seq for seq in waiting[session] if seq not in gone]

    def take(most: int) -> None:
        for claim in index.take(max_sessions=most, now_s=now_s, holds={"t": hold_s}):
            assert list(claim.seqs) == waiting[claim.session][: len(claim.seqs)]
            assert len(claim.seqs) == min(MAX_EVENTS_PER_CALL, len(waiting[claim.session]))
            out.append(claim)

    def settle(claim: Claim, gone: tuple[int, ...], retry_after_s: float = 0.0) -> None:
        newest = index.renew(claim, now_s)
        head = next((seq for seq in claim.seqs if seq in waiting[claim.session]), claim.seqs[0])
        removed = index.settle(
            claim.session, head=head, attempt=claim.attempt, gone=ones(gone), now_s=now_s, retry_after_s=retry_after_s
        )
        assert removed is not None or not newest
        leave(claim.session, seqs_of(removed))

    for what, number, seconds in steps:
        if what == "come":
            index.come(number, now_s, 1 + number * 3)
            waiting[number] += range(index.last_seq - number * 3, index.last_seq + 1)
        elif what == "take":
            take(number + 1)
        elif what == "wait":
            now_s += seconds
        elif what == "erase":
            leave(number, seqs_of(index.discard(number, set(waiting[number][::2]))))
        elif out:
            claim = out.pop(number % len(out))
            gone = {"deliver": claim.seqs, "part": claim.seqs[:2], "retry": ()}[what]
            settle(claim, gone, seconds if what == "retry" else 0.0)
        assert index.pending == sum(map(len, waiting.values()))
        assert all(index.seqs(session, 1000) == seqs for session, seqs in waiting.items())
    for _ in range(200):
        now_s += 61.0
        out.clear()
        take(100)
        for claim in out:
            settle(claim, claim.seqs)
    assert index.pending == 0
