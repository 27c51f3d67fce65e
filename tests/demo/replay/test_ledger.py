"""A replay says so when a promise is broken."""

import pytest

from relay.demo.replay.ledger import Arrived, Totals, broken_promises

ACCEPTED = {"e1": "s1", "e2": "s2"}
KEPT = Totals(accepted=2, delivered=2, buried=0, erased=0, pending=0)


def _arrived(**changes: object) -> Arrived:
    found = Arrived(calls=2, events=2, largest_call=1, event_ids={"e1", "e2"}, users={"s1": {"u1"}, "s2": set()})
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def test_nothing_is_broken_when_all_arrived() -> None:
    assert broken_promises(ACCEPTED, _arrived(), KEPT) == []


@pytest.mark.parametrize(
    ("found", "totals", "line"),
    [
        (_arrived(event_ids={"e1"}), KEPT, "2 events accepted, 1 arrived"),
        (_arrived(), Totals(accepted=3, delivered=2, buried=0, erased=0, pending=1), "1 events still pending"),
        (_arrived(), Totals(accepted=3, delivered=2, buried=0, erased=0, pending=0), "does not add up"),
        (_arrived(largest_call=11), KEPT, "a call of 11 events"),
        (_arrived(mixed=1), KEPT, "1 calls mix sessions"),
        (_arrived(users={"s1": {"u1", "u2"}}), KEPT, "1 sessions have two users"),
    ],
)
def test_each_broken_promise_has_its_line(found: Arrived, totals: Totals, line: str) -> None:
    (broken,) = broken_promises(ACCEPTED, found, totals)
    assert line in broken
