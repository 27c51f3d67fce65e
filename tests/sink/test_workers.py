"""Calls made by other processes: they arrive, and no end of any process loses one or leaves one behind."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relay.core.clock import SystemClock
from relay.core.errors import RelayError
from relay.core.model import Operation
from relay.emulator import SECRET
from relay.sink.base import Delivered, Outcome, Refused, Unreachable
from relay.sink.workers.frames import Setup
from relay.sink.workers.sender_process import SenderProcess
from relay.sink.workers.sink import WorkerSink
from tests.support.batches import batch
from tests.support.emulator import REGION, running_emulator
from tests.support.raw_server import RawServer, http_answer, raw_server, saying
from tests.support.relay import ROOT, relay_environ, served_relay, until

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "AKIDTEST", "SECRET_ACCESS_KEY": SECRET, "REGION": REGION}.items():
        monkeypatch.setenv(f"AWS_{name}", value)


@asynccontextmanager
async def sink_to(
    url: str, monkeypatch: pytest.MonkeyPatch, *, workers: int = 1, deadline_s: float = 5.0
) -> AsyncIterator[WorkerSink]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", url)
    async with WorkerSink(workers=workers, deadline_s=deadline_s, clock=SystemClock()) as sink:
        yield sink


async def _silent(_: asyncio.StreamWriter) -> None:
    """Never answers."""


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _senders_of(pid: int) -> list[int]:
    children: set[str] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        children.update((task / "children").read_text().split())
    return sorted(int(child) for child in children if _is_sender(child))


def _is_sender(pid: str) -> bool:
    try:
        return b"relay.sink.workers.sender" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return False


async def test_calls_arrive_whole_and_every_process_takes_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        running_emulator() as emulator,
        sink_to(emulator.url, monkeypatch, workers=2) as sink,
    ):
        outcomes = await asyncio.gather(
            *[sink.deliver(batch(10, user_id="über#1", target=emulator.tracking_id)) for _ in range(20)]
        )
        assert all(isinstance(outcome, Delivered) for outcome in outcomes)
        bodies = emulator.bodies()
        assert len(bodies) == 20
        assert {body["userId"] for body in bodies} == {"über#1"}
        assert [event["eventId"] for event in bodies[0]["eventList"]] == [f"e{n}" for n in range(1, 11)]
        assert len(set(sink.pids)) == 2


async def test_what_the_service_says_comes_back_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said = '{"__type":"InvalidInputException","message":"no such item"}'
    async with (
        raw_server(saying(http_answer("400 Bad Request", said), http_answer("200 OK"))) as server,
        sink_to(server.url, monkeypatch) as sink,
    ):
        assert await sink.deliver(batch()) == Refused("InvalidInputException", "no such item")
        assert await sink.deliver(batch()) == Delivered("7b1c")


async def test_a_process_that_is_killed_gives_its_calls_back_and_another_one_takes_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with raw_server(_silent) as server, sink_to(server.url, monkeypatch, deadline_s=60) as sink:
        (pid,) = sink.pids
        calls = [asyncio.create_task(sink.deliver(batch())) for _ in range(3)]
        await _arrived(server, 3)
        os.kill(pid, signal.SIGKILL)
        outcomes = await asyncio.gather(*calls)
        assert {type(outcome) for outcome in outcomes} == {Unreachable}
        await until(lambda: bool(sink.pids) and sink.pids != [pid])


async def test_a_process_that_stands_still_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.sink.workers.sink.STUCK_S", 0.2)
    async with (
        raw_server(saying(http_answer("200 OK"))) as server,
        sink_to(server.url, monkeypatch, deadline_s=0.3) as sink,
    ):
        (pid,) = sink.pids
        os.kill(pid, signal.SIGSTOP)
        assert isinstance(await sink.deliver(batch()), Unreachable)
        await until(lambda: bool(sink.pids) and sink.pids != [pid])
        assert await sink.deliver(batch()) == Delivered("7b1c")
        assert not _runs(pid)


async def test_signals_to_the_whole_group_do_not_end_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        raw_server(saying(http_answer("200 OK"))) as server,
        sink_to(server.url, monkeypatch) as sink,
    ):
        before = sink.pids
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(before[0], number)
        assert await sink.deliver(batch()) == Delivered("7b1c")
        assert sink.pids == before
    assert not _runs(before[0])


async def test_without_a_region_it_says_so_and_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(RelayError, match="region"):
        async with WorkerSink(workers=2, clock=SystemClock()):
            pass
    assert _senders_of(os.getpid()) == []


async def test_serve_without_a_region_ends_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "serve", "--workers", "1"),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | relay_environ(),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode == 1
    assert len(said.splitlines()) == 1, said
    assert b"region" in said


async def test_a_sender_killed_under_load_loses_nothing(tmp_path: Path) -> None:
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env, workers="2") as relay:
        for number in range(60):
            await relay.send(
                {"eventType": "View", "itemId": "p", "eventId": f"e{number}"}, session=f"session-{number:09}"
            )
            if number % 20 == 10:
                os.kill(_senders_of(relay.process.pid)[0], signal.SIGKILL)
        await until(lambda: len({event["eventId"] for event in emulator.events()}) == 60)
        await until(lambda: len(_senders_of(relay.process.pid)) == 2)
        relay.process.terminate()
        assert await relay.ended() == 0
    assert "Traceback" not in (tmp_path / "stderr").read_text()


async def test_a_call_to_a_sender_that_has_just_ended_fails_at_once() -> None:
    sender = await SenderProcess.start(Setup({}, max_in_flight=1, deadline_s=5.0), SystemClock())
    os.kill(sender.pid, signal.SIGKILL)
    await sender.ended.wait()
    outcomes: list[Outcome] = []
    sender.call(Operation.PUT_EVENTS, "tracker", b"{}", outcomes.append)
    assert [type(outcome) for outcome in outcomes] == [Unreachable]
    await sender.end()


async def test_a_stop_of_the_whole_group_delivers_what_waits_first(tmp_path: Path) -> None:
    async with (
        running_emulator() as emulator,
        served_relay(tmp_path, env=emulator.env, workers="2", linger_s="30") as relay,
    ):
        for number in range(30):
            await relay.send(session=f"session-{number:09}")
        senders = _senders_of(relay.process.pid)
        for pid in (*senders, relay.process.pid):
            os.kill(pid, signal.SIGTERM)
        assert await relay.ended() == 0
        assert len(emulator.events()) == 30
        await until(lambda: not any(map(_runs, senders)))


async def test_no_sender_outlives_a_relay_that_is_killed(tmp_path: Path) -> None:
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env, workers="2") as relay:
        await relay.send()
        senders = _senders_of(relay.process.pid)
        assert len(senders) == 2
        relay.process.kill()
        await relay.ended()
        await until(lambda: not any(map(_runs, senders)))


async def _arrived(server: RawServer, count: int) -> None:
    await until(lambda: len(server.requests) == count)
