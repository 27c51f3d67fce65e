"""Spool on disk, dispatcher, sink and the emulator, over real sockets."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aioboto3

from relay.core.clock import SystemClock
from relay.core.telemetry import Metrics
from relay.delivery.dispatcher import Dispatcher
from relay.emulator import SECRET
from relay.sink.personalize.sink import PersonalizeSink
from relay.spool.sqlite.spool import SqliteSpool
from tests.support.emulator import REGION, RunningEmulator, running_emulator
from tests.support.records import new_record


@asynccontextmanager
async def relay_to(url: str, path: Path) -> AsyncIterator[tuple[SqliteSpool, Dispatcher]]:
    clock = SystemClock()
    session = aioboto3.Session(aws_access_key_id="AKIDTEST", aws_secret_access_key=SECRET, region_name=REGION)
    async with (
        SqliteSpool(path, clock=clock, max_bytes=100_000_000) as spool,
        PersonalizeSink(session=session, endpoint_url=url, deadline_s=2.0) as sink,
        Dispatcher(spool, sink, clock=clock, metrics=Metrics(), random=random.Random(1)) as dispatcher,
    ):
        yield spool, dispatcher


def first_seen(emulator: RunningEmulator, session_id: str) -> list[str]:
    """Event ids of a session in the order in which they arrived for the first time."""
    return list(dict.fromkeys(event["eventId"] for event in emulator.events() if event["sessionId"] == session_id))


async def test_everything_arrives_in_order_and_no_call_mixes_anything(tmp_path: Path) -> None:
    async with running_emulator() as emulator:
        async with relay_to(emulator.url, tmp_path / "spool.db") as (spool, dispatcher):
            for round_ in range(4):
                await asyncio.gather(
                    *[
                        spool.append(
                            [
                                new_record(
                                    f"e{round_}-{n}", f"session-{s:016}", user_id=f"u{s}", target=emulator.tracking_id
                                )
                                for n in range(3)
                            ]
                        )
                        for s in range(50)
                    ]
                )
            assert await dispatcher.drain(20) == 0
        for body in emulator.bodies():
            assert 1 <= len(body["eventList"]) <= 10
            assert body["userId"] == f"u{int(body['sessionId'][8:])}"
        expected = [f"e{round_}-{n}" for round_ in range(4) for n in range(3)]
        for session in range(50):
            assert first_seen(emulator, f"session-{session:016}") == expected


async def test_what_a_stopped_relay_left_is_delivered_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    async with relay_to("http://127.0.0.1:9", path) as (spool, dispatcher):
        await spool.append([new_record(f"e{n}", target="11111111-2222-4333-8444-555555555555") for n in range(25)])
        assert await dispatcher.drain(0.3) == 25
    async with running_emulator() as emulator, relay_to(emulator.url, path) as (spool, dispatcher):
        assert await dispatcher.drain(20) == 0
        assert [event["eventId"] for event in emulator.events()] == [f"e{n}" for n in range(25)]
        assert spool.stats().delivered == 25


async def test_an_event_the_service_refuses_is_buried_with_its_message(tmp_path: Path) -> None:
    async with running_emulator() as emulator, relay_to(emulator.url, tmp_path / "spool.db") as (spool, dispatcher):
        records = [
            new_record(f"e{n}", target=emulator.tracking_id, item_id="p" * (300 if n == 4 else 2)) for n in range(9)
        ]
        await spool.append(records)
        assert await dispatcher.drain(20) == 0
        assert [event["eventId"] for event in emulator.events()] == [f"e{n}" for n in range(9) if n != 4]
        assert spool.stats().buried == {"InvalidInputException": 1}


async def test_an_unknown_tracker_is_named_and_its_events_wait(tmp_path: Path) -> None:
    async with running_emulator() as emulator, relay_to(emulator.url, tmp_path / "spool.db") as (spool, dispatcher):
        await asyncio.gather(*[spool.append([new_record("e", f"session-{s:016}", target="gone")]) for s in range(100)])
        await spool.append([new_record("fine", target=emulator.tracking_id)])
        async with asyncio.timeout(10):
            while not dispatcher.problems() or not spool.stats().delivered:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.02)
        assert "gone" in dispatcher.problems()[0]
        stats = spool.stats()
        assert stats.pending + sum(stats.buried.values()) == 100
        assert stats.pending > 50
