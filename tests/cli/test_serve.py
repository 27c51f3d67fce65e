"""`personalize-relay serve` as a process: start, signals, exit codes."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support.emulator import running_emulator
from tests.support.relay import ORIGIN, ROOT, ServedRelay, relay_environ, served_relay, until

pytestmark = pytest.mark.process


async def run(*arguments: str, **env: str) -> tuple[int, str, str]:
    """The command: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", *arguments),
        env=os.environ | {"PYTHONPATH": str(ROOT)} | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_bad_settings_stop_the_start_with_every_problem_and_code_2() -> None:
    code, out, err = await run(
        "serve", RELAY_SECRET_KEYS="short", RELAY_TRACKING_ID="arn:aws:x", RELAY_ALLOWED_ORIGINS="*"
    )
    assert (code, out) == (2, "")
    named = [line.partition(":")[0] for line in err.splitlines()]
    assert sorted(named) == ["RELAY_ALLOWED_ORIGINS", "RELAY_SECRET_KEYS", "RELAY_TRACKING_ID"]


async def test_a_port_in_use_is_one_line_and_code_1(tmp_path: Path) -> None:
    async with served_relay(tmp_path, sink="jsonl:calls") as relay:
        port = relay.url.rpartition(":")[2]
        code, out, err = await run("serve", **relay_environ(port=port, sink="jsonl:" + str(tmp_path / "other")))
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "RELAY_PORT" in err


async def test_host_and_port_of_the_command_line_go_before_the_settings(tmp_path: Path) -> None:
    settings = relay_environ(port="99", host="192.0.2.1", admin_port="0", sink=f"jsonl:{tmp_path / 'calls'}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", "serve", "--host", "127.0.0.1", "--port", "0"),
        env=os.environ | {"PYTHONPATH": str(ROOT)} | settings,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        url = line.split()[2].rstrip(",")
        assert url.startswith("http://127.0.0.1:")
        async with httpx2.AsyncClient() as http:
            assert (await http.get(f"{url.removesuffix('/r')}/healthz")).status_code == 200
    finally:
        process.terminate()
        await process.wait()


async def test_two_relays_on_one_spool_the_second_refuses(tmp_path: Path) -> None:
    async with served_relay(tmp_path, sink="jsonl:calls") as relay:
        assert (await relay.post(relay.beacon())).status_code == 202
        spool = f"sqlite:///{tmp_path / 'spool.db'}"
        code, _, err = await run("serve", **relay_environ(spool_url=spool, sink=f"jsonl:{tmp_path / 'other'}"))
        assert code == 1
        assert len(err.splitlines()) == 1, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_code_0_and_everything_delivered(tmp_path: Path, number: signal.Signals) -> None:
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env) as relay:
        for _ in range(20):
            await relay.send(*[{"eventType": "View", "itemId": "p"}] * 10)
        relay.process.send_signal(number)
        assert await relay.ended() == 0
        assert len(emulator.events()) == 200
    assert "Traceback" not in (tmp_path / "stderr").read_text()


async def test_what_could_not_be_delivered_stays_on_disk_for_the_next_start(tmp_path: Path) -> None:
    async with running_emulator() as emulator:
        gone = {**emulator.env, "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": "http://127.0.0.1:9"}
        async with served_relay(tmp_path, env=gone, drain_s="1") as relay:
            await relay.send({"eventType": "View", "itemId": "kept"}, identity=relay.login("u1"))
            relay.process.terminate()
            assert await relay.ended() == 0
        log = [json.loads(line) for line in (tmp_path / "stderr").read_text().splitlines()]
        left = [(line["level"], line["pending"]) for line in log if "left on disk" in line["message"]]
        assert left == [("warning", 1)]
        async with served_relay(tmp_path, env=emulator.env) as relay:
            await relay.send({"eventType": "View", "itemId": "later"})
            await until(lambda: len(emulator.events()) == 2)
    assert [(event["itemId"], event["userId"]) for event in emulator.events()] == [("kept", "u1"), ("later", "u1")]


async def test_on_a_signal_it_is_not_ready_and_a_request_in_flight_is_answered(tmp_path: Path) -> None:
    async with served_relay(tmp_path, sink="jsonl:calls", drain_s="10") as relay:
        body = json.dumps(relay.beacon()).encode()
        host, _, port = relay.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /r/e HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body[:10])
        await writer.drain()
        relay.process.terminate()
        assert await until_not_ready(relay) == ["draining"]
        writer.write(body[10:])
        assert (await reader.read()).startswith(b"HTTP/1.1 202 ")
        writer.close()
        assert await relay.ended() == 0


async def test_a_client_that_never_finishes_cannot_hold_it(tmp_path: Path) -> None:
    async with served_relay(tmp_path, sink="jsonl:calls", drain_s="2") as relay:
        host, _, port = relay.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /r/e HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        await writer.drain()
        await until_in_flight(relay.http, relay.url)
        relay.process.terminate()
        assert await relay.ended() == 0
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        writer.close()
    assert "Traceback" not in (tmp_path / "stderr").read_text()


async def test_a_second_signal_hurries(tmp_path: Path) -> None:
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env, drain_s="3600") as relay:
        host, _, port = relay.url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /r/e HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        await writer.drain()
        await until_in_flight(relay.http, relay.url)
        relay.process.terminate()
        await until_not_ready(relay)
        relay.process.terminate()
        assert await relay.ended() == 0
        writer.close()


async def until_not_ready(relay: ServedRelay) -> list[str]:
    """The reasons, once there are some."""
    async with asyncio.timeout(5):
        while True:
            answer = await relay.http.get(f"{relay.admin_url}/readyz")
            if answer.status_code == 503:
                reasons: list[str] = answer.json()["reasons"]
                return reasons
            await asyncio.sleep(0.02)


async def until_in_flight(http: httpx2.AsyncClient, url: str) -> None:
    """A request sent after another was read is answered after it was read."""
    assert (await http.get(f"{url}/healthz")).status_code == 200


async def test_the_log_says_at_the_start_that_a_site_refuses_the_impressions_its_pages_forward(tmp_path: Path) -> None:
    async with served_relay(tmp_path, forward_impressions="1", event_types="Click,View", sink="jsonl:calls"):
        pass
    assert (
        "site default: RELAY_FORWARD_IMPRESSIONS sends events of type Impression" in (tmp_path / "stderr").read_text()
    )
