"""Links: which sessions get their last event repeated with the user, when, and within which bounds."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from relay.core.errors import SpoolError, SpoolFullError
from relay.core.model import Batch, Binding, NewRecord, Operation, Piece, Record, SessionKey, event_id_of
from relay.core.telemetry import Metrics
from relay.identity.session_stitching import SESSION_BYTES, Links
from relay.spool.memory import MemorySpool
from relay.spool.receipt import Receipt
from tests.spool.leases import whole
from tests.support.clock import LoopClock, run_in_virtual_time
from tests.support.records import single

S1, S2, S3 = (f"session-{number}-0123456789" for number in (1, 2, 3))
AFTER_S = 60.0
TTL_S = 86_400.0
AT_S = 1_795_312_345


class RefusingSpool(MemorySpool):
    """Refuses as long as it is told to."""

    refusing: SpoolError | None = None

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        if self.refusing:
            raise self.refusing
        return super().append(records, binding)


@dataclass
class Stage:
    spool: RefusingSpool
    links: Links
    metrics: Metrics

    def deliver(
        self,
        item: str | None,
        session: str = S1,
        *,
        user: str | None = None,
        at_s: int = AT_S,
        operation: Operation = Operation.PUT_EVENTS,
        **fields: object,
    ) -> None:
        """The service has taken one event."""
        event = {"eventId": "e", "eventType": "View", "sentAt": at_s} | ({"itemId": item} if item else {}) | fields
        key = SessionKey(operation, "tracker", session)
        body = msgspec.json.encode(event)
        record = Record(1, key, user, body, (len(body),), 0, 1)
        self.links.delivered(Batch(key, user, (Piece(record, 1),)))

    def bind(self, session: str = S1, user: str = "u1") -> None:
        """A login is on disk."""
        assert self.spool.sessions.claim("tracker", session, user) == user
        due = self.spool.sessions.due("tracker", session)
        if due is not None:
            self.spool.sessions.saved(due)

    async def repeats(self) -> list[Record]:
        """What waits in the spool; all of it is delivered."""
        if not self.spool.stats().pending:
            return []
        found: list[Record] = []
        for lease in await self.spool.lease(max_sessions=100):
            found += lease.records
            for record in lease.records:
                self.links.delivered(Batch(lease.key, record.user_id, (Piece(record, record.waiting),)))
            self.spool.settle(lease, delivered=whole(lease))
        return found

    def counted(self) -> float:
        return self.metrics.registry.get_sample_value("relay_link_events_total") or 0


def play(story: Callable[[Stage], Awaitable[None]], *, max_bytes: int = 1 << 20) -> list[NewRecord | Record]:
    """Run a story in virtual time; what the spool holds after leaving."""

    async def main() -> list[NewRecord | Record]:
        clock, metrics = LoopClock(), Metrics()
        spool = RefusingSpool(clock=clock, max_bytes=1 << 20, binding_ttl_s=TTL_S)
        async with Links(spool, clock=clock, metrics=metrics, after_s=AFTER_S, max_bytes=max_bytes) as links:
            spool.watch(links)
            await story(Stage(spool, links, metrics))
        left = await spool.lease(max_sessions=100) if spool.stats().pending else []
        return [record for lease in left for record in lease.records]

    return run_in_virtual_time(main)


def test_after_a_login_without_an_event_the_youngest_one_is_repeated_once_with_the_user() -> None:
    async def story(stage: Stage) -> None:
        stage.deliver("p1")
        stage.deliver("p3", at_s=AT_S + 9, eventValue=1.5, properties='{"a":1}')
        stage.deliver("p2", at_s=AT_S + 5)
        stage.bind()
        await asyncio.sleep(AFTER_S - 0.1)
        assert await stage.repeats() == []
        await asyncio.sleep(0.2)
        (repeat,) = await stage.repeats()
        assert (repeat.key.session_id, repeat.user_id) == (S1, "u1")
        assert msgspec.json.decode(repeat.body) == {
            "eventId": event_id_of(repeat.body),
            "eventType": "View",
            "itemId": "p3",
            "sentAt": AT_S + 10,
            "eventValue": 1.5,
            "properties": '{"a":1}',
        }
        parts = msgspec.json.encode(("tracker", S1, "u1"))
        assert event_id_of(repeat.body) == "link~" + hashlib.sha256(parts).hexdigest()
        assert stage.counted() == 1
        stage.deliver("p4")
        await asyncio.sleep(TTL_S)
        stage.bind()
        await asyncio.sleep(10 * AFTER_S)
        assert await stage.repeats() == []

    assert play(story) == []


def test_what_a_recommendation_achieved_is_told_by_the_first_copy_alone() -> None:
    async def story(stage: Stage) -> None:
        stage.deliver("p1", recommendationId="r", impression=["p1"], metricAttribution={"eventAttributionSource": "x"})
        stage.bind()
        await asyncio.sleep(AFTER_S + 1)
        (repeat,) = await stage.repeats()
        assert set(msgspec.json.decode(repeat.body)) == {"eventId", "eventType", "itemId", "sentAt"}

    play(story)


def test_nothing_is_repeated_once_an_item_was_delivered_with_the_user() -> None:
    async def story(stage: Stage) -> None:
        stage.deliver("p1")
        stage.bind()
        await asyncio.sleep(AFTER_S / 2)
        stage.deliver("p2", user="u1")
        stage.deliver("p1", S2)
        stage.deliver("p2", S2, user="u1")
        stage.deliver("p3", S2)  # such as a beacon with a token of another session
        stage.bind(S2)
        await asyncio.sleep(10 * AFTER_S)
        assert await stage.repeats() == []

    assert play(story) == []


def test_an_event_without_an_item_links_nothing_and_is_not_repeated() -> None:
    async def story(stage: Stage) -> None:
        stage.deliver("p1")
        stage.deliver(None, at_s=AT_S + 1)
        stage.deliver(None, S2)
        for session in (S1, S2):
            stage.bind(session)
            stage.deliver(None, session, user="u1")
        await asyncio.sleep(AFTER_S + 1)
        (repeat,) = await stage.repeats()
        assert msgspec.json.decode(repeat.body)["itemId"] == "p1"

    assert play(story) == []


def test_sessions_nobody_logged_in_to_and_other_calls_are_left_alone() -> None:
    async def story(stage: Stage) -> None:
        stage.deliver("p1")
        stage.deliver("p1", S2, operation=Operation.PUT_ACTION_INTERACTIONS)
        stage.bind(S2)
        await asyncio.sleep(10 * AFTER_S)
        assert await stage.repeats() == []

    assert play(story) == []


def test_a_call_that_was_in_flight_at_the_login_counts_too() -> None:
    async def story(stage: Stage) -> None:
        stage.bind()
        await asyncio.sleep(5)
        stage.deliver("p1")
        await asyncio.sleep(AFTER_S + 1)
        assert len(await stage.repeats()) == 1

    play(story)


def test_while_deliveries_are_behind_it_waits_for_what_the_visitor_sent() -> None:
    async def story(stage: Stage) -> None:
        stage.deliver("p1")
        stage.bind()
        key = SessionKey(Operation.PUT_EVENTS, "tracker", S1)
        body = msgspec.json.encode({"eventId": "own", "eventType": "View", "itemId": "p2", "sentAt": AT_S})
        await stage.spool.append([single(key, "u1", "own", body)])
        await asyncio.sleep(5 * AFTER_S)
        assert [event_id_of(record.body) for record in await stage.repeats()] == ["own"]
        await asyncio.sleep(5 * AFTER_S)
        assert await stage.repeats() == []

    assert play(story) == []


def test_it_does_not_wait_for_ever() -> None:
    async def story(stage: Stage) -> None:
        other = SessionKey(Operation.PUT_EVENTS, "a tracker that is gone", S2)
        await stage.spool.append([single(other, None, "stuck", b"{}")])
        stage.deliver("p1")
        stage.bind()
        await asyncio.sleep(3000)
        assert stage.counted() == 0
        await asyncio.sleep(700)
        assert stage.counted() == 1

    play(story)


def test_a_full_spool_makes_it_late() -> None:
    async def story(stage: Stage) -> None:
        stage.deliver("p1")
        stage.bind()
        stage.spool.refusing = SpoolFullError()
        await asyncio.sleep(10 * AFTER_S)
        assert stage.counted() == 0
        stage.spool.refusing = None
        await asyncio.sleep(2)
        assert len(await stage.repeats()) == 1

    assert play(story) == []


def test_an_erased_user_and_an_erased_session_are_not_repeated() -> None:
    async def story(stage: Stage) -> None:
        for session, user in ((S1, "u1"), (S2, "u2"), (S3, "u3")):
            stage.deliver("p1", session)
            stage.bind(session, user)
        stage.spool.sessions.forget(user_id="u1")
        stage.spool.sessions.forget(session_id=S2)
        await asyncio.sleep(AFTER_S + 1)
        assert [record.user_id for record in await stage.repeats()] == ["u3"]

    assert play(story) == []


def test_a_stop_writes_what_is_due_later() -> None:
    async def story(stage: Stage) -> None:
        for number in range(450):  # more than one append holds
            stage.deliver("p1", f"{S1}-{number}")
            stage.bind(f"{S1}-{number}")
        stage.deliver("p1", S2)

    async def refused(stage: Stage) -> None:
        await story(stage)
        stage.spool.refusing = SpoolError()

    assert len(play(story)) == 100  # as many as the test leases
    assert play(refused) == []


def test_memory_is_bounded_and_the_session_untouched_longest_is_forgotten() -> None:
    async def story(stage: Stage) -> None:
        for number in range(1000):
            stage.deliver("p1", f"{S1}-{number}")
        assert 50 < len(stage.links) <= 100
        for number in range(1000):
            stage.bind(f"{S1}-{number}")
            stage.bind(f"{S1}-999")
            assert len(stage.links) <= 100
        for number in range(1000):
            stage.deliver("p1", f"{S2}-{number}", user="u1")
        assert len(stage.links) <= 100
        stage.links.forget(session_id=f"{S2}-999")
        stage.deliver("x" * 100 * SESSION_BYTES)
        assert len(stage.links) == 0
        await asyncio.sleep(AFTER_S + 1)
        assert await stage.repeats() == []

    play(story, max_bytes=100 * SESSION_BYTES)
