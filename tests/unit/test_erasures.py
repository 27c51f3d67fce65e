"""Whom the relay erased, and how many of them it goes on refusing."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from relay.bindings import Bindings
from relay.erasures import Erasures
from relay.spool.base import Spool
from relay.spool.sqlite import SqliteSpool
from tests.spool.files import sql
from tests.support.clock import FakeClock

USERS = [f"u{number}" for number in range(9)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def open_spool(tmp_path: Path, clock: FakeClock) -> Callable[[], AbstractAsyncContextManager[SqliteSpool]]:
    return lambda: SqliteSpool(tmp_path / "spool.db", clock=clock, max_bytes=10_000_000)


async def erasures_of(spool: Spool, clock: FakeClock, *, most: int) -> Erasures:
    erasures = Erasures(spool=spool, bindings=Bindings(clock=clock, ttl_s=60.0), clock=clock, most=most)
    assert erasures.load(await spool.bindings()) == []
    return erasures


def refused(erasures: Erasures) -> list[str]:
    return [user for user in USERS if user in erasures]


async def test_past_the_bound_those_erased_longest_ago_are_refused_no_longer_here_and_after_a_restart(
    open_spool: Callable[[], AbstractAsyncContextManager[SqliteSpool]],
    clock: FakeClock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_spool() as spool:
        erasures = await erasures_of(spool, clock, most=3)
        with caplog.at_level(logging.WARNING):
            for user in ["u0", "u1", "u2", "u0", "u3", "u4"]:
                clock.advance(1.0)
                await erasures.erase(user)
        assert refused(erasures) == ["u0", "u3", "u4"], "who is erased again counts from then"
        assert caplog.text.count("refused no longer") == 1, "one line a minute"
    async with open_spool() as spool:
        erasures = await erasures_of(spool, clock, most=3)
        assert refused(erasures) == ["u0", "u3", "u4"]
        clock.advance(1.0)
        await erasures.erase("u5")
        assert refused(erasures) == ["u3", "u4", "u5"], "the order outlives the restart"
    async with open_spool():
        pass
    assert sql(tmp_path / "spool.db", "SELECT count(*) FROM bindings") == [(3,)]


async def test_what_was_noted_beyond_the_bound_without_a_relay_goes_with_the_next_erasures(
    open_spool: Callable[[], AbstractAsyncContextManager[SqliteSpool]], clock: FakeClock
) -> None:
    async with open_spool() as spool:
        for user in USERS[:6]:
            clock.advance(1.0)
            await (await erasures_of(spool, clock, most=100)).erase(user)
        erasures = await erasures_of(spool, clock, most=4)
        assert refused(erasures) == USERS[:6]
        for user in USERS[6:9]:
            clock.advance(1.0)
            await erasures.erase(user)
        assert refused(erasures) == USERS[5:9]
