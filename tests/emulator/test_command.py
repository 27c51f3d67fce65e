"""`personalize-relay emulator` as a process."""

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, HTTPClientError

from tests.emulator.raw_client import SENT_AT

pytestmark = pytest.mark.process


@contextmanager
def _running(*options: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "relay", "emulator", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def _client(service: Any, url: str, **options: Any) -> Any:
    given = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "emulator"} | options
    return boto3.client(service, endpoint_url=url, **given)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_url_and_ends_well_on_a_signal(number: signal.Signals) -> None:
    with _running() as (process, url):
        assert httpx2.get(url).status_code == 200
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_starts_with_a_tracker_and_keeps_what_it_got(tmp_path: Path) -> None:
    for round_ in (1, 2):
        with _running("--tracking-id", "demo-1", "--data", str(tmp_path)) as (process, url):
            client = _client("personalize-events", url)
            event: Any = {"eventType": "View", "sentAt": SENT_AT, "itemId": f"p{round_}"}
            client.put_events(trackingId="demo-1", sessionId="s", eventList=[event])
            client.close()
            assert len(httpx2.get(f"{url}/_emulator/calls").text.splitlines()) == round_
            process.kill() if round_ == 1 else process.terminate()
            process.wait(timeout=10)


def test_faults_are_no_errors_of_the_server_and_a_hang_does_not_hold_up_its_end() -> None:
    with _running("--tracking-id", "demo-1") as (process, url):
        config = Config(retries={"total_max_attempts": 1}, read_timeout=0.3)
        client = _client("personalize-events", url, config=config)

        event: Any = {"eventType": "View", "sentAt": SENT_AT}

        for fault in ("reset", "hang", "slow_body"):
            assert httpx2.put(f"{url}/_emulator/faults", json={fault: {"seconds": 20}}).status_code == 200
            with pytest.raises((HTTPClientError, ConnectionClosedError)):
                client.put_events(trackingId="demo-1", sessionId="s", eventList=[event])
        process.terminate()
        assert process.wait(timeout=5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
        client.close()


def test_a_folder_in_use_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with _running("--data", str(tmp_path)):
        command = [sys.executable, "-m", "relay", "emulator", "--port", "0", "--data", str(tmp_path)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "in use" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_in_use_is_one_line_and_exit_code_1() -> None:
    with _running() as (_, url):
        command = [sys.executable, "-m", "relay", "emulator", "--port", url.rpartition(":")[2]]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "can't listen" in second.stderr


def test_wrong_use_is_exit_code_2() -> None:
    command = [sys.executable, "-m", "relay", "emulator", "--port", "nine"]
    assert subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 2


@pytest.mark.parametrize(
    ("options", "variables", "expected"),
    [((), {}, "us-east-1"), ((), {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
     ((), {"AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
     (("--region", "eu-west-2"), {"AWS_REGION": "eu-west-1"}, "eu-west-2")],
)  # fmt: skip
def test_arns_have_the_region_that_was_set_or_signed_for(
    options: tuple[str, ...], variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with _running("--tracking-id", "demo-1", *options) as (_, url):
        client = _client("personalize", url, region_name="ap-south-1")
        (seeded,) = client.list_event_trackers()["eventTrackers"]
        assert seeded["eventTrackerArn"] == f"arn:aws:personalize:{expected}:123456789012:event-tracker/demo"
        made = client.create_dataset_group(name="shop")["datasetGroupArn"]
        assert made == "arn:aws:personalize:ap-south-1:123456789012:dataset-group/shop"
        assert client.describe_dataset_group(datasetGroupArn=made)["datasetGroup"]["name"] == "shop"
        client.close()


def test_what_is_no_name_of_a_region_is_wrong_use() -> None:
    command = [sys.executable, "-m", "relay", "emulator", "--region", "Europe (Ireland)"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is no name of a region" in done.stderr
