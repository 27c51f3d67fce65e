"""boto3, the AWS CLI and the AWS SDK for JavaScript, unmodified, make the same calls and get the same answers."""

import asyncio
import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.emulator.clients.every_operation import FILES, arn, making, using
from tests.emulator.clients.recorded_calls import Recorded, recorded_calls
from tests.emulator.service_models import operations
from tests.support.emulator import TRACKING_ID, RunningEmulator, running_emulator

JS: Final = Path(__file__).parents[1] / "js"


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


async def _every_operation(client: str, folder: Path) -> list[dict[str, Any]]:
    """What a client gets for the calls of `every_operation`, against an emulator that gives the same ids each time."""
    bucket = folder / client / "bucket"
    bucket.mkdir(parents=True)
    for name, text in FILES.items():
        (bucket / name).write_text(text)
    options: dict[str, Any] = {"state_seconds": 0, "rng": random.Random(1), "s3_dir": folder / client}
    async with running_emulator(**options) as running:
        made = await asyncio.to_thread(_with_boto3, running, making())
        assert [result["code"] for result in made] == [None] * len(made)
        arns = [result["output"]["solutionVersionArn"] for result in made if "solutionVersionArn" in result["output"]]
        versions = {version.split("/")[1]: version for version in arns}
        actions = running.emulator.dataset_of(arn("dataset-group/all"), "ACTION_INTERACTIONS")
        assert actions is not None
        calls = using(versions, actions.tracking_id or "")
        calls = [
            call._replace(input={**call.input, "trackingId": TRACKING_ID})
            if call.input.get("trackingId") == "TRACKER"
            else call
            for call in calls
        ]
        done = {call.operation for call in (*making(), *calls) if call.code is None}
        assert {operation.name for _, operation in operations()} - done == {"StopSolutionVersionCreation"}
        if client == "boto3":
            results = await asyncio.to_thread(_with_boto3, running, calls)
        elif client == "javascript":
            results = await _with_javascript(running, calls)
        else:
            results = await _with_cli(running, calls)
        codes = {f"{number} {call.operation}": call.code for number, call in enumerate(calls)}
        assert dict(zip(codes, (result["code"] for result in results), strict=True)) == codes
        return results


async def _with_cli(running: RunningEmulator, calls: list[Recorded]) -> list[dict[str, Any]]:
    told = {"endpoint": running.url, "calls": [call._asdict() for call in calls]}
    env = {"PATH": "", "HOME": "/nonexistent", **running.env}
    cli = await asyncio.create_subprocess_exec(
        sys.executable,
        Path(__file__).parent / "cli_calls.py",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=env,
    )
    out, _ = await cli.communicate(json.dumps(told).encode())
    assert cli.returncode == 0
    return list(json.loads(out))


async def test_boto3_gets_every_operation_done_and_every_error_it_models(tmp_path: Path) -> None:
    await _every_operation("boto3", tmp_path)


@pytest.mark.skipif(  # reason: a run of this file alone; make test installs node and the packages
    shutil.which("node") is None or not (JS / "node_modules").is_dir(), reason="npm ci in tests/emulator/js first"
)
async def test_the_sdk_for_javascript_agrees_with_boto3_on_every_operation(tmp_path: Path) -> None:
    boto3_results = await _every_operation("boto3", tmp_path)
    js_results = await _every_operation("javascript", tmp_path)
    assert _lasting(js_results) == _lasting(boto3_results)


@pytest.mark.process
async def test_the_aws_cli_agrees_with_boto3_on_every_operation(tmp_path: Path) -> None:
    boto3_results = await _every_operation("boto3", tmp_path)
    cli_results = await _every_operation("cli", tmp_path)
    for result in boto3_results:
        del result["status"]
    assert _lasting(cli_results) == _lasting(boto3_results)
