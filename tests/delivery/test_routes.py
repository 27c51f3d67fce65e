"""Which targets are looked at: those with something to wait for."""

import math
import random

from relay.core.model import Operation, SessionKey
from relay.delivery.routes import PROBE_CHOICE, TICK_S, Routes
from relay.sink.base import Delivered, Throttled, Unreachable
from tests.support.clock import FakeClock

FAULT = Unreachable("ResourceNotFoundException", "no such tracker", "target")


def routes(clock: FakeClock, *, linger_s: float = 0.0, lingers: dict[str, float] | None = None) -> Routes:
    return Routes(
        clock=clock,
        chance=random.Random(1),
        calls_per_s=1000.0,
        linger_s=linger_s,
        lingers=lingers or {},
        max_linger_s=30.0,
    )


def key(target: str) -> SessionKey:
    return SessionKey(Operation.PUT_EVENTS, target, "session")


def test_a_thousand_sites_that_are_at_rest_are_not_looked_at() -> None:
    clock = FakeClock()
    made = routes(clock)
    for site in range(1000):
        made.of(key(f"site-{site}")).pace.take()
    assert len(made.plan(32, draining=False).holds) == 1000
    clock.advance(1.0)
    assert made.plan(32, draining=False).holds == {}
    made.of(key("site-7")).pace.take()
    assert set(made.plan(32, draining=False).holds) == {"site-7"}


def test_a_site_that_is_out_of_reach_or_slowed_is_held_until_then() -> None:
    clock = FakeClock()
    made = routes(clock)
    made.of(key("gone")).circuit.learn(FAULT, clock.monotonic_s())
    made.of(key("slow")).pace.slow()
    plan = made.plan(32, draining=False)
    assert plan.holds == {"gone": math.inf, "slow": math.inf}
    assert plan.wait_s < TICK_S
    clock.advance(30)
    plan = made.plan(32, draining=False)
    assert "gone" not in plan.holds
    assert plan.sessions == PROBE_CHOICE
    made.of(key("gone")).circuit.probe()
    assert made.plan(32, draining=False).holds["gone"] == math.inf


def test_a_site_that_waits_longer_than_the_rest_does_so_before_it_was_ever_called() -> None:
    made = routes(FakeClock(), linger_s=2.0, lingers={"slow": 10.0, "quick": 0.0, "rest": 2.0})
    plan = made.plan(32, draining=False)
    assert (plan.least_s, plan.holds) == (0.0, {"slow": 10.0, "rest": 2.0})
    assert made.plan(32, draining=True) == (30, {}, 0.0, TICK_S)


def test_problems_are_told_while_there_are_some() -> None:
    clock = FakeClock()
    made = routes(clock)
    assert not made.are_out_of_reach()
    circuit = made.of(key("gone")).circuit
    circuit.learn(FAULT, clock.monotonic_s())
    clock.advance(60)
    made.plan(32, draining=False)
    assert ["no such tracker" in line for line in made.problems()] == [True]
    assert made.are_out_of_reach()
    circuit.learn(Throttled("x"), clock.monotonic_s())
    assert not made.are_out_of_reach()
    assert made.problems() == ["gone answers again, and throttles: no delivery for 60 s (x)"]
    circuit.learn(Delivered("r"), clock.monotonic_s())
    assert made.problems() == []
