"""Readiness: each reason, and when it goes away."""

from relay.core.errors import SpoolError, SpoolFullError
from relay.core.model import SpoolStats
from relay.web.readiness import REMEMBER_S, Readiness
from tests.support.clock import FakeClock


class World:
    """Readiness over figures a test sets."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.size_bytes = 0
        self.spool_problems: list[str] = []
        self.other_problems: list[str] = []
        self.readiness = Readiness(
            stats=lambda: SpoolStats(0, 0, {}, 0, 0, self.size_bytes, None),
            spool_max_bytes=100,
            spool_problems=lambda: self.spool_problems,
            other_problems=lambda: self.other_problems,
            clock=self.clock,
        )

    def reasons(self) -> list[str]:
        report = self.readiness.report()
        assert report.ready == (not report.reasons)
        return report.reasons


def test_ready_unless_something_is_wrong() -> None:
    assert World().reasons() == []


def test_draining_and_a_full_spool_are_reasons() -> None:
    world = World()
    world.size_bytes = 100
    world.readiness.draining = True
    assert world.reasons() == ["draining", "spool_full"]
    world.size_bytes = 99
    assert world.reasons() == ["draining"]


def test_a_refusal_counts_for_a_while_so_that_traffic_may_try_again() -> None:
    world = World()
    world.readiness.spool_refused(SpoolError())
    assert world.reasons() == ["spool_unwritable"]
    world.clock.advance(REMEMBER_S)
    assert world.reasons() == []
    world.readiness.spool_refused(SpoolFullError())
    assert world.reasons() == ["spool_full"]


def test_a_spool_that_says_it_cannot_is_believed() -> None:
    world = World()
    world.spool_problems = ["spool not writable: fsync failed"]
    assert world.reasons() == ["spool_unwritable"]
    assert world.readiness.report().problems == world.spool_problems


def test_trouble_with_delivery_is_told_but_events_are_taken() -> None:
    world = World()
    world.other_problems = ["no delivery for 60 s"]
    assert world.reasons() == []
    assert world.readiness.report().problems == ["no delivery for 60 s"]
