"""Whose bytes are looked at next: those who ask much wait for each other, and nobody else waits for them."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from relay.web.listener import bounds
from relay.web.listener.turns import Turns


@dataclass
class Looks:
    """A loop by hand: each look runs what was wanted at the one before."""

    wanted: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    def call_soon(self, call: Callable[[], None]) -> None:
        self.wanted.append(call)

    def look(self) -> None:
        now, self.wanted = self.wanted, []
        for call in now:
            call()


@dataclass(eq=False)
class One:
    """A connection that has more to ask for so many turns."""

    name: str
    turns: Turns
    seen: list[str]
    more: int = 0

    def turn(self) -> None:
        self.seen.append(self.name)
        if self.more:
            self.more -= 1
            self.turns.wait(self.name[0], self)


class Failing(One):
    """Does what nobody foresaw."""

    def turn(self) -> None:
        raise ZeroDivisionError


@dataclass
class Stage:
    loop: Looks
    turns: Turns
    seen: list[str]

    def waits(self, name: str, *, more: int = 0) -> One:
        one = One(name, self.turns, self.seen, more)
        self.turns.wait(name[0], one)
        return one


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Every look at the clock takes a third of what turns may take."""
    loop: Any = Looks()
    ticks = iter(range(10_000))
    turns = Turns(loop, seconds=lambda: next(ticks) * bounds.TURNS_S / 2.5)
    yield Stage(loop, turns, [])
    turns.end()


def test_turns_go_round_the_networks_however_many_connections_one_has(stage: Stage) -> None:
    for name in ("a1", "a2", "a3", "b1", "c1"):
        stage.waits(name)
    while stage.loop.wanted:
        stage.loop.look()
    assert stage.seen == ["a1", "b1", "c1", "a2", "a3"]


def test_one_look_at_the_sockets_has_turns_for_a_moment_only_while_others_are_here(stage: Stage) -> None:
    for network in ("a", "b"):
        stage.turns.is_free(network, 300)
    stage.waits("a1", more=100)
    stage.loop.look()
    assert 1 <= len(stage.seen) <= 4
    assert len(stage.loop.wanted) == 1, "and goes on behind the next"


def test_few_are_begun_in_one_look_for_what_an_application_does_comes_behind_it(stage: Stage) -> None:
    quick = Turns(stage.turns._loop, seconds=lambda: 0.0)  # pyright: ignore[reportPrivateUsage]
    for network in ("a", "b", "c", "d", "e", "f", "z"):
        quick.is_free(network, 300)
    for network in ("a", "b", "c", "d", "e", "f"):
        quick.wait(network, One(f"{network}1", quick, stage.seen))
    stage.loop.look()
    assert stage.seen == ["a1", "b1", "c1", "d1"]
    stage.loop.look()
    assert stage.seen[4:] == ["e1", "f1"]
    quick.end()


def test_at_the_beginning_of_a_sweep_those_who_asked_in_the_one_before_are_thought_of(stage: Stage) -> None:
    for network in ("a", "b"):
        stage.turns.is_free(network, 300)
    stage.turns.forget()
    for network in ("a", "b", "c", "d", "e", "f"):
        stage.waits(f"{network}1")
    stage.loop.look()
    assert len(stage.seen) <= bounds.MOST_TURNS


def test_where_nobody_else_is_here_each_connection_has_one_turn_in_a_look(stage: Stage) -> None:
    stage.turns.is_free("a", 300)
    for number in range(50):
        stage.waits(f"a{number}", more=1)
    stage.loop.look()
    assert stage.seen == [f"a{number}" for number in range(50)]
    stage.loop.look()
    assert len(stage.seen) == 100
    assert stage.loop.wanted == []


def test_who_waits_already_does_not_wait_twice(stage: Stage) -> None:
    one = stage.waits("a1")
    stage.turns.wait("a", one)
    stage.loop.look()
    assert stage.seen == ["a1"]
    assert stage.loop.wanted == []


def _asks_much(stage: Stage, network: str) -> list[bool]:
    return [stage.turns.is_free(network, 300) for _ in range(bounds.FREE_READS + 2)]


def test_a_network_that_asks_little_is_free_and_one_that_asks_much_is_not(stage: Stage) -> None:
    assert stage.turns.is_free("b", 300)
    assert _asks_much(stage, "a") == [True] * bounds.FREE_READS + [False] * 2
    assert stage.turns.is_free("b", 300)


def test_who_asks_much_is_free_again_after_a_sweep_of_asking_little(stage: Stage) -> None:
    for asks in (_asks_much, lambda stage, network: stage.turns.is_free(network, 300)):
        stage.turns.is_free("b", 300)
        asks(stage, "a")
        stage.turns.forget()
        stage.turns.is_free("b", 300)
        assert stage.turns.is_free("a", 300) == (asks is not _asks_much)


def test_the_same_goes_for_one_that_goes_on_asking_much(stage: Stage) -> None:
    for _ in range(3):
        stage.turns.is_free("b", 300)
        _asks_much(stage, "a")
        stage.turns.forget()
    stage.turns.is_free("b", 300)
    assert not stage.turns.is_free("a", 300)


def test_where_all_ask_much_nobody_waits_until_somebody_comes_who_asks_little(stage: Stage) -> None:
    for network in ("a", "b"):
        _asks_much(stage, network)
    assert stage.turns.is_free("a", 300)
    assert stage.turns.is_free("b", 300)
    stage.turns.is_free("c", 300)
    assert not stage.turns.is_free("a", 300)


def test_who_asks_little_is_thought_of_for_one_sweep_more(stage: Stage) -> None:
    stage.turns.is_free("c", 300)
    stage.turns.forget()
    assert not _asks_much(stage, "a")[-1]
    stage.turns.forget()
    assert _asks_much(stage, "a")[-1]


def test_who_asks_much_does_not_pass_those_who_wait(stage: Stage) -> None:
    _asks_much(stage, "a")
    stage.waits("b1")
    assert not stage.turns.is_free("a", 300)
    stage.loop.look()
    assert stage.turns.is_free("a", 300)


def test_what_is_read_at_once_counts_by_its_size(stage: Stage) -> None:
    stage.turns.is_free("b", 300)
    assert not stage.turns.is_free("a", 256 * 1024)


def test_threads_change_sooner_only_while_some_wait_and_others_do_not(stage: Stage) -> None:
    usual_s = sys.getswitchinterval()
    stage.turns.is_free("a", 300)
    stage.waits("a1", more=100)
    stage.loop.look()
    assert sys.getswitchinterval() == usual_s, "nobody else is here"
    stage.turns.is_free("b", 300)
    stage.loop.look()
    assert sys.getswitchinterval() == pytest.approx(min(usual_s, bounds.PRESSED_INTERVAL_S))
    stage.turns.forget()
    stage.turns.forget()
    assert sys.getswitchinterval() == pytest.approx(usual_s)


def test_a_turn_that_fails_ends_nobody_elses(stage: Stage) -> None:
    stage.turns.wait("a", Failing("a1", stage.turns, stage.seen))
    stage.waits("b1")
    with pytest.raises(ZeroDivisionError):
        stage.loop.look()
    stage.loop.look()
    assert stage.seen == ["b1"]
