"""The dispatcher between a spool in memory and a scripted sink, in time that costs nothing."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from relay.core.model import Batch, event_id_of
from relay.core.telemetry import Metrics
from relay.delivery.dispatcher import Dispatcher
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable
from relay.sink.memory import Answer, MemorySink
from relay.spool.memory import MemorySpool
from tests.support.clock import LoopClock, run_in_virtual_time
from tests.support.records import new_record, new_records

NETWORK = Unreachable("Timeout", "no answer", "network")
THROTTLED = Throttled("ThrottlingException")


@dataclass
class Stage:
    spool: MemorySpool
    sink: MemorySink
    dispatcher: Dispatcher
    metrics: Metrics

    def events(self) -> list[str]:
        """Event ids in order of delivery."""
        return [event_id_of(entry) for batch in self.sink.delivered for entry in batch.entries()]

    def calls(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("relay_put_events_calls_total", {"outcome": outcome}) or 0

    async def settled(self, seconds: float = 3600) -> None:
        """Wait until nothing is pending."""
        async with asyncio.timeout(seconds):
            while self.spool.stats().pending:  # noqa: ASYNC110  in virtual time this is how to let it pass
                await asyncio.sleep(0.01)


def play(
    story: Callable[[Stage], Awaitable[None]],
    *script: Answer,
    refuse: tuple[str, ...] = (),
    delay_s: float = 0.01,
    **options: object,
) -> None:
    """Run a story in virtual time with a running dispatcher."""

    async def main() -> None:
        clock, metrics = LoopClock(), Metrics()
        sink = MemorySink(script, refuse=refuse, delay_s=delay_s)
        async with MemorySpool(clock=clock, max_bytes=100_000_000) as spool:
            dispatcher = Dispatcher(
                spool,
                sink,
                clock=clock,
                metrics=metrics,
                random=random.Random(1),
                **options,  # type: ignore[arg-type]
            )
            async with dispatcher:
                await story(Stage(spool, sink, dispatcher, metrics))

    run_in_virtual_time(main)


def now_s() -> float:
    return asyncio.get_running_loop().time()


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


def test_failures_are_retried_with_the_same_events_in_the_same_order() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(3))
        await stage.settled()
        assert len(stage.sink.calls) == 4
        assert {tuple(map(event_id_of, batch.entries())) for batch in stage.sink.calls} == {("e0", "e1", "e2")}
        assert stage.events() == ["e0", "e1", "e2"]
        assert (stage.calls("unreachable"), stage.calls("throttled"), stage.calls("delivered")) == (2, 1, 1)

    play(story, NETWORK, Unreachable("InternalFailure", cause="service"), THROTTLED)


def test_events_that_come_during_retries_keep_their_place_behind() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(2))
        await asyncio.sleep(0.005)
        await stage.spool.append(new_records(2, start=2))
        await stage.settled()
        assert stage.events() == ["e0", "e1", "e2", "e3"]

    play(story, NETWORK, NETWORK, delay_s=0.01)


def test_one_refused_event_is_buried_with_its_message_and_its_neighbours_are_delivered_in_order() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(10))
        await stage.settled()
        assert stage.events() == [f"e{n}" for n in range(10) if n != 6]
        stats = stage.spool.stats()
        assert (stats.delivered, stats.buried) == (9, {"InvalidInputException": 1})
        assert stage.dispatcher.problems() == []

    play(story, refuse=("e6",))


@pytest.mark.parametrize("outcome", [NETWORK, Unreachable("AccessDeniedException", "no", "target"), THROTTLED])
def test_during_an_outage_nothing_is_buried_and_after_it_everything_arrives(outcome: Outcome) -> None:
    async def story(stage: Stage) -> None:
        over_s = now_s() + 600

        def answer(_: Batch) -> Outcome:
            if now_s() >= over_s:
                return Delivered("r")
            stage.sink.script.append(answer)
            return outcome

        stage.sink.script.extend([answer] * 32)
        for number in range(200):
            await stage.spool.append(new_records(3, f"session-{number:016}"))
        await asyncio.sleep(590)
        assert stage.spool.stats().pending == 600
        assert len(stage.sink.calls) < 8000, "a hundredth of the quota, for the throttled"
        await stage.settled(100)
        stats = stage.spool.stats()
        assert (stats.delivered, stats.buried) == (600, {})
        assert stage.dispatcher.problems() == []

    play(story)


def test_a_fault_for_a_person_is_named_until_it_is_repaired_and_only_probed() -> None:
    async def story(stage: Stage) -> None:
        for number in range(20):
            await stage.spool.append([new_record("e", f"session-{number:016}")])
        await asyncio.sleep(0.1)
        (problem,) = stage.dispatcher.problems()
        assert "tracker-1" in problem
        assert "ExpiredTokenException" in problem
        assert len(stage.sink.calls) <= 20
        calls = len(stage.sink.calls)
        await asyncio.sleep(60)
        assert calls < len(stage.sink.calls) < calls + 40
        stage.sink.script.clear()
        await stage.settled(60)
        assert stage.dispatcher.problems() == []

    play(story, *[Unreachable("ExpiredTokenException", "expired", "credentials")] * 1000)


def test_a_target_that_fails_does_not_hold_up_another() -> None:
    async def story(stage: Stage) -> None:
        def answer(batch: Batch) -> Outcome:
            stage.sink.script.append(answer)
            if batch.key.target == "gone":
                return Unreachable("ResourceNotFoundException", "no such tracker", "target")
            return Delivered("r")

        stage.sink.script.extend([answer] * 40)
        for number in range(100):
            await stage.spool.append([new_record("e", f"session-{number:016}", target="gone")])
            await stage.spool.append([new_record("e", f"session-{number:016}", target="fine")])
        await asyncio.sleep(5)
        assert sum(batch.key.target == "fine" for batch in stage.sink.delivered) == 100
        assert stage.spool.stats().pending == 100

    play(story)


def test_when_everything_is_refused_the_tracker_is_suspected_and_burying_stops() -> None:
    async def story(stage: Stage) -> None:
        for number in range(200):
            await stage.spool.append([new_record("e", f"session-{number:016}")])
        await asyncio.sleep(600)
        stats = stage.spool.stats()
        assert sum(stats.buried.values()) < 60
        assert stats.pending > 140
        assert "every event is refused" in stage.dispatcher.problems()[0]
        stage.sink.script.clear()
        await stage.settled(120)

    play(story, *[Refused("InvalidInputException", "no")] * 100_000, max_in_flight=8)


def test_throttling_slows_and_nothing_is_lost() -> None:
    async def story(stage: Stage) -> None:
        window: list[float] = []

        def answer(_: Batch) -> Outcome:
            stage.sink.script.append(answer)
            at = now_s()
            window[:] = [t for t in window if at - t < 1.0] + [at]
            return THROTTLED if len(window) > 50 else Delivered("r")

        stage.sink.script.extend([answer] * 32)
        for number in range(1000):
            await stage.spool.append(new_records(2, f"session-{number:016}"))
        await stage.settled()
        assert stage.spool.stats().delivered == 2000
        assert stage.calls("throttled") < 0.35 * stage.calls("delivered")

    play(story, calls_per_s=200)


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


def test_a_sink_that_raises_costs_no_event() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(3))
        await stage.settled()
        assert stage.events() == ["e0", "e1", "e2"]

    play(story, RuntimeError("a bug"), KeyError("another"))


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
