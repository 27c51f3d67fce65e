"""Calls a second, over a clock set by hand."""

import time

from tests.emulator.raw_client import raw_client
from tests.support.clock import FakeClock
from tests.support.emulator import running_emulator


async def test_a_second_takes_as_many_calls_as_the_quota_then_throttles_with_status_400() -> None:
    clock = FakeClock(now_ms=time.time_ns() // 1_000_000)
    async with running_emulator(clock=clock, quotas={"PutEvents": 5}) as running, raw_client(running) as raw:
        answers = [await raw.put_event() for _ in range(7)]
        assert [answer.status for answer in answers] == [200] * 5 + [400] * 2
        assert answers[-1].code == "ThrottlingException"
        clock.advance(0.4)
        assert [(await raw.put_event()).status for _ in range(3)] == [200, 200, 400]
        assert len(running.bodies()) == 7


async def test_put_items_takes_ten_calls_a_second_by_default() -> None:
    clock = FakeClock(now_ms=time.time_ns() // 1_000_000)
    async with running_emulator(clock=clock) as running, raw_client(running) as raw:
        body = {"datasetArn": raw.arn("dataset/demo/ITEMS"), "items": [{"itemId": "p1"}]}
        answers = [await raw.call("/items", body) for _ in range(11)]
        assert [answer.code for answer in answers] == [None] * 10 + ["ThrottlingException"]
        clock.advance(60)
        assert [(await raw.call("/items", body)).status for _ in range(11)] == [200] * 10 + [400]
        assert (await raw.put_event()).status == 200
