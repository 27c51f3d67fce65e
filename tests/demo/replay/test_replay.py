"""Click streams through the front door of a whole relay, to the emulator."""

from pathlib import Path

import pytest

from relay.core.bundled import bundled
from relay.core.clock import SystemClock
from relay.demo.replay.packing import pack
from relay.demo.replay.replaying import Replayed, replay
from relay.demo.replay.sender import SendError, Target, send
from relay.demo.replay.streams import Stream, StreamEvent, read_stream
from relay.identity.tokens import mint_identity
from tests.support.demo import free_ports
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import KEY, ORIGIN, Client, running_relay

pytestmark = pytest.mark.process


def _clicks(count: int, *, sessions: int = 1) -> Stream:
    return Stream(
        "made",
        "clicks",
        tuple(
            StreamEvent(
                number * 100,
                f"session-of-the-replay-{number % sessions}",
                None,
                {"eventId": f"e{number}", "eventType": "Click", "itemId": f"p{number}"},
            )
            for number in range(count)
        ),
    )


def _target(relay: Client) -> Target:
    return Target(
        endpoint=f"{relay.url}/r/e",
        origin=ORIGIN,
        site_token=relay.site_token,
        identity_token=lambda user, session: mint_identity(user, secret_key=KEY, session_id=session),
    )


async def _replay(stream: Stream, relay: Client, emulator: RunningEmulator, *, speed: float | None = None) -> Replayed:
    heard: list[int] = []
    replayed = await replay(
        stream,
        _target(relay),
        admin_url=relay.admin_url,
        emulator_url=emulator.url,
        clock=SystemClock(),
        speed=speed,
        on_progress=heard.append,
    )
    assert sum(heard) == len(stream.events)
    return replayed


async def test_a_recorded_visit_arrives_whole_with_its_users_and_lists() -> None:
    stream = read_stream(bundled("shop") / "trace.jsonl")
    async with running_emulator() as emulator, running_relay(env=emulator.env) as relay:
        replayed = await _replay(stream, relay, emulator)
        arrived = {event["eventId"]: event for event in emulator.events()}
    assert replayed.broken == []
    assert len(replayed.sent.accepted) == len(stream.events) == replayed.totals.delivered
    assert replayed.arrived.largest_call <= 10
    for event in stream.events:
        got = arrived[event.fields["eventId"]]
        for name in ("eventType", "itemId", "impression", "recommendationId"):
            assert got.get(name) == event.fields.get(name)
        if event.user_id is not None:
            assert got["userId"] == event.user_id
        assert got["sessionId"] == event.session_id


@pytest.mark.parametrize("name", ["yoochoose-clicks.csv", "rees46-sample.csv", "otto-sample.jsonl"])
async def test_real_clicks_arrive_whole_and_unmixed(name: str) -> None:
    path = Path.cwd().parent / "shared" / "data" / name
    if not path.is_file():
        pytest.skip("no real click streams beside this checkout; `make replay FILE=...` takes any")
    whole = read_stream(path)
    stream = Stream(whole.name, whole.kind, whole.events[:1_500])
    async with running_emulator() as emulator, running_relay(env=emulator.env) as relay:
        replayed = await _replay(stream, relay, emulator)
    assert replayed.broken == []
    assert len(replayed.sent.accepted) == len(stream.events)
    assert len(replayed.arrived.users) == len({event.session_id for event in stream.events})


async def test_a_second_replay_of_the_same_file_delivers_nothing_twice() -> None:
    stream = _clicks(30, sessions=4)
    async with running_emulator() as emulator, running_relay(env=emulator.env) as relay:
        await _replay(stream, relay, emulator)
        again = await _replay(stream, relay, emulator)
        assert len(emulator.events()) == 30
    assert again.sent.rejected == {"duplicate": 30}
    assert again.broken == []


async def test_a_relay_that_asks_to_wait_gets_everything_later() -> None:
    stream = _clicks(130)
    async with running_emulator() as emulator, running_relay(env=emulator.env, rate_limit_session="10/s") as relay:
        replayed = await _replay(stream, relay, emulator)
    assert replayed.sent.retries > 0
    assert len(replayed.sent.accepted) == 130
    assert replayed.broken == []


async def test_a_chosen_speed_is_kept() -> None:
    stream = _clicks(41)  # four seconds, and the five that the last beacon waits
    async with running_emulator() as emulator, running_relay(env=emulator.env) as relay:
        replayed = await _replay(stream, relay, emulator, speed=10)
    assert replayed.sent.seconds >= 0.9
    assert replayed.broken == []


async def test_times_are_shifted_so_that_the_last_event_is_now() -> None:
    clock = SystemClock()
    async with running_emulator() as emulator, running_relay(env=emulator.env) as relay:
        started_s = clock.now_ms() / 1000
        await _replay(_clicks(101), relay, emulator)
        times = [event["sentAt"] for event in emulator.events()]
    assert times[-1] - times[0] == pytest.approx(10, abs=1)
    assert started_s - 2 <= times[-1] <= clock.now_ms() / 1000


async def test_what_a_relay_refuses_is_counted_by_reason_and_not_missed() -> None:
    stream = _clicks(3)
    stream.events[1].fields["itemId"] = ""
    async with running_emulator() as emulator, running_relay(env=emulator.env) as relay:
        replayed = await _replay(stream, relay, emulator)
        forged = await send(
            _clicks(2, sessions=2),
            pack(_clicks(2, sessions=2).events),
            Target(f"{relay.url}/r/e", ORIGIN, "no token", lambda user, _: user),
            clock=SystemClock(),
            speed=None,
            on_progress=lambda _: None,
        )
    assert replayed.sent.rejected == {"empty": 1}
    assert len(replayed.sent.accepted) == 2
    assert replayed.broken == []
    assert forged.rejected == {"http 401": 2}


async def test_a_relay_that_is_not_there_ends_it_with_its_address() -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)}/r/e"
    with pytest.raises(SendError, match=endpoint):
        await send(
            _clicks(50, sessions=50),
            pack(_clicks(50, sessions=50).events),
            Target(endpoint, ORIGIN, "any", lambda user, _: user),
            clock=SystemClock(),
            speed=None,
            on_progress=lambda _: None,
            give_up_s=0.5,
        )
