"""Beacons of a stream: what the snippet would have sent, and when."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from relay.demo.replay.packing import FLUSH_MS, FLUSH_SIZE, pack
from relay.demo.replay.streams import StreamEvent


def _event(at_ms: int, session: str = "s1", user: str | None = None) -> StreamEvent:
    return StreamEvent(at_ms, session, user, {})


_events = st.lists(
    st.builds(_event, st.integers(0, 30_000), st.sampled_from(["s1", "s2", "s3"]), st.sampled_from([None, "u1"])),
    max_size=120,
).map(lambda events: sorted(events, key=lambda event: event.at_ms))


@given(_events)
def test_every_event_is_in_exactly_one_beacon_in_its_sessions_order(events: list[StreamEvent]) -> None:
    beacons = list(pack(events))
    for session in ("s1", "s2", "s3"):
        packed = [event for beacon in beacons if beacon.session_id == session for event in beacon.events]
        assert [id(event) for event in packed] == [id(event) for event in events if event.session_id == session]


@given(_events)
def test_beacons_are_of_one_session_and_user_and_within_size_and_time(events: list[StreamEvent]) -> None:
    beacons = list(pack(events))
    for beacon in beacons:
        assert {(event.session_id, event.user_id) for event in beacon.events} == {(beacon.session_id, beacon.user_id)}
        assert 1 <= len(beacon.events) <= FLUSH_SIZE
        assert beacon.events[-1].at_ms <= beacon.due_ms <= beacon.events[0].at_ms + FLUSH_MS
    assert all(one.due_ms <= other.due_ms for one, other in pairwise(beacons))


def test_ten_events_go_at_once() -> None:
    (first, second) = pack([_event(at) for at in range(11)])
    assert (len(first.events), first.due_ms) == (10, 9)
    assert (len(second.events), second.due_ms) == (1, 10 + FLUSH_MS)


def test_a_login_sends_what_waits_without_the_user() -> None:
    (before, after) = pack([_event(0), _event(10, user="ada")])
    assert (before.user_id, before.due_ms) == (None, 10)
    assert after.user_id == "ada"
