"""boto3 and the AWS SDK for JavaScript, unmodified, make the same calls and get the same answers."""

import asyncio
import json
import random
import shutil
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.emulator.recorded_calls import Recorded, recorded_calls
from tests.support.emulator import TRACKING_ID, RunningEmulator, running_emulator

JS: Final = Path(__file__).parent / "js"


def _with_boto3(running: RunningEmulator, calls: list[Recorded]) -> list[dict[str, Any]]:
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=True)
    results: list[dict[str, Any]] = []
    for call in calls:
        client: Any = boto3.client(call.service, config=config, **running.client_options)  # type: ignore[call-overload]  # any service
        try:
            output = getattr(client, xform_name(call.operation))(**call.input)
            status = output.pop("ResponseMetadata")["HTTPStatusCode"]
            results.append({"status": status, "code": None, "output": output})
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            results.append({"status": status, "code": error.response["Error"]["Code"], "output": {}})
        finally:
            client.close()
    return results


async def _with_javascript(running: RunningEmulator, calls: list[Recorded]) -> list[dict[str, Any]]:
    options = running.client_options
    told = {
        "endpoint": running.url,
        "region": options["region_name"],
        "credentials": {
            "accessKeyId": options["aws_access_key_id"],
            "secretAccessKey": options["aws_secret_access_key"],
        },
        "calls": [call._asdict() for call in calls],
    }
    node = await asyncio.create_subprocess_exec(
        "node", "calls.mjs", cwd=JS, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await node.communicate(json.dumps(told).encode())
    assert node.returncode == 0
    return list(json.loads(out))


def _lasting(value: Any) -> Any:
    """Without what differs from run to run: dates, and the tokens made of them."""
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if not name.endswith(("DateTime", "Token"))}
    return [_lasting(one) for one in value] if isinstance(value, list) else value


def _bodies(running: RunningEmulator) -> list[tuple[str | None, Any]]:
    """What the emulator was sent, as JSON, so that the clients' ways of writing it do not matter."""
    return [(call.operation, json.loads(call.body)) for call in running.emulator.calls.after(0)]


async def _run(client: str) -> tuple[list[dict[str, Any]], list[tuple[str | None, Any]]]:
    async with running_emulator(state_seconds=0, rng=random.Random(1)) as running:
        calls = recorded_calls(TRACKING_ID)
        if client == "boto3":
            results = await asyncio.to_thread(_with_boto3, running, calls)
        else:
            results = await _with_javascript(running, calls)
        return results, _bodies(running)


async def test_boto3_gets_the_answer_each_recorded_call_should_get() -> None:
    results, _ = await _run("boto3")
    assert [result["code"] for result in results] == [call.code for call in recorded_calls(TRACKING_ID)]


@pytest.mark.skipif(  # reason: a run of this file alone; make test installs node and the packages
    shutil.which("node") is None or not (JS / "node_modules").is_dir(), reason="npm ci in tests/emulator/js first"
)
async def test_the_sdk_for_javascript_sends_and_gets_the_same_as_boto3() -> None:
    boto3_results, boto3_bodies = await _run("boto3")
    js_results, js_bodies = await _run("javascript")
    assert js_bodies == boto3_bodies
    assert _lasting(js_results) == _lasting(boto3_results)
