"""What an append gives: awaited or told of, with one waiter's trouble no other's."""

import asyncio
from collections.abc import Awaitable

import pytest

from relay.core.errors import SpoolError, SpoolFullError
from relay.spool.receipt import Receipt, Repeated

FIRST = frozenset({(0, 0)})


async def test_it_can_be_awaited_before_and_after_its_end() -> None:
    stored = Receipt()
    waiting = asyncio.ensure_future(stored)
    await asyncio.sleep(0)
    assert not waiting.done()
    stored.succeed(FIRST)
    assert await waiting == FIRST
    assert await stored == FIRST


async def test_a_failure_is_raised_for_each_who_waits() -> None:
    stored = Receipt()
    waiting = [asyncio.ensure_future(stored) for _ in range(2)]
    await asyncio.sleep(0)
    stored.fail(SpoolFullError())
    everybody: list[Awaitable[Repeated]] = [*waiting, stored]
    for one in everybody:
        with pytest.raises(SpoolFullError):
            await one


async def test_who_gives_up_waiting_changes_nothing() -> None:
    stored = Receipt()
    waiting, other = asyncio.ensure_future(stored), asyncio.ensure_future(stored)
    await asyncio.sleep(0)
    waiting.cancel()
    stored.succeed(FIRST)
    assert await other == FIRST
    assert waiting.cancelled() or waiting.cancelling()


async def test_who_asks_late_is_told_at_once() -> None:
    stored, told = Receipt(), list[Repeated]()
    stored.when_done(lambda end: told.append(end.result()))
    stored.succeed(FIRST)
    stored.when_done(lambda end: told.append(end.result()))
    assert told == [FIRST, FIRST]


async def test_one_who_raises_when_told_keeps_nobody_else_from_being_told() -> None:
    heard, told = list[object](), list[Receipt]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))
    stored, trouble = Receipt(), ZeroDivisionError()

    def fail(_: Receipt) -> None:
        raise trouble

    stored.when_done(fail)
    stored.when_done(told.append)
    stored.succeed(FIRST)
    assert told == [stored]
    assert heard == [trouble]


def test_there_is_no_result_before_the_end() -> None:
    with pytest.raises(asyncio.InvalidStateError):
        Receipt().result()
    failed = Receipt()
    failed.fail(SpoolError("the disk refused"))
    with pytest.raises(SpoolError, match="refused"):
        failed.result()
