"""What the dispatcher does when all is well: at once, in order, side by side, paced."""

import asyncio
import random

import pytest

from relay.core.model import event_id_of
from relay.core.telemetry import Metrics
from relay.delivery.dispatcher import Dispatcher
from relay.sink.base import Unreachable
from relay.sink.memory import MemorySink
from relay.spool.memory import MemorySpool
from tests.delivery.stage import Stage, now_s, play
from tests.support.clock import LoopClock, run_in_virtual_time
from tests.support.records import new_record, new_records


def test_a_call_is_no_task() -> None:
    async def story(stage: Stage) -> None:
        before = len(asyncio.all_tasks())
        for number in range(30):
            await stage.spool.append([new_record("e", f"session-{number:016}")])
        await asyncio.sleep(0.5)
        assert stage.sink.in_flight == 30
        assert len(asyncio.all_tasks()) == before
        await stage.settled()

    play(story, delay_s=1.0)


def test_an_event_is_sent_at_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append([new_record("e")])
        await stage.settled(0.1)
        assert stage.events() == ["e"]

    play(story)


def test_what_comes_during_a_call_goes_together_in_the_next() -> None:
    async def story(stage: Stage) -> None:
        for number in range(5):
            await stage.spool.append([new_record(f"e{number}")])
            await asyncio.sleep(0.1)
        await stage.settled()
        assert [batch.size for batch in stage.sink.calls] == [1, 4]

    play(story, delay_s=1.0)


def test_one_session_never_has_two_calls_in_flight_while_others_go_side_by_side() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(30, "session-a-000000"))
        await stage.spool.append(new_records(5, "session-b-000000"))
        await stage.settled()
        assert stage.sink.most_in_flight == 2
        first = [
            event_id_of(record.body)
            for batch in stage.sink.calls
            if batch.key.session_id[8] == "a"
            for record, _ in batch.pieces
        ]
        assert first == [f"e{n}" for n in range(30)]

    play(story, delay_s=1.0)


def test_calls_in_flight_are_bounded() -> None:
    async def story(stage: Stage) -> None:
        for number in range(50):
            await stage.spool.append([new_record("e", f"session-{number:016}")])
        await stage.settled()
        assert stage.sink.most_in_flight == 4

    play(story, delay_s=0.5, max_in_flight=4)


def test_least_linger_lets_a_session_collect() -> None:
    async def story(stage: Stage) -> None:
        for number in range(9):
            await stage.spool.append([new_record(f"e{number}")])
            await asyncio.sleep(1)
        await stage.settled()
        assert [batch.size for batch in stage.sink.calls] == [9]

    play(story, linger_s=10.0)


def test_a_target_lingers_as_long_as_it_is_told_to_more_or_less_than_the_rest() -> None:
    async def story(stage: Stage) -> None:
        for number in range(2):  # the second time the dispatcher knows the targets
            began_s = now_s()
            for target in ("slow", "quick", "rest"):
                await stage.spool.append([new_record(f"{target}-{number}", target=target)])
            await stage.settled()
            batches = stage.sink.delivered[-3:]
            assert [batch.key.target for batch in batches] == ["quick", "rest", "slow"]
            assert now_s() - began_s == pytest.approx(10, abs=0.6)
        await stage.spool.append([new_record(f"full-{number}", target="slow") for number in range(10)])
        await stage.settled(0.1)
        assert stage.sink.delivered[-1].size == 10

    play(story, linger_s=2.0, lingers={"slow": 10.0, "quick": 0.0, "rest": 2.0})


def test_draining_does_not_linger_anywhere() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append([new_record("e", target="slow")])
        await asyncio.sleep(1)
        assert await stage.dispatcher.drain(5) == 0

    play(story, lingers={"slow": 10.0})


def test_draining_does_not_linger_and_tells_what_is_left() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append([new_record("e")])
        await asyncio.sleep(1)
        assert stage.sink.calls == []
        started_s = now_s()
        assert await stage.dispatcher.drain(20) == 0
        assert now_s() - started_s < 1
        await stage.spool.append([new_record("later")])
        await asyncio.sleep(60)
        assert stage.events() == ["e"]

    play(story, linger_s=30.0)


def test_draining_ends_at_its_deadline() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(3))
        started_s = now_s()
        assert await stage.dispatcher.drain(5) == 3
        assert now_s() - started_s < 5.1

    play(story, delay_s=999)


def test_draining_does_not_wait_for_a_target_out_of_reach() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(3))
        await asyncio.sleep(1)
        started_s = now_s()
        assert await stage.dispatcher.drain(20) == 3
        assert now_s() - started_s < 1

    play(story, *[Unreachable("AccessDeniedException", "no", "target")] * 100)


def test_leaving_in_the_middle_of_a_call_gives_the_lease_back() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(12))
        while not stage.sink.in_flight:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.1)
        await stage.dispatcher.__aexit__(None, None, None)
        assert stage.spool.stats().pending == 12
        (lease,) = await asyncio.wait_for(stage.spool.lease(max_sessions=1), 1)
        assert lease.attempt == 2

    async def main() -> None:
        clock = LoopClock()
        async with MemorySpool(clock=clock, max_bytes=1_000_000) as spool:
            sink, metrics = MemorySink(delay_s=999), Metrics()
            dispatcher = Dispatcher(spool, sink, clock=clock, metrics=metrics, random=random.Random(1))
            await dispatcher.__aenter__()
            await story(Stage(spool, sink, dispatcher, metrics))

    run_in_virtual_time(main)


def test_near_the_quota_events_are_held_back_to_fill_calls_and_far_from_it_they_are_not() -> None:
    async def story(stage: Stage) -> None:
        async def visit(session: int, beacons: int, every_s: float) -> None:
            for number in range(beacons):
                await stage.spool.append([new_record(f"e{number}", f"session-{session:016}")])
                await asyncio.sleep(every_s)

        async with asyncio.TaskGroup() as visits:
            for session in range(100):
                visits.create_task(visit(session, 60, 1.0))
                await asyncio.sleep(0.01)
        await stage.settled()
        under = len(stage.sink.delivered)
        assert under < 0.6 * 6000, "100 events a second at a quota of 40 calls"
        before_s = now_s()
        await asyncio.sleep(60)
        await stage.spool.append([new_record("alone", "session-alone-00")])
        await stage.settled()
        assert now_s() - before_s < 60.1

    play(story, calls_per_s=40)
