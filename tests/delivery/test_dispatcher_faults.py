"""What the dispatcher does when the service says no, or nothing: who waits, for how long, and who does not."""

import asyncio
from dataclasses import dataclass

import pytest

from relay.core.model import Batch, NewRecord, Provenance, event_id_of
from relay.delivery.circuit import PERSON_PROBE_CAP_S, PROBE_CAP_S
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable
from tests.delivery.stage import Stage, now_s, play
from tests.support.records import beacon, new_record, new_records

NETWORK = Unreachable("Timeout", "no answer", "network")
THROTTLED = Throttled("ThrottlingException")
REFUSED = Refused("InvalidInputException", "bad")


def sent_by(source: int, record: NewRecord) -> NewRecord:
    return NewRecord(
        record.key, record.user_id, record.event_ids, record.body, record.ends, came=Provenance(source=source)
    )


def refusing_strangers(batch: Batch) -> Outcome:
    """Those whose events are called "bad" are refused."""
    return REFUSED if any(event_id_of(entry).startswith("bad") for entry in batch.entries()) else Delivered("r")


@pytest.mark.parametrize("strangers", [1, 50])
def test_events_of_strangers_that_are_refused_hold_up_nobody(strangers: int) -> None:
    async def story(stage: Stage) -> None:
        stage.sink.script.extend([refusing_strangers] * 20_000)
        late_s: list[float] = []
        for number in range(300):
            for flood in range(10):
                name = f"stranger-{number * 10 + flood:015}"
                source = 1 + (number * 10 + flood) % strangers
                await stage.spool.append([sent_by(source, new_record(f"bad-{number}", name))])
            if number % 5 == 0:
                good = new_record(f"good-{number}", f"visitor-{number:016}")
                since_s = now_s()
                await stage.spool.append([sent_by(1_000_000 + number, good)])
                while f"good-{number}" not in stage.events():  # noqa: ASYNC110 - in virtual time
                    await asyncio.sleep(0.01)
                late_s.append(now_s() - since_s)
            await asyncio.sleep(0.2)
        assert max(late_s) < 1.0

    play(story)


@dataclass
class Outage:
    """Fails until it is over."""

    stage: Stage
    fault: Unreachable
    is_over: bool = False

    def __call__(self, batch: Batch) -> Outcome:
        del batch
        if self.is_over:
            return Delivered("r")
        self.stage.sink.script.append(self)
        return self.fault


@pytest.mark.parametrize(
    ("fault", "most_s"),
    [(NETWORK, PROBE_CAP_S), (Unreachable("ExpiredTokenException", "old", "credentials"), PERSON_PROBE_CAP_S)],
)
@pytest.mark.parametrize("visitors", [1, 100])
def test_when_a_target_has_recovered_nobody_waits_for_anything_of_their_own(
    fault: Unreachable, most_s: float, visitors: int
) -> None:
    async def story(stage: Stage) -> None:
        outage = Outage(stage, fault)
        stage.sink.script.extend([outage] * 32)
        for number in range(visitors):
            await stage.spool.append([new_record("e", f"session-{number:016}")])
        await asyncio.sleep(1800)
        assert stage.spool.stats().pending == visitors
        outage.is_over = True
        await stage.settled(most_s + 2)

    play(story)


def test_a_session_that_makes_the_far_side_fail_is_not_the_only_one_that_is_tried() -> None:
    async def story(stage: Stage) -> None:
        def answer(batch: Batch) -> Outcome:
            stage.sink.script.append(answer)
            return NETWORK if batch.key.session_id == "poison-000000000" or now_s() < over_s else Delivered("r")

        over_s = now_s() + 60
        stage.sink.script.extend([answer] * 32)
        await stage.spool.append([new_record("p", "poison-000000000")])
        for number in range(20):
            await stage.spool.append([new_record("e", f"session-{number:016}")])
        await asyncio.sleep(60)
        await asyncio.sleep(8 * PROBE_CAP_S)
        assert stage.spool.stats().delivered == 20

    play(story)


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


def test_a_sink_that_raises_costs_no_event() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(3))
        await stage.settled()
        assert stage.events() == ["e0", "e1", "e2"]

    play(story, RuntimeError("a bug"), KeyError("another"))


def test_who_sends_more_that_is_refused_than_the_quota_has_calls_for_holds_nobody_up() -> None:
    """Ten beacons of four bad events a second are fifty calls a second, which is all there are."""
    late_s: list[float] = []

    async def story(stage: Stage) -> None:
        stage.sink.script.extend([refusing_strangers] * 20_000)

        async def visit(number: int) -> None:
            since_s = now_s()
            good = new_record(f"good-{number}", f"visitor-{number:016}")
            await stage.spool.append([sent_by(1_000_000 + number, good)])
            while f"good-{number}" not in stage.events():  # noqa: ASYNC110 - in virtual time
                await asyncio.sleep(0.05)
            late_s.append(now_s() - since_s)

        async with asyncio.TaskGroup() as visits:
            for number in range(200):
                names = [f"bad-{number}-{at}" for at in range(4)]
                await stage.spool.append([sent_by(1, beacon(*names, session_id=f"stranger-{number:015}"))])
                if number % 2 == 0:
                    visits.create_task(visit(number))
                await asyncio.sleep(0.1)
        assert max(late_s) < 5.0

    play(story, calls_per_s=50.0)


def test_a_fault_of_the_relays_own_between_calls_gives_its_lease_back(caplog: pytest.LogCaptureFixture) -> None:
    """Two faults, one call at a time: a place that is not given back holds up everything."""
    faults = [RuntimeError("a bug"), KeyError("another")]

    def told(batch: Batch, outcome: Outcome) -> None:
        del batch, outcome
        if faults:
            raise faults.pop()

    async def story(stage: Stage) -> None:
        await stage.spool.append([new_record(f"e{number}", f"session-{number % 3:015}") for number in range(12)])
        await stage.settled()
        assert sorted(stage.events()) == sorted(f"e{number}" for number in range(12)), "each once"
        assert [one.exc_text and one.exc_text.splitlines()[-1] for one in caplog.records] == [
            "KeyError: 'another'",
            "RuntimeError: a bug",
        ]

    play(story, max_in_flight=1, on_called=told)


def test_refusals_from_a_spool_with_an_end_are_believed_once_something_was_taken() -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append(new_records(2))
        await stage.settled()
        for number in range(200):
            await stage.spool.append([new_record("bad", f"session-{number:016}")])
        await stage.settled()
        assert stage.spool.stats().buried == {"InvalidInputException": 200}

    play(story, *[refusing_strangers] * 1000, trusts_who_took=True)


def test_what_goes_wrong_beside_a_dispatcher_stays_what_it_is() -> None:
    async def story(_: Stage) -> None:
        raise LookupError("of the block's own")

    with pytest.raises(LookupError, match="of the block's own"):
        play(story)


@pytest.mark.parametrize("whose", [{"user_id": "u1"}, {"session_id": "session-a-000000"}], ids=["user", "session"])
def test_of_whom_is_erased_no_further_call_is_made(whose: dict[str, str]) -> None:
    async def story(stage: Stage) -> None:
        theirs = [new_record(f"e{number}", "session-a-000000", user_id="u1") for number in range(10)]
        others = [new_record(f"o{number}", "session-b-000000", user_id="u2") for number in range(10)]
        await stage.spool.append([*theirs, *others])
        await asyncio.sleep(0.5)
        assert stage.sink.in_flight == 2, "a refusal of each is under way: its events would be tried one by one"
        assert await stage.spool.erase(**whose) == 10
        await stage.settled()
        assert {batch.key.session_id for batch in stage.sink.calls[2:]} == {"session-b-000000"}

    play(story, delay_s=1.0, refuse=("e0", "o0"))


def test_with_what_is_another_relays_by_now_no_further_call_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Stage) -> None:
        await stage.spool.append([new_record(f"e{number}", "session-a-000000") for number in range(10)])
        await asyncio.sleep(0.5)
        monkeypatch.setattr(stage.spool, "is_ours", lambda lease: False)  # while a refusal of all ten is under way
        await asyncio.sleep(3)
        assert {batch.size for batch in stage.sink.calls} == {10}, "each a lease of its own, none tried one by one"
        monkeypatch.undo()
        await stage.settled()
        assert len(stage.events()) == 9

    play(story, delay_s=1.0, refuse=("e0",))
